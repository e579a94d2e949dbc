"""TODO."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


CUT_RESIDUAL = 0.3
"""Error of the carried lightness from which a frame shows another scene, of the larger frame's contrast."""


CUT_SHRINK = 4
"""A cut is looked for at this fraction of the size, where grain is gone."""


LEAST_CONTRAST = 12.0
"""Contrast below which an image counts as blank, so that noise is no cut; of 255."""


MAX_GAIN = 2.0
"""Change of contrast from one frame to the next that may be a change of light."""


def _change_of_light(frame: FloatArray, carried: FloatArray) -> tuple[np.float32, np.float32] | None:
    """Gain and offset from the lightness carried to a frame to its own; None if they are of two scenes.

    Lamps, flashes and the shutters of old cameras change the light as a whole. That is not taken for an error
    where it explains the frame better than no change does.
    """
    small, small_carried = shrunk(frame, CUT_SHRINK), shrunk(carried, CUT_SHRINK)
    contrast, contrast_carried = float(small.std()), float(small_carried.std())
    gain = contrast / contrast_carried if min(contrast, contrast_carried) > LEAST_CONTRAST else 1.0
    gain = min(max(gain, 1 / MAX_GAIN), MAX_GAIN)
    offset = float(np.median(small - np.float32(gain) * small_carried))
    lights = ((1.0, 0.0), (gain, offset))
    residuals = [
        float(np.abs(small - np.float32(g) * small_carried - np.float32(o)).mean()) for g, o in lights
    ]
    if min(residuals) > CUT_RESIDUAL * max(contrast, contrast_carried, LEAST_CONTRAST):
        return None
    gain, offset = lights[int(np.argmin(residuals))]
    return np.float32(gain), np.float32(offset)


def shrunk(planes: FloatArray, divisor: int) -> FloatArray:
    """(h, w) or (h, w, n), each side divided; the mean over the area."""
    size = max(1, planes.shape[1] // divisor), max(1, planes.shape[0] // divisor)
    return np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA), np.float32)
