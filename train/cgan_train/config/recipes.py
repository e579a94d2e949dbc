"""The recipes: named settings that a run starts from.

`seed`, `paper`, `paper-unet` and `places` follow published work, which docs/explanation/training.md names;
`edge` trains the model that ships, `edge-small` a smaller one that learns from it, and `edge-vivid` goes on from it
with a discriminator: livelier, and farther from the truth.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import Augmentation, DiscriminatorConfig, GeneratorConfig, Phase, TrainConfig

_SEED = TrainConfig(
    recipe="seed",
    generator=GeneratorConfig("seed", size=32, widths=(64, 128, 256, 512, 1024)),
    discriminator=DiscriminatorConfig("seed", widths=(64, 128, 256, 512, 1024)),
    phases=(Phase("gan", share=1.0, crop=32, lr=2e-4),),
    epochs=200,
    batch_size=128,
    augmentation=Augmentation(flip=False),
    label_smoothing=0.1,
)

_PAPER = TrainConfig(
    recipe="paper",
    generator=GeneratorConfig("paper", size=32, widths=(64, 128, 256, 512, 512), channels="lab"),
    discriminator=DiscriminatorConfig("patch", widths=(64, 128, 256, 512)),
    phases=(Phase("gan", share=1.0, crop=32, lr=3e-4, schedule="staircase"),),
    epochs=200,
    batch_size=128,
    generator_steps=2,
    betas=(0.0, 0.999),
    discriminator_rate=0.1,
    recalibration=100,
)

_PAPER_UNET = dataclasses.replace(
    _PAPER,
    recipe="paper-unet",
    phases=(Phase("regression", share=1.0, crop=32, lr=3e-4, schedule="staircase", gan=False),),
)

_PLACES = dataclasses.replace(
    _PAPER,
    recipe="places",
    generator=GeneratorConfig("paper", 256, widths=(64, 64, 128, 256, 512, 512, 512, 512), channels="lab"),
    phases=(Phase("gan", share=1.0, crop=256, lr=3e-4, schedule="staircase"),),
    epochs=20,
    batch_size=16,
    augmentation=Augmentation(zoom=(0.8, 1.0)),
    recalibration=50,
)

_EDGE = TrainConfig(
    recipe="edge",
    generator=GeneratorConfig("guided", size=256, widths=(56, 96, 160, 256)),
    discriminator=DiscriminatorConfig("patch", widths=(64, 128, 256)),
    phases=(
        Phase("decoder", share=0.1, crop=128, lr=2e-3, gan=False, frozen_blocks=16, chroma_gain=1 / 30),
        Phase(
            "regression", share=0.55, crop=128, lr=1.2e-3, schedule="cosine", gan=False, frozen_blocks=3,
            chroma_gain=1 / 30,
        ),
        Phase(
            "finish", share=0.25, crop=192, lr=5e-4, gan=False, frozen_blocks=5, chroma_gain=1 / 45,
            frozen_norm=True,
        ),
        Phase(
            "gan", share=0.1, crop=160, lr=1e-4, schedule="cosine", frozen_blocks=5, chroma_gain=1 / 45,
            frozen_norm=True, discriminator_warmup=100, pixel_weight=300.0,
        ),
    ),
    epochs=40,
    batch_size=32,
    augmentation=Augmentation(zoom=(0.3, 1.0), film=0.4, soft=0.5, surfaces=0.08, paste=0.7, guides=0.5),
    pixel_loss="smooth_l1",
    shade=True,
    label_smoothing=0.1,
    encoder_rate=0.25,
    encoder_weights="imagenet",
    optimizer="adamw",
    betas=(0.9, 0.99),
    ema=0.999,
)  # fmt: skip

_EDGE_SMALL = dataclasses.replace(
    _EDGE,
    recipe="edge-small",
    generator=GeneratorConfig("guided", size=256, widths=(48, 80, 128)),
    phases=(
        Phase("decoder", share=0.5, crop=128, lr=2e-3, gan=False, frozen_blocks=16, chroma_gain=1 / 60),
        Phase(
            "regression", share=0.5, crop=128, lr=1e-3, schedule="cosine", gan=False, frozen_blocks=5,
            chroma_gain=1 / 60, frozen_norm=True,
        ),
    ),
    epochs=10,
    teacher="edge",
)  # fmt: skip

_EDGE_VIVID = dataclasses.replace(
    _EDGE,
    recipe="edge-vivid",
    discriminator=DiscriminatorConfig("patch", widths=(64, 128, 256), spectral_norm=True, scales=2),
    phases=(
        Phase(
            "gan", share=0.65, crop=192, lr=1.5e-4, frozen_blocks=16, chroma_gain=1 / 45, frozen_norm=True,
            discriminator_warmup=350, pixel_weight=220.0, feature_weight=5.0,
        ),
        Phase(
            "finish", share=0.35, crop=192, lr=1.5e-4, schedule="cosine", frozen_blocks=16, chroma_gain=1 / 45,
            frozen_norm=True, pixel_weight=500.0, feature_weight=8.0,
        ),
    ),
    epochs=1,
    batch_size=16,
    gan_loss="hinge",
    discriminator_rate=6.0,
)  # fmt: skip

DEFAULT = "edge"
RECIPES = {config.recipe: config for config in (_EDGE, _EDGE_SMALL, _EDGE_VIVID, _PAPER, _PAPER_UNET, _PLACES, _SEED)}


def recipe(name: str, **changes: Any) -> TrainConfig:
    """A recipe with some fields changed.

    Raises:
        ConfigError: There is no such recipe, or a value is out of range.
    """
    if name not in RECIPES:
        raise ConfigError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return dataclasses.replace(RECIPES[name], **changes)


def only_gan(config: TrainConfig) -> TrainConfig:
    """The config with its GAN phases alone, which share all its epochs.

    Raises:
        ConfigError: It has no GAN phase.
    """
    phases = [phase for phase in config.phases if phase.gan]
    if not phases:
        raise ConfigError(f"recipe {config.recipe!r} has no phase with a discriminator")
    total = sum(phase.share for phase in phases)
    return dataclasses.replace(
        config, phases=tuple(dataclasses.replace(phase, share=phase.share / total) for phase in phases)
    )
