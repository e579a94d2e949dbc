"""Enlarge predicted chroma guided by the luma of the image, so that color follows the edges of objects.

cb, cr = enlarge_chroma(codes, luma_low, luma_high, span=encoding.luma_span)
"""

from __future__ import annotations

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray

RADIUS = 1
"""Radius of the window in which chroma is regressed on luma, in pixels of the small planes: 3x3."""

EPSILON = 0.01
"""Variance of luma, in (white - black)**2, at which the slope is halved; a deviation of 10 %."""

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

    As in the fast guided filter (He and Sun 2015, arXiv 1505.00996), chroma is regressed on luma in small
    windows, and the slopes are enlarged. Unlike there, the chroma is not smoothed: the result is its bicubic
    enlargement plus slope * (luma - enlarged small luma). So flat areas stay as they are, and no detail of
    the color is lost. The fast guided filter itself does worse than bilinear enlargement
    (docs/experiments.md).

    Args:
        codes: Cb and Cr codes (or a* and b*), float32 (2, h, w).
        guide_low: Luma in any unit, (h, w), uint8, uint16 or float32.
        guide_high: Luma in the same unit and dtype at the final size, (H, W).
        span: White minus black in that unit.
        out: Two arrays (H, W) to write to, uint8, uint16 or float32; integers are rounded and saturated.
        scratch: Two float32 arrays (H, W) to work in. To reuse them for all frames of a video is faster.

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
    """Slope of each plane on the guide at each pixel: ridge regression in a window, then smoothed."""
    centered: FloatArray = guide - guide.mean()  # small products, as float32 has 24 bits
    mean = _box(centered)
    variance: FloatArray = _box(centered * centered) - mean * mean + np.float32(EPSILON * span * span)
    slopes = []
    for plane in codes:
        around: FloatArray = plane - plane.mean()
        covariance = _box(centered * around) - mean * _box(around)
        slopes.append(_box(np.divide(covariance, variance, dtype=np.float32)))
    return slopes


def _box(plane: FloatArray) -> FloatArray:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
