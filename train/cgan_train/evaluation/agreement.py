"""How far two models' colors for the same gray images lie apart: an export and its source.

found = agreement([(lightness, reference_chroma, chroma), ...])
found = image_agreement([(reference_image, image), ...])
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cgan_runtime.manifest import AB_SCALE
from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import Array, ciede2000, lab_of_image

_PEAK = 2.0  # span of chroma, [-1, 1]
_LEVELS = 255.0  # span of an image's codes
_IDENTICAL_DB = 200.0  # stands for infinity, which JSON has not

Answer = tuple[Array, Array, Array]
"""Lightness (N, 1, H, W), the reference's chroma (N, 2, H, W), the other's, same shape."""


@dataclass(frozen=True)
class Agreement:
    """What two models' chroma, or two colored images, differ by.

    Where an answer holds a value that is not finite, all differences are infinite and the ratio is 0.

    Attributes:
        images: How many were compared.
        largest: Largest absolute difference, of (a*, b*)/110 or of codes 0 to 255.
        mean: Mean absolute difference of the same.
        psnr_db: Peak signal to noise ratio of the same, its span (2, or 255) being the peak; 200 for none at
            all.
        ciede2000: Mean color difference of the colored images; about 1 is the least that can be seen.
    """

    images: int
    largest: float
    mean: float
    psnr_db: float
    ciede2000: float


def agreement(answers: Iterable[Answer]) -> Agreement:
    """Compare two models' answers, which may be of different sizes."""
    sums = _Sums(_PEAK)
    for lightness, reference, other in answers:
        if not (np.isfinite(reference).all() and np.isfinite(other).all()):
            return Agreement(sums.images + len(lightness), math.inf, math.inf, 0.0, math.inf)
        color = ciede2000(_lab(lightness, reference), _lab(lightness, other))
        sums.add(len(lightness), other.astype(np.float64) - reference, color)
    return sums.agreement()


def image_agreement(pairs: Iterable[tuple[Image, Image]]) -> Agreement:
    """Compare colored images, uint8 RGB (H, W, 3), with those of a reference, which come first."""
    sums = _Sums(_LEVELS)
    for reference, other in pairs:
        color = ciede2000(lab_of_image(reference), lab_of_image(other))
        sums.add(1, other.astype(np.float64) - reference, color)
    return sums.agreement()


class _Sums:
    """What is known of the images compared so far."""

    def __init__(self, peak: float) -> None:
        self.images = 0
        self._peak = peak
        self._values = self._pixels = 0
        self._largest = self._total = self._squares = self._color = 0.0

    def add(self, images: int, difference: npt.NDArray[np.float64], color: Array) -> None:
        """Take images' differences, value by value, and their CIEDE2000, pixel by pixel."""
        self.images += images
        self._values += difference.size
        self._pixels += color.size
        self._largest = max(self._largest, float(np.abs(difference).max()))
        self._total += float(np.abs(difference).sum())
        self._squares += float((difference**2).sum())
        self._color += float(color.sum(dtype=np.float64))

    def agreement(self) -> Agreement:
        """All of them together."""
        square = self._squares / self._values
        psnr = min(10 * math.log10(self._peak**2 / square), _IDENTICAL_DB) if square else _IDENTICAL_DB
        mean, color = self._total / self._values, self._color / self._pixels
        return Agreement(self.images, self._largest, mean, psnr, color)


def _lab(lightness: Array, chroma: Array) -> Array:
    """(N, 1, H, W) and (N, 2, H, W) to L*a*b*, (N, H, W, 3)."""
    lab = np.concatenate(((lightness + 1) * 50, chroma * AB_SCALE), axis=1)
    return np.moveaxis(lab, 1, -1)
