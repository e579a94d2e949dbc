"""The shots of a video, found on the lightness of its frames before they are colored.

    finder = ShotFinder()
    for lightness in views: finder.add(lightness)
    finder.finish()                                     # numbers of the frames that begin a shot

Cuts are those of the temporal filter: a scene that comes back after a flash goes on. Motion is looked for only
where a frame does not look like the one before it anyway, and only then the whole view is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.guide.likeness import small_view
from cgan_runtime.temporal.filter import FLASH_FRAMES
from cgan_runtime.temporal.motion import is_explained, steps_of
from cgan_runtime.temporal.scene_cuts import show_one_scene


@dataclass(frozen=True)
class _Look:
    """A frame: small, as of `small_view`, and as a whole, L*/50 - 1, float32 (h, w)."""

    small: FloatArray
    whole: Callable[[], FloatArray]


class ShotFinder:
    """Finds the first frames of shots. Frames come in order; a cut is known `FLASH_FRAMES` later."""

    def __init__(self) -> None:
        self.starts: list[int] = []  # so far, rising from 0
        self.frames = 0
        self._shown: _Look | None = None
        self._hidden: _Look | None = None  # the last frame of a scene that may come back
        self._hidden_for = 0
        self._cut: int | None = None  # a frame after which nothing has come back yet

    def add(self, lightness: FloatArray) -> None:
        """Look at the next frame, L*/50 - 1, float32 (h, w)."""
        self.look(small_view(lightness), lambda: lightness)

    def look(self, small: FloatArray, whole: Callable[[], FloatArray]) -> None:
        """Look at the next frame, given as `small_view` of it, and what makes all of it if that is needed."""
        frame = _Look(small, whole)
        number, self.frames = self.frames, self.frames + 1
        shown, self._shown = self._shown, frame
        if shown is None:
            self.starts.append(number)
            return
        self._hidden_for += self._hidden is not None
        if self._hidden_for > FLASH_FRAMES:
            self._hidden, self._hidden_for = None, 0
            if self._cut is not None:
                self.starts.append(self._cut)
                self._cut = None
        if _goes_on(frame, shown):
            return
        if self._hidden is not None and _goes_on(frame, self._hidden):  # it was a flash
            self._hidden, self._hidden_for, self._cut = None, 0, None
            return
        if self._hidden is None:
            self._hidden, self._hidden_for = shown, 1
        self._cut = number

    def finish(self) -> list[int]:
        """The first frames of all shots."""
        if self._cut is not None:
            self.starts.append(self._cut)
            self._cut = None
        return self.starts


def shot_of(starts: Sequence[int], frames: int, number: int) -> range:
    """The frames of the shot that a frame is in, given the first frames of shots and their number in all."""
    index = bisect_right(starts, number)
    return range(starts[index - 1], starts[index] if index < len(starts) else frames)


def _goes_on(frame: _Look, past: _Look) -> bool:
    """Whether a frame shows the scene of another one, also after motion and a change of light."""
    if frame.small.shape != past.small.shape:
        return False
    if show_one_scene(frame.small, past.small):
        return True
    return is_explained(steps_of(frame.whole()), steps_of(past.whole()))
