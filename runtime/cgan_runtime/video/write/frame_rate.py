"""Whether the frames of a video are evenly spaced, for formats without times."""

from __future__ import annotations

import math


class Pace:
    """Whether frames are evenly spaced, except for rounding to the clock."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._shortest, self._longest = math.inf, 0

    def note(self, pts: int) -> None:
        """Take the time of the next frame."""
        if self._last is not None:
            step = pts - self._last
            self._shortest, self._longest = min(self._shortest, step), max(self._longest, step)
        self._last = pts

    @property
    def varies(self) -> bool:
        """Whether one frame lasted more than 1.5 times as long as another, and more than a tick longer."""
        return self._longest > 1.5 * self._shortest and self._longest - self._shortest > 1
