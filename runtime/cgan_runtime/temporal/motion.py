"""The frame before, moved along the motion to where its things are now.

    carried = follow(frame, shown, said)           # None after a cut

Motion is found on the lightness (dense inverse search; Kroeger et al. 2016, arXiv 1603.03590). A cut is where
neither motion nor a change of light explains the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.scene_cuts import change_of_light, shrunk

ByteArray = npt.NDArray[np.uint8]
Planes = Sequence[FloatArray]  # each (h, w)

A, B, AGE, LIGHTNESS = range(4)  # planes of a frame that was shown; see `TemporalState`
KNOWN = AGE  # the third plane of what the network said
TRUSTED_RESIDUAL = 6.0  # error of carried lightness, of 255, mean of a window, where the past counts half
CHANGED_RESIDUAL = 2.0  # the same, where a place counts as half changed; grain leaves less
STILL_SHRINK, STILL_DIFFERENCE = 4, 1  # mean difference, levels of 255, of all places of so many pixels
RESIDUAL_WINDOW = 5  # side of the window, pixels: averages out grain, and edges off by part of a pixel
LIGHT_JUMP = 16.0  # mean change of lightness, of 255, by light, after which colors are held for a while
FLOW_REFINEMENTS = 1  # of OpenCV's 5: a third of the time for flow less, and color as steady
FLOW_LEAST_SIDE, FLOW_MOST_ASPECT = 16, 4  # pixels, longer / shorter side; other images are padded


@dataclass(frozen=True)
class Carried:
    """The past as it would look now."""

    shown: Planes  # as in `TemporalState`, with a smaller age where the motion is doubtful
    said: Planes | None  # what the network said, likewise, less known where the motion is doubtful
    changed: FloatArray  # how much the lightness of each place has changed, from 0 (as carried) to 1, (h, w)
    light: float  # mean change of lightness by light, of 255

    @property
    def light_jumped(self) -> bool:
        """Whether the light of the whole image has changed a lot."""
        return abs(self.light) > LIGHT_JUMP


def follow(frame: ByteArray, past: FloatArray, said: FloatArray | None = None) -> Carried | None:
    """Move a frame of the past, float32 (h, w, 4), to where its things are now; None in another scene.

    `frame` is the lightness now, uint8 (h, w); see `TemporalState` for `past` and `said`, which moves with it.
    """
    height, width = frame.shape
    before = cv2.extractChannel(past, LIGHTNESS).astype(np.uint8)
    if _is_still(frame, before):
        return Carried(
            planes_of(past), None if said is None else planes_of(said), np.zeros(frame.shape, np.float32), 0.0
        )
    where = _motion(frame, before)
    where += _places(height, width)

    def moved(planes: FloatArray) -> Planes:
        count = planes.shape[2]
        if count == KNOWN + 1:  # three channels take OpenCV twice as long as four
            planes = np.asarray(cv2.cvtColor(planes, cv2.COLOR_BGR2BGRA), np.float32)
        # None: `where` has both x and y. Maps of integers, once twice as fast, take twice as long in OpenCV 5.
        there = cv2.remap(planes, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        return planes_of(np.asarray(there, np.float32)[..., :count])

    shown = moved(past)
    now, then = frame.astype(np.float32), shown[LIGHTNESS]
    light = change_of_light(now, then)
    if light is None:
        return None
    gain, offset = light
    error = now - gain * then
    error -= offset
    cv2.blur(error, (RESIDUAL_WINDOW, RESIDUAL_WINDOW), dst=error)
    error *= error
    trust = confidence(error, TRUSTED_RESIDUAL)
    trust[cv2.inRange(where, (-1, -1), (width, height)) == 0] = 0  # it has come in from outside
    planes = None if said is None else moved(said)
    for known in (shown[AGE], *(planes[KNOWN:] if planes else ())):
        known *= trust
    changed = 1 - confidence(error, CHANGED_RESIDUAL)
    return Carried(shown, planes, changed, float((gain - 1) * then.mean() + offset))


def planes_of(image: FloatArray) -> Planes:
    """The planes of an image (h, w, n), copied; `cv2.split` allocates each, and takes several times as long."""
    return list(image.transpose(2, 0, 1).copy())


def _is_still(frame: ByteArray, before: ByteArray) -> bool:
    """Whether nothing has moved, not even slowly."""
    difference = np.asarray(cv2.absdiff(frame, before), np.float32)
    return bool(shrunk(difference, STILL_SHRINK).max() <= STILL_DIFFERENCE)


@lru_cache(4)
def _places(height: int, width: int) -> FloatArray:
    """The x and y of each pixel, (h, w, 2)."""
    y, x = np.mgrid[:height, :width]
    return np.dstack((x, y)).astype(np.float32)


def _motion(frame: ByteArray, before: ByteArray) -> FloatArray:
    """How far from its place in `frame` each thing was in `before`, (h, w, 2), x and y in pixels."""
    height, width = frame.shape
    least = max(FLOW_LEAST_SIDE, -(-max(frame.shape) // FLOW_MOST_ASPECT))
    below, beside = max(0, least - height), max(0, least - width)
    if below or beside:  # OpenCV reads beyond its memory where an image is small or long
        frame, before = (np.pad(plane, ((0, below), (0, beside)), mode="edge") for plane in (frame, before))
    # A new one each time: it keeps buffers, whose content changes later flows.
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dis.setVariationalRefinementIterations(FLOW_REFINEMENTS)
    flow = dis.calc(frame, before, None)  # type: ignore[call-overload]  # None: no initial flow
    moved: FloatArray = flow[:height, :width]
    return moved


def confidence(squared_error: FloatArray, half: float) -> FloatArray:
    """1 / (1 + (error / half)^4): 1 where an error is small, 1/2 where it is `half`, near 0 above."""
    ratio = squared_error * np.float32(1 / half**2)
    ratio *= ratio
    ratio += np.float32(1)
    result: FloatArray = np.reciprocal(ratio, out=ratio)
    return result
