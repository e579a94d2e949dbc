"""Checkpoints of random weights that behave like trained ones: BatchNorm fits, chroma is strong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from cgan_train.checkpoint import save_checkpoint
from cgan_train.config.recipes import RECIPES
from cgan_train.config.schema import GeneratorConfig
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.models.edge import EdgeGenerator

EDGE = GeneratorConfig("edge", 256, (56, 96, 160, 256))
SEED = GeneratorConfig("seed", 32, (8, 12, 16))
PAPER = GeneratorConfig("paper", 32, (8, 12, 16, 24, 24))
"""`seed` and `paper` have few channels, so that tests are quick."""

SHALLOW = GeneratorConfig("paper", 32, (16, 24, 32))
"""Fewer layers too: quick to trace, to quantize and to compile."""

STRENGTH = 0.15
"""Standard deviation of the last tanh's input: colored, not saturated."""

_SIDE = 64  # pixels


def thin(recipe: str) -> GeneratorConfig:
    """A recipe's generator with an eighth of the channels; `edge`, which is small, as it is."""
    config = RECIPES[recipe].generator
    if recipe == "edge":
        return config
    return replace(config, widths=tuple(max(8, width // 8) for width in config.widths))


def lively_generator(config: GeneratorConfig, seed: int = 0) -> Generator:
    """A generator with BatchNorm statistics of photos, and chroma of standard deviation `STRENGTH`."""
    torch.manual_seed(seed)
    generator = build_generator(config)
    if isinstance(generator, EdgeGenerator):
        generator.encoder.load_imagenet()  # rounding errors would grow with random weights
    side = max(_SIDE, 2 * generator.size_multiple)
    lightness = torch.from_numpy(lightness_of(comparison_photos(), side, side))
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # plain averages
    head = generator.head
    assert isinstance(head, nn.Conv2d)
    with torch.no_grad():
        generator.train()
        generator(lightness)
        spread: list[float] = []
        hook = head.register_forward_hook(lambda _module, _given, answer: spread.append(float(answer.std())))
        generator.eval()(lightness)
        hook.remove()
        # Hints, which it has not learned to obey, add as much again where they are.
        head.weight *= (STRENGTH / 2 if generator.guided else STRENGTH) / spread[0]
    return generator


def write_checkpoint(folder: Path, config: GeneratorConfig, generator: Generator | None = None) -> Path:
    """Write a checkpoint of a generator, by default a lively one, and return its folder."""
    weights = (generator or lively_generator(config)).state_dict()
    training = {"epochs_done": 1, "data": "none"}
    save_checkpoint(folder, weights, config, config.name, training, {"ciede2000": 9.0})
    return folder
