"""The temporal filter: chroma is carried along the motion of a video and blended with each new prediction.

    temporal = TemporalFilter(TemporalSettings("high"))
    chroma = temporal.step(lightness, predict)     # each frame, in order; predict(lightness) runs the network

Each frame is colored before the next one is seen, so a camera may use it, and memory does not grow. A cut is
found on the lightness; no color crosses it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from zipfile import BadZipFile

import cv2
import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.errors import ConfigError
from cgan_runtime.temporal.motion import AGE, LIGHTNESS, A, B, ByteArray, Carried, confidence, follow
from cgan_runtime.temporal.scene_cuts import shrunk
from cgan_runtime.temporal.settings import Strength, TemporalSettings

HORIZON: dict[Strength, int] = {"off": 1, "low": 4, "high": 12}  # most frames averaged for a color
LEAST_HORIZON = 2.0  # least number of predictions that are averaged, however rare predictions are
# Distance of carried from predicted chroma, (a*, b*)/110, at which the past counts half: where the lightness
# of the place has changed too, and where not; there a smaller one is only the network's doubt, as in skies.
TRUSTED_DIFFERENCE, TELLING_DIFFERENCE = 0.15, 0.3
FLASH_FRAMES = 5  # a flash or a torn frame may hide a scene for so long; its colors go on then
# Unknown places are filled in at this fraction of the size, from this far around (sigma, small pixels).
FILL_SHRINK, FILL_REACH = 8, 1.5
LEAST_KNOWN = 0.02  # weight of a carried color that is only a guess: it counts where nothing around is known
LIGHTNESS_PEAK = 255  # lightness is compared in this many steps from black to white


@dataclass(frozen=True)
class TemporalState:
    """Everything that a filter keeps from one frame to the next.

    `shown` is the last frame, float32 (h, w, 4): a*/110, b*/110, age (frames that its color is averaged over,
    0 where it is only a guess), lightness 0..255. `hidden` is the last frame of the scene before, likewise,
    while that may come back after a flash.
    """

    shown: FloatArray
    hidden: FloatArray | None = None
    hidden_for: int = 0  # frames since `hidden` was shown
    since: int = 0  # frames since the network ran
    dazzled_for: int = 0  # frames for which colors are still held, because the light has jumped

    def to_bytes(self) -> bytes:
        """The state as the content of an npz file, exactly."""
        file = io.BytesIO()
        hidden = np.empty(0, np.float32) if self.hidden is None else self.hidden
        counters = np.array([self.hidden_for, self.since, self.dazzled_for])
        np.savez(file, shown=self.shown, hidden=hidden, counters=counters)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> TemporalState:
        """Read what `to_bytes` wrote; a ConfigError if the content is something else."""
        try:
            with np.load(io.BytesIO(content)) as file:
                shown, hidden = file["shown"], file["hidden"]
                hidden_for, since, dazzled_for = (int(counter) for counter in file["counters"])
        except (ValueError, KeyError, OSError, EOFError, TypeError, BadZipFile) as error:
            raise ConfigError(f"this is no state of a temporal filter ({error}); start without it") from error
        images = [shown, hidden] if hidden.size else [shown]
        if any(p.dtype != np.float32 or p.shape != (*shown.shape[:2], LIGHTNESS + 1) for p in images):
            raise ConfigError("this is no state of a temporal filter (wrong shape); start without it")
        return cls(shown, hidden if hidden.size else None, hidden_for, since, dazzled_for)


class TemporalFilter:
    """The recursive filter of one video or camera, frame by frame, in one thread.

    A frame depends on the frames before it through `state` alone. A segment of a video that starts from the
    state in which the one before it ended is therefore the same, bit for bit, as in one run (same machine,
    same back end): `filter_state` is kept beside a finished segment.
    """

    def __init__(self, settings: TemporalSettings | None = None) -> None:
        self.settings = settings or TemporalSettings()
        self.state: TemporalState | None = None  # all that is known of the frames so far; may be set
        self.cuts = self.predictions = 0  # cuts so far (a flash is none), and how often the network ran
        self.followed = False  # the last frame continued the one before: no first one, no cut, no end of a flash
        frames = HORIZON[self.settings.strength]
        # The same time at every N: predictions that are rarer count more each.
        self._horizon = max(LEAST_HORIZON, frames / self.settings.every) if frames > 1 else 1.0

    @property
    def filter_state(self) -> bytes:
        """`state` as bytes, empty before the first frame. May be set."""
        return b"" if self.state is None else self.state.to_bytes()

    @filter_state.setter
    def filter_state(self, content: bytes) -> None:
        self.state = TemporalState.from_bytes(content) if content else None

    def reset(self) -> None:
        """Forget all frames, as at a cut: the color of the next frame may differ visibly."""
        self.state = None

    def step(
        self, lightness: FloatArray, predict: Callable[[FloatArray], FloatArray], certain: FloatArray | None = None
    ) -> FloatArray:
        """The chroma of the next frame, (a*, b*)/110, float32 (2, h, w), given its lightness.

        `lightness` is L*/50 - 1, float32 (h, w) in [-1, 1]; a frame of another size starts a new scene.
        `predict` runs the network on it, at most once; its chroma is only read. `certain` is the share of each
        place, (h, w) in [0, 1], whose prediction is no guess: it replaces the past there, and lasts like a color
        that was averaged for long. The result is a new array, or the prediction if `settings.passes_through`.
        """
        if self.settings.passes_through:
            self.predictions += 1
            return predict(lightness)
        frame = np.rint((lightness + np.float32(1)) * np.float32(LIGHTNESS_PEAK / 2)).astype(np.uint8)
        state = self.state
        if state is not None and state.shown.shape[:2] != frame.shape:
            state = None
        self.followed = False
        carried, state = self._carry(frame, state)
        if carried is None or state is None or certain is not None or state.since + 1 >= self.settings.every:
            self.predictions += 1
            since = 0
            hold = state is not None and state.dazzled_for > 0
            predicted = predict(lightness)
            shown = _blend(carried, predicted, self._horizon, hold=hold)
            if certain is not None:
                _put(shown, predicted, certain, self._horizon)
        else:
            since = state.since + 1
            shown = _fill(carried.shown)
        shown[..., LIGHTNESS] = frame
        self.state = replace(state or TemporalState(shown), shown=shown, since=since)
        return np.ascontiguousarray(np.moveaxis(shown[..., : B + 1], -1, 0))

    def _carry(self, frame: ByteArray, state: TemporalState | None) -> tuple[Carried | None, TemporalState | None]:
        """The past as it would look now (None after a cut), and the state without what is over."""
        if state is None:
            return None, None
        if state.hidden is not None:
            state = replace(state, hidden_for=state.hidden_for + 1)
            if state.hidden_for > FLASH_FRAMES:
                state = replace(state, hidden=None, hidden_for=0)
        followed = follow(frame, state.shown)
        self.followed = followed is not None
        if followed is None and state.hidden is not None:
            followed = follow(frame, state.hidden)
            if followed is None:
                return None, state
            self.cuts -= 1  # it was a flash
            state = replace(state, hidden=None, hidden_for=0)
        if followed is None:
            self.cuts += 1
            return None, replace(state, hidden=state.shown, hidden_for=1, dazzled_for=0)
        left = FLASH_FRAMES if followed.light_jumped else max(0, state.dazzled_for - 1)
        return followed, replace(state, dazzled_for=left)


def _blend(followed: Carried | None, predicted: FloatArray, horizon: float, *, hold: bool = False) -> FloatArray:
    """Average the color of each place over up to `horizon` predictions; changes `followed.shown`.

    The prediction alone counts where nothing is known; with `hold` it counts nowhere else.
    """
    if followed is None or horizon == 1:
        planes = [*predicted, np.ones_like(predicted[0]), np.empty_like(predicted[0])]
        return np.asarray(cv2.merge(planes), np.float32)
    carried = followed.shown
    da, db = predicted[0] - carried[..., A], predicted[1] - carried[..., B]
    age = carried[..., AGE]
    if hold:
        share = np.maximum(1 - age, np.float32(0))
        age = np.maximum(age, np.float32(1))
    else:
        # TRUSTED_DIFFERENCE where the lightness has changed, TELLING_DIFFERENCE where it has not.
        scale = TRUSTED_DIFFERENCE / TELLING_DIFFERENCE
        difference = (da * da + db * db) * (np.float32(scale**2) + np.float32(1 - scale**2) * followed.changed)
        age = np.minimum(age * confidence(difference, TRUSTED_DIFFERENCE) + 1, np.float32(horizon))
        share = 1 / age
    carried[..., A] += da * share
    carried[..., B] += db * share
    carried[..., AGE] = age
    return carried


def _put(shown: FloatArray, predicted: FloatArray, certain: FloatArray, horizon: float) -> None:
    """Let certain colors take the place of those that are shown, with the greatest age; changes `shown`."""
    for channel, plane in ((A, predicted[0]), (B, predicted[1])):
        shown[..., channel] += certain * (plane - shown[..., channel])
    shown[..., AGE] = np.maximum(shown[..., AGE], certain * np.float32(horizon))


def _fill(carried: FloatArray) -> FloatArray:
    """Fill in places whose past is unknown from known places around them; changes `carried`."""
    height, width = carried.shape[:2]
    known = np.clip(carried[..., AGE], np.float32(LEAST_KNOWN), np.float32(1))
    weighted = np.dstack((carried[..., : B + 1] * known[..., None], known))
    around = np.asarray(cv2.GaussianBlur(shrunk(weighted, FILL_SHRINK), (0, 0), FILL_REACH), np.float32)
    around = np.asarray(cv2.resize(around[..., :2] / around[..., 2:], (width, height)), np.float32)
    for channel in (A, B):
        carried[..., channel] = around[..., channel] + known * (carried[..., channel] - around[..., channel])
    return carried
