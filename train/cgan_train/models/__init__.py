"""Generators and discriminators, and the small registry that builds them by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from cgan_runtime.errors import ConfigError
from cgan_train.config import DiscriminatorConfig, GeneratorConfig
from cgan_train.models.base import Generator
from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.paper import PaperGenerator, PatchDiscriminator
from cgan_train.models.unet import SeedDiscriminator, SeedGenerator

GENERATORS: dict[str, Callable[[tuple[int, ...]], Generator]] = {
    "seed": SeedGenerator,
    "paper": PaperGenerator,
    "edge": EdgeGenerator,
}
"""Generators by name; each is built from its channel widths."""

_DISCRIMINATORS: dict[str, Callable[[tuple[int, ...]], nn.Module]] = {
    "patch": PatchDiscriminator,
    "seed": SeedDiscriminator,
}


def build_generator(config: GeneratorConfig) -> Generator:
    """A generator with fresh weights.

    Raises:
        ConfigError: No generator of that name, or widths that it cannot have.
    """
    if config.name not in GENERATORS:
        raise ConfigError(f"no generator {config.name!r}; there are {', '.join(GENERATORS)}")
    try:
        generator = GENERATORS[config.name](config.widths)
    except (ValueError, IndexError) as error:
        raise ConfigError(
            f"generator {config.name!r} cannot have the widths {config.widths} ({error})"
        ) from error
    if config.size % generator.size_multiple:
        raise ConfigError(
            f"generator {config.name!r} takes multiples of {generator.size_multiple} px, not {config.size}"
        )
    return generator


def build_discriminator(config: DiscriminatorConfig) -> nn.Module:
    """A discriminator with fresh weights: (N, 3, H, W) of lightness and chroma to logits.

    Raises:
        ConfigError: No discriminator of that name.
    """
    if config.name not in _DISCRIMINATORS:
        raise ConfigError(f"no discriminator {config.name!r}; there are {', '.join(_DISCRIMINATORS)}")
    return _DISCRIMINATORS[config.name](config.widths)
