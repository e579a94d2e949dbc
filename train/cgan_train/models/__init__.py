"""Generators and discriminators, and the small registry that builds them by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import DiscriminatorConfig, GeneratorConfig
from cgan_train.models.base import Generator
from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.guided import GuidedGenerator
from cgan_train.models.many_scales import ManyScales
from cgan_train.models.own import build_own
from cgan_train.models.paper import PaperGenerator, PatchDiscriminator
from cgan_train.models.unet import SeedDiscriminator, SeedGenerator

GENERATORS: dict[str, Callable[..., Generator]] = {
    "seed": SeedGenerator,
    "paper": PaperGenerator,
    "edge": EdgeGenerator,
    "guided": GuidedGenerator,
}
"""Generators by name, built from their channel widths."""

_PREDICT_LAB = {"paper"}  # these take `outputs=3`
_TAKE_CODES = {"paper"}  # these take `codes=True`

_DISCRIMINATORS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "patch": PatchDiscriminator,
    "seed": SeedDiscriminator,
}


def build_generator(config: GeneratorConfig) -> Generator:
    """Build a generator with random weights.

    Raises:
        ConfigError: There is no generator of that name, or it cannot have the widths, channels or size; as
            of `build_own`.
    """
    generator = build_own(config) if config.file else _build_known(config)
    if config.size % generator.size_multiple:
        raise ConfigError(
            f"generator {config.name!r} takes multiples of {generator.size_multiple} px, not {config.size}"
        )
    return generator


def _build_known(config: GeneratorConfig) -> Generator:
    if config.name not in GENERATORS:
        raise ConfigError(f"no generator {config.name!r}; there are {', '.join(GENERATORS)}")
    if config.channels == "lab" and config.name not in _PREDICT_LAB:
        raise ConfigError(f"generator {config.name!r} predicts ab alone; lab is for {_PREDICT_LAB}")
    if config.gray == "codes" and config.name not in _TAKE_CODES:
        raise ConfigError(f"generator {config.name!r} computes with lightness alone; codes are for {_TAKE_CODES}")
    options: dict[str, int] = {"outputs": 3} if config.channels == "lab" else {}
    options |= {"codes": True} if config.gray == "codes" else {}
    try:
        return GENERATORS[config.name](config.widths, **options)
    except (ValueError, IndexError) as error:
        raise ConfigError(f"generator {config.name!r} cannot have the widths {config.widths} ({error})") from error


def build_discriminator(config: DiscriminatorConfig, channels: int = 3) -> nn.Module:
    """Build a discriminator with random weights: (N, channels, H, W) to a list of features, logits last.

    Raises:
        ConfigError: There is no discriminator of that name.
    """
    if config.name not in _DISCRIMINATORS:
        raise ConfigError(f"no discriminator {config.name!r}; there are {', '.join(_DISCRIMINATORS)}")
    build = _DISCRIMINATORS[config.name]
    discriminator = build(config.widths, channels)
    if config.scales > 1:
        discriminator = ManyScales([build(config.widths, channels) for _ in range(config.scales)])
    if config.spectral_norm:
        for part in list(discriminator.modules()):
            if isinstance(part, nn.Conv2d | nn.Linear):
                spectral_norm(part)
    return discriminator
