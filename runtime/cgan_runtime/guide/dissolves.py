"""Where one scene slowly becomes another, as in a dissolve: a border of shots that no two frames side by side show.

    finder = DissolveFinder(colorizer.keys)
    for small, whole in frames: finder.look(small, whole)
    finder.merged(starts)                               # first frames of shots, with those that dissolves begin

Every `STEP` frames a frame is compared with the two samples before it, by what the network knows their places by.
Another scene has to last until the next sample, so that a flash is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.guide.choice import Sample, similarity
from cgan_runtime.temporal.scene_cuts import show_one_scene

STEP = 25  # frames between two samples
ALIKE = 0.8
"""Similarity of frames of one scene: 0.89 and more after 50 frames in seven videos; of two scenes it is 0.8 at most."""


@dataclass(frozen=True)
class _Look:
    """A sample: small, as of `small_view`, and as a whole, L*/50 - 1, float32 (h, w)."""

    number: int
    small: FloatArray
    whole: FloatArray
    keys: Callable[[FloatArray], FloatArray]

    @cached_property
    def places(self) -> Sample:
        return Sample.of(self.number, STEP, self.keys(self.whole))

    def is_like(self, other: _Look) -> bool:
        """Whether it shows the same scene; the network runs only if the frames do not look alike anyway."""
        if show_one_scene(self.small, other.small):
            return True
        return similarity(self.places, other.places) >= ALIKE


class DissolveFinder:
    """Frames come in order. `keys` is asked in the thread that looks."""

    def __init__(self, keys: Callable[[FloatArray], FloatArray]) -> None:
        """`keys` says what the network knows places by, (32, h/8, w/8), given a lightness (h, w)."""
        self._keys = keys
        self._frames = 0
        self._smalls: deque[FloatArray] = deque(maxlen=3 * STEP + 1)  # of the newest frames
        self._scene: list[_Look] = []  # the newest samples of the scene, at most two
        self._other: tuple[_Look, _Look] | None = None  # a sample of another scene, and one of this scene unlike it
        self._found: list[tuple[int, int]] = []  # frames before a border, and behind it

    def look(self, small: FloatArray, whole: Callable[[], FloatArray]) -> None:
        """Look at the next frame, given as `small_view` of it, and what makes all of it if that is needed."""
        number, self._frames = self._frames, self._frames + 1
        self._smalls.append(small)
        if number % STEP:
            return
        look = _Look(number, small, whole(), self._keys)
        before = next((each for each in reversed(self._scene) if not look.is_like(each)), None)
        if before is None:
            self._scene, self._other = [*self._scene[-1:], look], None
        elif self._other is not None and look.is_like(self._other[0]):
            other, before = self._other
            self._found.append((before.number, self._turn(before, look)))
            self._scene, self._other = [other, look], None
        else:
            self._other = look, before

    def merged(self, starts: Sequence[int]) -> list[int]:
        """The first frames of shots: those at cuts, and those in the middle of dissolves without a cut."""
        slow = [first for last, first in self._found if not any(last < start <= first + STEP for start in starts)]
        return sorted({*starts, *slow})

    def _turn(self, before: _Look, after: _Look) -> int:
        """The first frame that is more like the later one of two samples, the newest frame."""
        smalls = list(self._smalls)[before.number - after.number - 1 :]
        way = after.small - before.small
        length = max(float((way * way).sum()), 1e-6)
        parts = [float(((small - before.small) * way).sum()) / length for small in smalls]
        return after.number - len(parts) + 1 + next(i for i, part in enumerate(parts) if part >= 0.5)
