"""Colors outside the gamut: mixed with the gray of their luminance or luma until they fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_TINY = np.float32(1e-6)


def within_gamut(light: FloatArray, weights: npt.NDArray[Any], *, highlights: bool = False) -> FloatArray:
    """Linear R, G and B (3, n) mixed with the gray of their luminance until they are 0..1, or only not negative."""
    luminance, differences = subtract_luma(light, weights[0], weights[2])
    if highlights:
        factor = np.clip(luminance / np.maximum(-differences.min(axis=0), _TINY), 0, 1)
    else:
        np.minimum(luminance, 1, out=luminance)
        factor = room(luminance, differences)
    mixed: FloatArray = np.maximum(differences * factor + luminance, 0)
    return mixed


def subtract_luma(rgb: FloatArray, red: float, blue: float) -> tuple[FloatArray, FloatArray]:
    """Luma (n,) of colors (3, n), and R, G and B minus luma, exactly 0 for gray. Overwrites `rgb`.

    Args:
        rgb: R, G and B.
        red: Weight of red in the luma.
        blue: Weight of blue; green has the rest to 1.
    """
    luma: FloatArray = np.float32(red) * (rgb[0] - rgb[1])
    luma += np.float32(blue) * (rgb[2] - rgb[1])
    luma += rgb[1]
    rgb -= luma
    return luma, rgb


def room(luma: FloatArray, differences: FloatArray) -> FloatArray:
    """The largest factor in [0, 1] for which luma + factor * differences (3, n) stays in [0, 1]."""
    factor: FloatArray = (1 - luma) / np.maximum(differences.max(axis=0), _TINY)
    np.minimum(factor, luma / np.maximum(-differences.min(axis=0), _TINY), out=factor)
    return np.clip(factor, 0, 1, out=factor)
