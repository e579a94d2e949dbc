"""How far two models' colors for the same gray images differ: an export and its source.

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

_CHROMA_PEAK = 2.0  # span of chroma, [-1, 1]
_CODE_PEAK = 255.0  # span of an image's codes
_IDENTICAL_DB = 200.0  # in place of infinity, which JSON does not have

Answer = tuple[Array, Array, Array]
"""Lightness (N, 1, H, W), the reference's chroma (N, 2, H, W), and the other model's, same shape."""


@dataclass(frozen=True)
class Agreement:
    """The difference between two models' chroma, or between two colored images.

    If an answer holds a value that is not finite, all differences are infinite and the ratio is 0.

    Attributes:
        images: Number of images compared.
        largest: Largest absolute difference, of (a*, b*)/110 or of codes 0 to 255.
        mean: Mean absolute difference of the same.
        psnr_db: Peak signal-to-noise ratio of the same; the peak is their span (2 or 255); 200 for equal
            ones.
        ciede2000: Mean color difference of the colored images; about 1 is just visible.
    """

    images: int
    largest: float
    mean: float
    psnr_db: float
    ciede2000: float


def agreement(answers: Iterable[Answer]) -> Agreement:
    """Compare two models' chroma; the answers may be of different sizes."""
    sums = _Sums()
    for lightness, reference, other in answers:
        if not (np.isfinite(reference).all() and np.isfinite(other).all()):
            return Agreement(sums.images + len(lightness), math.inf, math.inf, 0.0, math.inf)
        color = ciede2000(_lab(lightness, reference), _lab(lightness, other))
        sums.add(len(lightness), other.astype(np.float64) - reference, color)
    return sums.agreement(_CHROMA_PEAK)


def image_agreement(pairs: Iterable[tuple[Image, Image]]) -> Agreement:
    """Compare pairs of colored images, uint8 RGB (H, W, 3); the reference comes first."""
    sums = _Sums()
    for reference, other in pairs:
        color = ciede2000(lab_of_image(reference), lab_of_image(other))
        sums.add(1, other.astype(np.float64) - reference, color)
    return sums.agreement(_CODE_PEAK)


class _Sums:
    """Sums over the images compared so far."""

    def __init__(self) -> None:
        self.images = self._values = self._pixels = 0
        self._largest = self._total = self._squares = self._color = 0.0

    def add(self, images: int, difference: npt.NDArray[np.float64], color: Array) -> None:
        """Add images by the differences of their values and the CIEDE2000 of their pixels."""
        self.images += images
        self._values += difference.size
        self._pixels += color.size
        self._largest = max(self._largest, float(np.abs(difference).max()))
        self._total += float(np.abs(difference).sum())
        self._squares += float((difference**2).sum())
        self._color += float(color.sum(dtype=np.float64))

    def agreement(self, peak: float) -> Agreement:
        """The agreement of all images; `peak` is the span of their values."""
        square = self._squares / self._values
        psnr = min(10 * math.log10(peak**2 / square), _IDENTICAL_DB) if square else _IDENTICAL_DB
        mean, color = self._total / self._values, self._color / self._pixels
        return Agreement(self.images, self._largest, mean, psnr, color)


def _lab(lightness: Array, chroma: Array) -> Array:
    """Lightness (N, 1, H, W) and chroma (N, 2, H, W) to L*a*b*, (N, H, W, 3)."""
    lab = np.concatenate(((lightness + 1) * 50, chroma * AB_SCALE), axis=1)
    return np.moveaxis(lab, 1, -1)
