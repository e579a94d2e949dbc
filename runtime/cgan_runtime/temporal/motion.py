"""The frame before, moved along the motion to where its things are now.

    carried = follow(frame, past)                  # None after a cut

Motion is found on the lightness (dense inverse search; Kroeger et al. 2016, arXiv 1603.03590). A cut is where
neither motion nor a change of light explains the frame. Colors have the size of the network's input. What is known
of a place, its marks, has half of it: there a quarter of the work is as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.scene_cuts import CUT_SHRINK, change_of_light, shrunk

ByteArray = npt.NDArray[np.uint8]

A, B, SAID = 0, 1, slice(2, 4)  # planes of colors; see `Moment`
AGE, KNOWN, LIGHTNESS = range(3)  # planes of marks
SHOWN = slice(2)
PLANES = 4  # of colors and of marks: OpenCV moves four in half the time of three
MARK = 2  # pixels, side of the place that a mark belongs to
LIGHTNESS_PEAK = 255  # lightness is compared in this many steps from black to white
TRUSTED_RESIDUAL = 6.0  # error of carried lightness, of 255, mean of a window, where the past counts half
KNOWN_RESIDUAL = 8.0  # the same, where what the network said counts half: after some frames it is asked again
CHANGED_RESIDUAL = 2.0  # the same, where a place counts as half changed; grain leaves less
STILL_SHRINK, STILL_DIFFERENCE = 2, 1  # mean difference, levels of 255, of all places of so many marks
RESIDUAL_WINDOW = 5  # side of the window, marks: averages out grain, and edges off by part of a mark
_SURELY_MOVED = 1.01 * STILL_DIFFERENCE  # mean difference of the whole image, levels of 255
LIGHT_JUMP = 16.0  # mean change of lightness, of 255, by light, after which colors are held for a while
FLOW_REFINEMENTS = 0  # of OpenCV's 5: half of the time for flow less, and color as steady
FLOW_FINEST = 1  # motion is found at half the size of the marks, and enlarged
FLOW_STEPS = 8  # of the search, of OpenCV's 16: more follow grain
FLOW_LEAST_SIDE, FLOW_MOST_ASPECT = 16, 4  # marks, longer / shorter side; other images are padded


@dataclass(frozen=True)
class Moment:
    """What is kept of a frame.

    `colors` is float32 (h, w, 4): a*/110 and b*/110 as they were shown, then as the network said them last, where its
    things are now. `marks` is float32 (h', w', 4), of `marks_shape`: age (frames that a color is averaged over, 0
    where it is only a guess); from 1 to 0 how far what the network said is still known; lightness, 0 to 255; and a
    plane without a meaning.
    """

    colors: FloatArray
    marks: FloatArray

    @classmethod
    def of(cls, colors: FloatArray, marks: FloatArray) -> Moment:
        """From planes, (4, h, w) and (4, h', w')."""
        return cls(*(np.asarray(cv2.merge(list(planes)), np.float32) for planes in (colors, marks)))

    def has_size(self, size: tuple[int, ...]) -> bool:
        """Whether it is of an image of this height and width."""
        return len(size) == 2 and all(
            image.dtype == np.float32 and image.shape == (*shape, PLANES)
            for image, shape in ((self.colors, size), (self.marks, marks_shape(*size)))
        )


@dataclass(frozen=True)
class Carried:
    """The past as it would look now."""

    colors: FloatArray  # planes (4, h, w) as in `Moment`
    marks: FloatArray  # planes (4, h', w'), with a smaller age, and less known, where the motion is doubtful
    changed: FloatArray  # how much the lightness of each place has changed, from 0 (as carried) to 1, (h', w')
    light: float  # mean change of lightness by light, of 255

    @property
    def light_jumped(self) -> bool:
        """Whether the light of the whole image has changed a lot."""
        return abs(self.light) > LIGHT_JUMP


def marks_shape(height: int, width: int) -> tuple[int, int]:
    """Height and width of the marks of an image."""
    return -(-height // MARK), -(-width // MARK)


def steps_of(lightness: FloatArray) -> ByteArray:
    """Lightness L*/50 - 1, float32 (h, w), as motion is found on it: 256 steps, of `marks_shape`."""
    small = cv2.resize(lightness, marks_shape(*lightness.shape)[::-1], interpolation=cv2.INTER_AREA)
    half = LIGHTNESS_PEAK / 2
    return np.asarray(cv2.convertScaleAbs(small, alpha=half, beta=half), np.uint8)


def follow(frame: ByteArray, past: Moment) -> Carried | None:
    """Move a frame of the past to where its things are now; None in another scene. `frame` is as of `steps_of`."""
    before = np.asarray(cv2.convertScaleAbs(cv2.extractChannel(past.marks, LIGHTNESS)), np.uint8)
    if _is_still(frame, before):
        return Carried(planes_of(past.colors), planes_of(past.marks), np.zeros(frame.shape, np.float32), 0.0)
    motion = _motion(frame, before)
    x, y = _where(motion, frame.shape)
    marks = planes_of(_moved(past.marks, x, y))
    now, then = frame.astype(np.float32), marks[LIGHTNESS]
    light = _change_of_light(now, then)
    if light is None:
        return None
    gain, offset = light
    error = np.asarray(cv2.scaleAdd(then, -float(gain), now, dst=now), np.float32)
    error -= offset
    cv2.blur(error, (RESIDUAL_WINDOW, RESIDUAL_WINDOW), dst=error)
    error *= error
    error *= error
    trust, known = _confidence(error, TRUSTED_RESIDUAL), _confidence(error, KNOWN_RESIDUAL)
    height, width = frame.shape
    inside = cv2.bitwise_and(cv2.inRange(x, -1, width), cv2.inRange(y, -1, height))
    for plane, share in ((marks[AGE], trust), (marks[KNOWN], known)):
        share[inside == 0] = 0  # it has come in from outside
        plane *= share
    error /= error + np.float32(CHANGED_RESIDUAL**4)  # now how much each place has changed: 1 - confidence
    colors = planes_of(_moved(past.colors, *_where(motion, past.colors.shape[:2], MARK)))
    return Carried(colors, marks, error, float((gain - 1) * cv2.mean(then)[0] + offset))


def is_explained(frame: ByteArray, before: ByteArray) -> bool:
    """Whether motion and a change of light explain a frame by an earlier one; both as of `steps_of`."""
    if _is_still(frame, before):
        return True
    then = _moved(before.astype(np.float32), *_where(_motion(frame, before), frame.shape))
    return _change_of_light(frame.astype(np.float32), then) is not None


def planes_of(image: FloatArray) -> FloatArray:
    """The planes of an image (h, w, n), copied, as one array (n, h, w)."""
    planes = np.empty((image.shape[2], *image.shape[:2]), np.float32)
    cv2.mixChannels([image], list(planes), [channel for plane in range(len(planes)) for channel in (plane, plane)])
    return planes


def _change_of_light(now: FloatArray, then: FloatArray) -> tuple[np.float32, np.float32] | None:
    return change_of_light(shrunk(now, CUT_SHRINK // MARK), shrunk(then, CUT_SHRINK // MARK))


def _is_still(frame: ByteArray, before: ByteArray) -> bool:
    """Whether nothing has moved, not even slowly."""
    difference = cv2.absdiff(frame, before)
    if cv2.mean(difference)[0] > _SURELY_MOVED:  # most frames; as the mean, so one of the places
        return False
    return bool(shrunk(difference.astype(np.float32), STILL_SHRINK).max() <= STILL_DIFFERENCE)


@lru_cache(4)
def _places(height: int, width: int) -> FloatArray:
    """The x and y of each pixel, (2, h, w)."""
    y, x = np.mgrid[:height, :width]
    return np.stack((x, y)).astype(np.float32)


def _motion(frame: ByteArray, before: ByteArray) -> FloatArray:
    """How far from its place in `frame` each thing was in `before`, (2, h', w'), x and y in marks."""
    height, width = frame.shape
    least = max(FLOW_LEAST_SIDE, -(-max(frame.shape) // FLOW_MOST_ASPECT))
    below, beside = max(0, least - height), max(0, least - width)
    if below or beside:  # OpenCV reads beyond its memory where an image is small or long
        frame, before = (np.pad(plane, ((0, below), (0, beside)), mode="edge") for plane in (frame, before))
    # A new one each time: it keeps buffers, whose content changes later flows.
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dis.setFinestScale(FLOW_FINEST)
    dis.setVariationalRefinementIterations(FLOW_REFINEMENTS)
    dis.setGradientDescentIterations(FLOW_STEPS)
    flow = dis.calc(frame, before, None)  # type: ignore[call-overload]  # None: no initial flow
    return planes_of(flow)[:, :height, :width]


def _where(motion: FloatArray, shape: tuple[int, ...], times: int = 1) -> FloatArray:
    """Where each pixel of an image (h, w) was whose sides are `times` those of marks: x and y, (2, h, w)."""
    there = np.empty((2, *shape), np.float32)
    for plane, way, place in zip(there, motion, _places(*shape), strict=True):
        cv2.scaleAdd(cv2.resize(way, shape[::-1]), times, place, dst=plane)
    return there


def _moved(image: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    # Maps of integers, once twice as fast, take twice as long in OpenCV 5.
    there = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(there, np.float32)


def confidence(squared_error: FloatArray, half: float) -> FloatArray:
    """1 / (1 + (error / half)^4): 1 where an error is small, 1/2 where it is `half`, near 0 above."""
    return _confidence(squared_error * squared_error, half)


def _confidence(error: FloatArray, half: float) -> FloatArray:
    """As `confidence`, given the fourth power of the error."""
    ratio = error * np.float32(1 / half**4)
    ratio += np.float32(1)
    result: FloatArray = np.reciprocal(ratio, out=ratio)
    return result
