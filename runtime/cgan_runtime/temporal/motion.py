"""The frame before, moved along the motion to where its things are now.

    carried = follow(frame, shown, said)           # None after a cut

Motion is found on the lightness (dense inverse search; Kroeger et al. 2016, arXiv 1603.03590). A cut is where
neither motion nor a change of light explains the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.scene_cuts import change_of_light, shrunk

ByteArray = npt.NDArray[np.uint8]

A, B, AGE, LIGHTNESS = range(4)  # planes of a frame that was shown; see `TemporalState`
KNOWN = AGE  # the third plane of what the network said
TRUSTED_RESIDUAL = 6.0  # error of carried lightness, of 255, mean of a window, where the past counts half
CHANGED_RESIDUAL = 2.0  # the same, where a place counts as half changed; grain leaves less
STILL_SHRINK, STILL_DIFFERENCE = 4, 1  # mean difference, levels of 255, of all places of so many pixels
RESIDUAL_WINDOW = 5  # side of the window, pixels: averages out grain, and edges off by part of a pixel
_SURELY_MOVED = 1.01 * STILL_DIFFERENCE  # mean difference of the whole image, levels of 255
LIGHT_JUMP = 16.0  # mean change of lightness, of 255, by light, after which colors are held for a while
FLOW_REFINEMENTS = 1  # of OpenCV's 5: a third of the time for flow less, and color as steady
FLOW_LEAST_SIDE, FLOW_MOST_ASPECT = 16, 4  # pixels, longer / shorter side; other images are padded


@dataclass(frozen=True)
class Carried:
    """The past as it would look now."""

    shown: FloatArray  # planes (4, h, w) of `TemporalState.shown`, with a smaller age where the motion is doubtful
    said: FloatArray | None  # as in `TemporalState`, likewise less known
    known: FloatArray | None  # how far what the network said is known, (h, w)
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
    before = np.asarray(cv2.convertScaleAbs(cv2.extractChannel(past, LIGHTNESS)), np.uint8)
    if _is_still(frame, before):
        known = None if said is None else np.asarray(cv2.extractChannel(said, KNOWN), np.float32)
        return Carried(planes_of(past), said, known, np.zeros(frame.shape, np.float32), 0.0)
    where = _motion(frame, before)
    where += _places(height, width)

    def moved(image: FloatArray) -> FloatArray:
        # None: `where` has both x and y. Maps of integers, once twice as fast, take twice as long in OpenCV 5.
        there = cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        return np.asarray(there, np.float32)

    shown = planes_of(moved(past))
    now, then = frame.astype(np.float32), shown[LIGHTNESS]
    light = change_of_light(now, then)
    if light is None:
        return None
    gain, offset = light
    error = np.asarray(cv2.scaleAdd(then, -float(gain), now, dst=now), np.float32)
    error -= offset
    cv2.blur(error, (RESIDUAL_WINDOW, RESIDUAL_WINDOW), dst=error)
    error *= error
    error *= error
    trust = _confidence(error, TRUSTED_RESIDUAL)
    trust[cv2.inRange(where, (-1, -1), (width, height)) == 0] = 0  # it has come in from outside
    shown[AGE] *= trust
    known = None
    if said is not None:
        said = moved(said)
        known = np.asarray(cv2.extractChannel(said, KNOWN), np.float32)
        known *= trust
        cv2.insertChannel(known, said, KNOWN)
    error /= error + np.float32(CHANGED_RESIDUAL**4)  # now how much each place has changed: 1 - confidence
    return Carried(shown, said, known, error, float((gain - 1) * then.mean() + offset))


def planes_of(image: FloatArray, count: int = LIGHTNESS + 1) -> FloatArray:
    """The first planes of an image (h, w, 4), copied, as one array (count, h, w)."""
    planes = np.empty((count, *image.shape[:2]), np.float32)
    cv2.mixChannels([image], list(planes), [channel for plane in range(count) for channel in (plane, plane)])
    return planes


def _is_still(frame: ByteArray, before: ByteArray) -> bool:
    """Whether nothing has moved, not even slowly."""
    difference = cv2.absdiff(frame, before)
    if cv2.mean(difference)[0] > _SURELY_MOVED:  # most frames; as the mean, so one of the places
        return False
    return bool(shrunk(difference.astype(np.float32), STILL_SHRINK).max() <= STILL_DIFFERENCE)


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
    return _confidence(squared_error * squared_error, half)


def _confidence(error: FloatArray, half: float) -> FloatArray:
    """As `confidence`, given the fourth power of the error."""
    ratio = error * np.float32(1 / half**4)
    ratio += np.float32(1)
    result: FloatArray = np.reciprocal(ratio, out=ratio)
    return result
