"""A trained network whose colors a smaller one learns, in place of those of the photographs (distillation).

    teacher = Teacher(config.teacher, device)
    teacher.give_weights(generator)                     # the smaller one starts with its encoder
    chroma = teacher.answer(seen, guide, stride=8)      # what the smaller one is to say

What a network says of a photograph is nearer to what another one can learn than the photograph's own colors,
most of which nobody could know from its lightness (Hinton et al. 2015, arXiv 1503.02531).
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.checkpoint import load_checkpoint
from cgan_train.models.base import Generator
from cgan_train.models.guided import TrainingGuide

_ALL = 99  # blocks of an encoder


class Teacher:
    """The generator of a checkpoint, by its folder or the name of one that ships. Errors as of `load_checkpoint`."""

    def __init__(self, name: str, device: torch.device) -> None:
        self._generator = load_checkpoint(Path(name)).generator
        self._generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._generator.requires_grad_(False)
        self._generator.freeze(_ALL)

    def give_weights(self, generator: Generator) -> None:
        """Copy all weights whose name and shape another generator has too."""
        wanted = generator.state_dict()
        given = self._generator.state_dict().items()
        generator.load_state_dict(wanted | {k: v for k, v in given if k in wanted and v.shape == wanted[k].shape})

    @torch.no_grad()
    def answer(self, lightness: Tensor, guide: tuple[Tensor, ...], stride: int) -> Tensor:
        """Predict chroma at 1/stride of the size, with the guide of a batch in training or without one."""
        guides = (TrainingGuide(*guide),) if guide and self._generator.guided else ()
        chroma: Tensor = self._generator.predict(lightness, *guides)[:, -2:]
        return F.adaptive_avg_pool2d(chroma, (lightness.shape[-2] // stride, lightness.shape[-1] // stride))
