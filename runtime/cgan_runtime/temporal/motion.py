"""The frame before, moved along the motion to where its things are now.

    carried = follow(frame, shown)                 # None after a cut

Motion is found on the lightness (dense inverse search; Kroeger et al. 2016, arXiv 1603.03590). A cut is where
neither motion nor a change of light explains the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.scene_cuts import change_of_light

ByteArray = npt.NDArray[np.uint8]

A, B, AGE, LIGHTNESS = range(4)  # planes of a frame that was shown; see `TemporalState`
TRUSTED_RESIDUAL = 6.0  # error of carried lightness, of 255, mean of a window, where the past counts half
CHANGED_RESIDUAL = 2.0  # the same, where a place counts as half changed; grain leaves less
RESIDUAL_WINDOW = 5  # side of the window, pixels: averages out grain, and edges off by part of a pixel
LIGHT_JUMP = 16.0  # mean change of lightness, of 255, by light, after which colors are held for a while
FLOW_LEAST_SIDE, FLOW_MOST_ASPECT = 16, 4  # pixels, longer / shorter side; other images are padded


@dataclass(frozen=True)
class Carried:
    """The past as it would look now."""

    shown: FloatArray  # as in `TemporalState`, with a smaller age where the motion is doubtful
    changed: FloatArray  # how much the lightness of each place has changed, from 0 (as carried) to 1, (h, w)
    light_jumped: bool  # whether the light of the whole image has changed a lot


def follow(frame: ByteArray, past: FloatArray) -> Carried | None:
    """Move a frame of the past, float32 (h, w, 4), to where its things are now; None in another scene.

    `frame` is the lightness now, uint8 (h, w); see `TemporalState` for `past`.
    """
    height, width = frame.shape
    flow = _motion(frame, past[..., LIGHTNESS].astype(np.uint8))
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    whole, part = cv2.convertMaps(x, y, cv2.CV_16SC2)  # 1/32 pixel: precise enough, and twice as fast
    moved = cv2.remap(past, whole, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    carried = np.asarray(moved, np.float32)
    now, then = frame.astype(np.float32), carried[..., LIGHTNESS]
    light = change_of_light(now, then)
    if light is None:
        return None
    gain, offset = light
    error = now - gain * then
    error -= offset
    cv2.blur(error, (RESIDUAL_WINDOW, RESIDUAL_WINDOW), dst=error)
    inside = (np.abs(x - (width - 1) / 2) <= width / 2) & (np.abs(y - (height - 1) / 2) <= height / 2)
    error *= error
    carried[..., AGE] *= confidence(error, TRUSTED_RESIDUAL) * inside
    changed = 1 - confidence(error, CHANGED_RESIDUAL)
    return Carried(carried, changed, bool(abs((gain - 1) * then.mean() + offset) > LIGHT_JUMP))


def _motion(frame: ByteArray, before: ByteArray) -> FloatArray:
    """How far from its place in `frame` each thing was in `before`, (h, w, 2), x and y in pixels."""
    height, width = frame.shape
    least = max(FLOW_LEAST_SIDE, -(-max(frame.shape) // FLOW_MOST_ASPECT))
    below, beside = max(0, least - height), max(0, least - width)
    if below or beside:  # OpenCV reads beyond its memory where an image is small or long
        frame, before = (np.pad(plane, ((0, below), (0, beside)), mode="edge") for plane in (frame, before))
    # A new one each time: it keeps buffers, whose content changes later flows.
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
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
