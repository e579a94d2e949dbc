"""Sums over images of how one coloring differs from the truth, from which `Quality` is computed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import Array, ciede2000, colorfulness, rgb_of_lab

Features = Callable[[Image], Array]
"""sRGB images, uint8 (N, H, W, 3), to features of each, float32 (N, D)."""

COLORED = 10.0
"""A pixel with a chroma above this counts as colored. CIEDE2000 from gray is then about 7: plainly seen."""

_TOLERANCES = (2, 5)  # percent; Quality names them
_AB_SPAN = 2.2  # a* and b* of -110 to 110, relative to L* of 0 to 100
_ROUNDING = 1e-4  # of float32 arithmetic; the compared numbers lie at least 0.09 apart
_MIN_SQUARE = 1e-6  # error of equal images: a thousandth of a code
_BIN, _BINS = 0.005, 40_000  # of CIEDE2000; no two colors of L*a*b* are 200 apart


@dataclass
class Tally:
    """Sums over images of one coloring, or of the truth itself, which has no errors.

    Attributes:
        pixels: Number of pixels.
        error: Of CIEDE2000.
        counts: Histogram of CIEDE2000, in bins of `_BIN`.
        colorful: Colorfulness of each image.
        chroma: Of the pixels' chroma.
        colored: Pixels with a chroma above `COLORED`.
        rgb: Of absolute differences of R, G and B codes.
        psnr: Of R, G and B codes, in dB, of each image.
        square_ab: Of squared differences of a* and b*.
        right: Pixels within each of `_TOLERANCES`.
        features: Of each image, (D,), if they were asked for.
    """

    pixels: int = 0
    error: float = 0.0
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    colorful: list[float] = field(default_factory=list)
    chroma: float = 0.0
    colored: int = 0
    rgb: int = 0
    psnr: list[float] = field(default_factory=list)
    square_ab: float = 0.0
    right: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(_TOLERANCES), np.int64))
    features: list[Array] = field(default_factory=list)

    @classmethod
    def of_truth(cls, lab: Array, features: Features | None = None) -> Tally:
        """Tally the truth itself, (N, H, W, 3)."""
        chroma = np.hypot(lab[..., 1], lab[..., 2])
        return cls(
            pixels=chroma.size,
            colorful=colorfulness(lab).tolist(),
            chroma=float(chroma.sum(dtype=np.float64)),
            colored=int((chroma > COLORED).sum()),
            features=[*features(rgb_of_lab(lab))] if features else [],
        )

    @classmethod
    def of(cls, lab: Array, truth: Array, features: Features | None = None) -> Tally:
        """Tally a coloring of some images, (N, H, W, 3)."""
        tally = cls.of_truth(lab, features)
        errors = ciede2000(lab, truth).ravel()
        tally.error = float(errors.sum(dtype=np.float64))
        tally.counts = np.bincount(np.fmin(errors / _BIN, _BINS - 1).astype(np.intp), minlength=_BINS)
        codes = np.abs(rgb_of_lab(lab).astype(np.int32) - rgb_of_lab(truth))
        tally.rgb = int(codes.sum())
        tally.psnr = [_psnr(float(mean)) for mean in (codes**2).mean(axis=(1, 2, 3))]
        tally.square_ab = float(((lab - truth)[..., 1:].astype(np.float64) ** 2).sum())
        away = np.abs(np.rint(lab) - np.rint(truth)) / np.array([1, _AB_SPAN, _AB_SPAN], np.float32)
        largest = away.max(axis=-1)
        tally.right = np.array([(largest <= tolerance + _ROUNDING).sum() for tolerance in _TOLERANCES])
        return tally

    def add(self, other: Tally) -> None:
        """Add the sums over other images."""
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            value += getattr(other, each.name)  # lists and arrays in place
            setattr(self, each.name, value)

    def errors(self) -> dict[str, float]:
        """The fields of `Quality` that the gray images have too."""
        accuracy = 100 * self.right / self.pixels
        return {
            "ciede2000": self.error / self.pixels,
            "mae": 100 * self.rgb / (3 * self.pixels * 255),
            "accuracy_2": float(accuracy[0]),
            "accuracy_5": float(accuracy[1]),
            "psnr_ab": _psnr(self.square_ab / (2 * self.pixels)),
            "psnr_rgb": float(np.mean(self.psnr)),
        }

    def percentile(self, percent: float) -> float:
        """Percentile of all pixels' CIEDE2000, to within half a bin."""
        below = np.cumsum(self.counts)
        return float((np.searchsorted(below, percent / 100 * self.pixels) + 0.5) * _BIN)


def _psnr(square: float) -> float:
    """Decibels of a mean squared error of 8-bit codes; finite for equal images."""
    return 10 * math.log10(255**2 / max(square, _MIN_SQUARE))
