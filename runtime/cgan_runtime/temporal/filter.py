"""The temporal filter: chroma is carried along the motion of a video and blended with each new prediction.

    temporal = TemporalFilter(TemporalSettings("high"))
    chroma = temporal.step(lightness, predict)     # each frame, in order; predict(lightness) runs the network

Each frame is colored before the next one is seen, so a camera may use it, and memory does not grow. A cut is
found on the lightness; no color crosses it. Where the network does not run, what it said last is carried along
the motion and counts again, so that color changes as gently as if it had run.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.errors import ConfigError
from cgan_runtime.temporal.blending import Certain, begun, blend, blend_again, fill, put
from cgan_runtime.temporal.motion import (
    AGE,
    KNOWN,
    LIGHTNESS,
    SAID,
    SHOWN,
    ByteArray,
    Carried,
    Moment,
    follow,
    steps_of,
)
from cgan_runtime.temporal.need import is_needed
from cgan_runtime.temporal.settings import AUTO, Strength, TemporalSettings

HORIZON: dict[Strength, int] = {"off": 1, "low": 4, "high": 12}  # most frames averaged for a color
FLASH_FRAMES = 5  # a flash or a torn frame may hide a scene for so long; its colors go on then


@dataclass(frozen=True)
class TemporalState:
    """Everything that a filter keeps from one frame to the next.

    `shown` is the last frame. `hidden` is the last frame of the scene before, while that may come back after a flash.
    """

    shown: Moment
    hidden: Moment | None = None
    hidden_for: int = 0  # frames since `hidden` was shown
    since: int = 0  # frames since the network ran
    dazzled_for: int = 0  # frames for which colors are still held, because the light has jumped
    light: float = 0.0  # change of the light since the network ran, levels of 255
    usable: bool = True  # what the network said last may be used again

    def to_bytes(self) -> bytes:
        """The state as the content of an npz file, exactly."""
        file = io.BytesIO()
        moments = {"shown": self.shown, "hidden": self.hidden}
        arrays: dict[str, Any] = {}
        for name, moment in moments.items():
            if moment is not None:
                arrays |= {f"{name} colors": moment.colors, f"{name} marks": moment.marks}
        arrays["counters"] = np.array([self.hidden_for, self.since, self.dazzled_for, self.light, self.usable])
        np.savez(file, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> TemporalState:
        """Read what `to_bytes` wrote; a ConfigError if the content is something else."""
        try:
            with np.load(io.BytesIO(content)) as file:
                shown = Moment(file["shown colors"], file["shown marks"])
                hidden = Moment(file["hidden colors"], file["hidden marks"]) if "hidden colors" in file else None
                *counters, light, usable = (float(counter) for counter in file["counters"])
                hidden_for, since, dazzled_for = map(int, counters)
        except (ValueError, KeyError, OSError, EOFError, TypeError, BadZipFile) as error:
            raise ConfigError(f"this is no state of a temporal filter ({error}); start without it") from error
        size = shown.colors.shape[:2]
        if not shown.has_size(size) or (hidden is not None and not hidden.has_size(size)):
            raise ConfigError("this is no state of a temporal filter (wrong shape); start without it")
        return cls(shown, hidden, hidden_for, since, dazzled_for, light, bool(usable))


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
        self._asked = False  # the network has to run on the next frame
        self.followed = False  # the last frame continued the one before: no first one, no cut, no end of a flash
        self._horizon = HORIZON[self.settings.strength]

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

    def ask(self) -> None:
        """Let the network run on the next frame, whatever the frame looks like: what it is told has changed."""
        self._asked = True

    def step(
        self,
        lightness: FloatArray,
        predict: Callable[[FloatArray], FloatArray],
        certain: Certain | None = None,
        lasts: float = 0,
    ) -> FloatArray:
        """The chroma of the next frame, (a*, b*)/110, float32 (2, h, w), given its lightness.

        `lightness` is L*/50 - 1, float32 (h, w) in [-1, 1]; a frame of another size starts a new scene.
        `predict` runs the network on it, at most once; its chroma is only read. `certain` colors replace the past;
        where they are all of the frame, the network does not run.
        They are carried on as a color that was averaged over `lasts` frames, so slowly predictions change it;
        `lasts` belongs to this frame and may be less in the next. The result is a new array, or
        the prediction if `settings.passes_through` and nothing is certain.
        """
        if self.settings.passes_through:
            return self._predicted(lightness, predict, certain)
        frame, state = steps_of(lightness), self.state
        if state is not None and state.shown.colors.shape[:2] != lightness.shape:
            state = None
        self.followed = False
        carried, state = self._carry(frame, state)
        hold = state is not None and state.dazzled_for > 0
        if carried is None or state is None or certain is not None or self._is_due(state, carried):
            self._asked = False
            predicted = self._predicted(lightness, predict, certain)
            if carried is None:
                colors, marks = begun(predicted)
            else:
                blend(carried, predicted, self._horizon, lasts, hold=hold)
                colors, marks = carried.colors, carried.marks
            if certain is not None:
                put(colors, marks, predicted, certain.share, max(self._horizon, lasts))
            colors[SAID], marks[KNOWN] = predicted, 1
            # What it says of a flash, or of the first frame after it, must not be used again.
            usable = self.settings.carries and not hold and (carried is None or self.followed)
            since, light = 0, 0.0
        else:
            colors, marks, usable = carried.colors, carried.marks, state.usable
            if usable and not hold:
                blend_again(carried, self._horizon, lasts)
            fill(colors, marks[AGE])
            since, light = state.since + 1, state.light + carried.light
        marks[LIGHTNESS] = frame
        shown = Moment.of(colors, marks)
        self.state = replace(state or TemporalState(shown), shown=shown, usable=usable, since=since, light=light)
        return colors[SHOWN]

    def _predicted(
        self, lightness: FloatArray, predict: Callable[[FloatArray], FloatArray], certain: Certain | None
    ) -> FloatArray:
        """What the network says of a frame, and what is certain in its place; it is not asked where all is certain."""
        if certain is not None and (given := certain.whole) is not None:
            return given
        self.predictions += 1
        predicted = predict(lightness)
        return predicted if certain is None else certain.onto(predicted)

    def _is_due(self, state: TemporalState, carried: Carried) -> bool:
        """Whether the network runs on a frame that continues the one before."""
        since = state.since + 1
        if self._asked:
            return True
        if self.settings.every != AUTO:
            return since >= self.settings.every
        return not state.usable or is_needed(since, carried.marks[KNOWN], state.light + carried.light)

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
            state = replace(state, hidden=None, hidden_for=0, usable=False)
        if followed is None:
            self.cuts += 1
            return None, replace(state, hidden=state.shown, hidden_for=1, dazzled_for=0)
        left = FLASH_FRAMES if followed.light_jumped else max(0, state.dazzled_for - 1)
        return followed, replace(state, dazzled_for=left)
