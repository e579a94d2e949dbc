"""Enlarge predicted chroma with the image's own luma as guide, so that color ends where objects end.

cb, cr = enlarge_chroma(codes, luma_low, luma_high, span=encoding.luma_span)
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Plane = npt.NDArray[Any]

RADIUS = 1
"""Reach of the window in which chroma is regressed on luma, pixels of the small planes; the window is 3x3."""

EPSILON = 0.01
"""Variance of luma at which half of the slope is believed, in (white - black)**2; a deviation of 10 %."""

_DEPTH = {"uint8": cv2.CV_8U, "uint16": cv2.CV_16U, "float32": cv2.CV_32F}


def enlarge_chroma(
    codes: FloatArray,
    guide_low: Plane,
    guide_high: Plane,
    *,
    span: float = 1.0,
    out: tuple[Plane, Plane] | None = None,
    scratch: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[Plane, Plane]:
    """Enlarge two chroma planes so that their edges follow those of the luma.

    As in the fast guided filter (He and Sun 2015, arXiv 1505.00996) chroma is regressed on luma in small
    windows and the slopes are enlarged; but the filter's smoothed chroma is not taken. What is added to the
    bicubic enlargement is slope * (luma - enlarged small luma) alone: where luma is flat nothing changes,
    and no detail of the color is lost. The filter itself is farther from the truth than even bilinear
    enlargement (docs/experiments.md).

    Args:
        codes: Cb and Cr codes (or a* and b*), float32 (2, h, w).
        guide_low: Luma, (h, w), any unit; uint8, uint16 or float32.
        guide_high: Luma in the same unit and dtype, at the size wanted, (H, W).
        span: White minus black in that unit.
        out: Where to write, two arrays (H, W), uint8, uint16 or float32; integers are rounded and saturated.
        scratch: Two float32 arrays (H, W) to work in. A video hands in the same for every frame: fresh
            memory costs more than the arithmetic.

    Returns:
        `out`, or two new float32 arrays (H, W).
    """
    shape = guide_high.shape
    large, shift = scratch or (np.empty(shape, np.float32), np.empty(shape, np.float32))
    targets = out or (np.empty(shape, np.float32), np.empty(shape, np.float32))
    guide = guide_low.astype(np.float32)
    for plane, slope, target in zip(codes, _slopes(codes, guide, span), targets, strict=True):
        # slope * large luma + enlarged (plane - slope * small luma)
        cv2.resize(slope, shape[::-1], dst=large, interpolation=cv2.INTER_CUBIC)
        cv2.multiply(large, guide_high, dst=large, dtype=cv2.CV_32F)
        cv2.resize(plane - slope * guide, shape[::-1], dst=shift, interpolation=cv2.INTER_CUBIC)
        cv2.add(large, shift, dst=target, dtype=_DEPTH[target.dtype.name])
    return targets


def _slopes(codes: FloatArray, guide: FloatArray, span: float) -> list[FloatArray]:
    """Slope of each plane on the guide around each pixel: ridge regression in a window, then smoothed."""
    centerd: FloatArray = guide - guide.mean()  # small products: float32 has 24 bits
    mean = _box(centerd)
    variance: FloatArray = _box(centerd * centerd) - mean * mean + np.float32(EPSILON * span * span)
    slopes = []
    for plane in codes:
        around: FloatArray = plane - plane.mean()
        covariance = _box(centerd * around) - mean * _box(around)
        slopes.append(_box(np.divide(covariance, variance, dtype=np.float32)))
    return slopes


def _box(plane: FloatArray) -> FloatArray:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
