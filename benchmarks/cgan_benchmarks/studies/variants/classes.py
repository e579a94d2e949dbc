"""Color classes, and the loss for learning them.

Zhang, Isola, Efros 2016, "Colorful Image Colorization", arXiv 1603.08511, sections 2.1 and 2.2: squares of 10
in a* and b*, the truth spread over the nearest of them, cross-entropy, and larger weights for rare colors.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE
from cgan_train.color import lab_of_rgb
from cgan_train.config.schema import TrainConfig
from cgan_train.training.losses import shaded

_GRID = 10  # a* and b*
_LEVELS = 65  # of red, green and blue each, in the search through the gamut
_NEAREST = 5  # classes that a color is spread over
_SIGMA = 5.0  # a* and b*, of the Gaussian that spreads it, and that smooths the frequencies
_UNIFORM = 0.5  # share of a uniform distribution in the frequencies
_LIMIT = int(AB_SCALE)


@functools.cache
def class_colors() -> Tensor:
    """a* and b* of the classes, float (Q, 2): the centers of all squares that sRGB reaches."""
    steps = torch.linspace(0, 1, _LEVELS)
    cube = torch.cartesian_prod(steps, steps, steps).T[None, :, :, None]
    ab = lab_of_rgb(cube)[0, 1:, :, 0].T
    squares: Tensor = torch.unique((ab / _GRID).round(), dim=0)
    return squares * _GRID


class ClassLoss:
    """Cross-entropy of class logits and true chroma; class frequencies are counted from the batches."""

    def __init__(self) -> None:
        colors = class_colors()
        self._kernel = _gaussian(torch.cdist(colors, colors))  # (Q, Q)
        self._counts = torch.zeros(len(colors))
        span = torch.arange(-_LIMIT, _LIMIT + 1.0)
        distance, self._near = torch.cdist(torch.cartesian_prod(span, span), colors).topk(_NEAREST, largest=False)
        self._shares = _gaussian(distance)  # of whole a* and b*, (221 x 221, 5)

    def __call__(
        self, logits: Tensor, truth: Tensor, lightness: Tensor, config: TrainConfig, chroma_gain: float
    ) -> Tensor:
        """Mean loss of logits (N, Q, h, w) for (a*, b*)/110, (N, 2, h, w); `chroma_gain` is not used."""
        a, b = (truth * AB_SCALE).round().clamp(-_LIMIT, _LIMIT).long().unbind(dim=1)
        color = (a + _LIMIT) * (2 * _LIMIT + 1) + b + _LIMIT  # (N, h, w)
        near, shares = self._near[color], self._shares[color]  # (N, h, w, 5)
        self._counts += torch.bincount(near[..., 0].flatten(), minlength=len(self._counts))
        likelihood = logits.log_softmax(dim=1).movedim(1, -1).gather(-1, near)
        distance = -(shares * likelihood).sum(dim=-1) * self._weights()[near[..., 0]]
        return (shaded(distance[:, None], lightness) if config.shade else distance).mean()

    def _weights(self) -> Tensor:
        """Weights of the classes, (Q,), with a mean of 1 over the colors seen so far; equation 4."""
        seen = self._kernel.T @ (self._counts / self._counts.sum())
        weights = 1 / ((1 - _UNIFORM) * seen + _UNIFORM / len(seen))
        return weights / (weights * seen).sum()


def _gaussian(distance: Tensor) -> Tensor:
    """Gaussian weights of distances, with a sum of 1 over the last axis."""
    return torch.softmax(-(distance**2) / (2 * _SIGMA**2), dim=-1)
