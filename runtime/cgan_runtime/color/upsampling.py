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

_THIRDS = np.full(2 * RADIUS + 1, 1 / (2 * RADIUS + 1), np.float32)


def enlarge_chroma(
    codes: FloatArray,
    guide_low: Plane,
    guide_high: Plane,
    *,
    span: float = 1.0,
    limits: tuple[int, int] | None = None,
    out: tuple[Plane, Plane] | None = None,
    scratch: FloatArray | None = None,
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
        limits: Least and greatest code of the result; None: those that the dtype of `out` has.
        out: Two arrays (H, W) to write to, uint8, uint16 or float32; integers are rounded and saturated.
        scratch: A float32 array (3, H, W) to work in. To reuse it for all frames of a video is faster.

    Returns:
        `out`, or two new float32 arrays (H, W).
    """
    shape = guide_high.shape
    targets = out or (np.empty(shape, np.float32), np.empty(shape, np.float32))
    large, luma, buffer = np.empty((3, *shape), np.float32) if scratch is None else scratch
    guide = guide_low.astype(np.float32)
    np.copyto(luma, guide_high)
    for plane, slope, target in zip(codes, _slopes(codes, guide, span), targets, strict=True):
        # enlarged (plane - slope * small luma) + slope * large luma
        color = target if target.dtype == np.float32 else buffer
        cv2.resize(slope, shape[::-1], dst=large, interpolation=cv2.INTER_CUBIC)
        slope *= guide
        cv2.resize(plane - slope, shape[::-1], dst=color, interpolation=cv2.INTER_CUBIC)
        cv2.accumulateProduct(large, luma, color)
        if color is not target:
            _write(color, limits or (0, np.iinfo(target.dtype).max), target)
    return targets


def _write(color: FloatArray, limits: tuple[int, int], target: Plane) -> None:
    """Write a plane, rounded and within limits, as integers; changes `color`."""
    least, most = limits
    lowest, highest, *_ = cv2.minMaxLoc(color)
    if lowest < least or highest > most:
        np.clip(color, least, most, out=color)
    if target.dtype == np.uint8:
        cv2.convertScaleAbs(color, dst=target)  # rounds, a third of the time of other ways
    else:
        np.copyto(target, np.rint(color, out=color), casting="unsafe")


def _slopes(codes: FloatArray, guide: FloatArray, span: float) -> list[FloatArray]:
    """Slope of each plane on the guide at each pixel: ridge regression in a window, then smoothed."""
    mean = _box(guide)
    variance = _box(guide * guide)
    variance -= mean * mean
    variance += np.float32(EPSILON * span * span)
    slopes = []
    for plane in codes:
        covariance = _box(guide * plane)
        around = _box(plane)
        around *= mean
        covariance -= around
        covariance /= variance
        slopes.append(_box(covariance))
    return slopes


def _box(plane: FloatArray) -> FloatArray:
    """The mean of the window around each pixel; `cv2.blur` takes half as long again."""
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, _THIRDS, _THIRDS), np.float32)
