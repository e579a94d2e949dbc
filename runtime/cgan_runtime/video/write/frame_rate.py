"""Whether a video's frames come evenly, for places that hold no times.

pace = Pace()
pace.note(frame.pts)                                    # of each frame
print(pace.varies)
"""

from __future__ import annotations

import math


class Pace:
    """Whether frames come evenly, but for the rounding of their clock."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._shortest, self._longest = math.inf, 0

    def note(self, pts: int) -> None:
        """Take the time of the next frame."""
        if self._last is not None:
            self._shortest, self._longest = (
                min(self._shortest, pts - self._last),
                max(self._longest, pts - self._last),
            )
        self._last = pts

    @property
    def varies(self) -> bool:
        """Whether a frame lasted half as long again as another, and more than a tick."""
        return self._longest > 1.5 * self._shortest and self._longest - self._shortest > 1
