"""Cuts and changes of light between two frames, found on their lightness."""

from __future__ import annotations

import cv2
import numpy as np

from cgan_runtime.color.lab import FloatArray

CUT_RESIDUAL = 0.3  # mean error of carried lightness, as a share of the contrast, that makes another scene
CUT_SHRINK = 4  # cuts are looked for at this fraction of the size, where grain is averaged out
LEAST_CONTRAST = 12.0  # standard deviation of lightness, of 255; an image below is blank, its noise no cut
MAX_GAIN = 2.0  # largest change of contrast between two frames that counts as a change of light


def change_of_light(small: FloatArray, carried: FloatArray) -> tuple[np.float32, np.float32] | None:
    """Gain and offset from the carried lightness to that of the frame; None if the two show different scenes.

    Lamps, flashes and the shutters of old cameras change the light of a whole image. Such a change counts as
    light only where it explains the frame better than no change does. Both are lightness, 0 to 255, float32
    (h, w), made small by `CUT_SHRINK`; `carried` is that of the frame before, moved along the motion.
    """
    share, gain, offset = _fitted(small, carried)
    return None if share > CUT_RESIDUAL else (np.float32(gain), np.float32(offset))


def show_one_scene(small: FloatArray, other: FloatArray) -> bool:
    """Whether two images, as of `difference`, differ no more than frames of one scene do.

    Mostly the light has not changed, which a fifth of the work tells.
    """
    contrast = max(*(cv2.meanStdDev(image)[1].item() for image in (small, other)), LEAST_CONTRAST)
    residual = cv2.norm(small, other, cv2.NORM_L1) / small.size
    return residual <= CUT_RESIDUAL * contrast or difference(small, other) <= CUT_RESIDUAL


def difference(small: FloatArray, other: FloatArray) -> float:
    """How far two images, 0 to 255, float32 (h, w), differ beyond a change of light, as a share of the contrast."""
    return _fitted(small, other)[0]


def _fitted(small: FloatArray, carried: FloatArray) -> tuple[float, float, float]:
    """The difference that is left after a change of light, as a share of the contrast; its gain and offset."""
    contrast, contrast_carried = (float(cv2.meanStdDev(image)[1].item()) for image in (small, carried))
    gain = contrast / contrast_carried if min(contrast, contrast_carried) > LEAST_CONTRAST else 1.0
    gain = min(max(gain, 1 / MAX_GAIN), MAX_GAIN)
    left = np.asarray(cv2.scaleAdd(carried, -gain, small), np.float32)
    offset = _median(left)
    left -= np.float32(offset)
    lights = ((1.0, 0.0), (gain, offset))
    residuals = [cv2.norm(small, carried, cv2.NORM_L1) / small.size, cv2.norm(left, cv2.NORM_L1) / small.size]
    least = int(np.argmin(residuals))
    return residuals[least] / max(contrast, contrast_carried, LEAST_CONTRAST), *lights[least]


def _median(image: FloatArray) -> float:
    """As `np.median`, in a fraction of the time; of an even number of values the upper one in the middle."""
    middle = image.size // 2
    return float(np.partition(image.ravel(), middle)[middle])


def shrunk(planes: FloatArray, divisor: int) -> FloatArray:
    """Planes (h, w) or (h, w, n) with each side divided: the mean over the area."""
    size = max(1, planes.shape[1] // divisor), max(1, planes.shape[0] // divisor)
    return np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA), np.float32)
