"""How far two models' colours for the same grey pictures lie apart: an export and its source.

found = agreement([(lightness, reference_chroma, chroma), ...])
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cgan_runtime.manifest import AB_SCALE
from cgan_train.metrics import Array, ciede2000

_PEAK = 2.0  # span of chroma, [-1, 1]
_IDENTICAL_DB = 200.0  # stands for infinity, which JSON has not

Answer = tuple[Array, Array, Array]
"""Lightness (N, 1, H, W), the reference's chroma (N, 2, H, W), the other's, same shape."""


@dataclass(frozen=True)
class Agreement:
    """What two models' chroma differ by.

    Where an answer holds a value that is not finite, all differences are infinite and the ratio is 0.

    Attributes:
        pictures: How many were compared.
        largest: Largest absolute difference of (a*, b*)/110.
        mean: Mean absolute difference of the same.
        psnr_db: Peak signal to noise ratio of the same, its span 2 being the peak; 200 for none at all.
        ciede2000: Mean colour difference of the coloured pictures; about 1 is the least that can be seen.
    """

    pictures: int
    largest: float
    mean: float
    psnr_db: float
    ciede2000: float


def agreement(answers: Iterable[Answer]) -> Agreement:
    """Compare two models' answers, which may be of different sizes."""
    pictures = values = pixels = 0
    largest = total = squares = colour = 0.0
    for lightness, reference, other in answers:
        if not (np.isfinite(reference).all() and np.isfinite(other).all()):
            return Agreement(pictures + len(lightness), math.inf, math.inf, 0.0, math.inf)
        difference = np.abs(other.astype(np.float64) - reference)
        largest = max(largest, float(difference.max()))
        total += float(difference.sum())
        squares += float((difference**2).sum())
        between = ciede2000(_lab(lightness, reference), _lab(lightness, other))
        colour += float(between.sum(dtype=np.float64))
        pictures += len(lightness)
        values += difference.size
        pixels += between.size
    mean_square = squares / values
    psnr = 10 * math.log10(_PEAK**2 / mean_square) if mean_square else _IDENTICAL_DB
    return Agreement(pictures, largest, total / values, min(psnr, _IDENTICAL_DB), colour / pixels)


def _lab(lightness: Array, chroma: Array) -> Array:
    """(N, 1, H, W) and (N, 2, H, W) to L*a*b*, (N, H, W, 3)."""
    lab = np.concatenate(((lightness + 1) * 50, chroma * AB_SCALE), axis=1)
    return np.moveaxis(lab, 1, -1)
