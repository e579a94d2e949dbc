"""Whether a key shows the frame that its name says, or rather one beside it.

likeness = Likeness.of(picture.lightness)
likeness.compare(121, small_view(view))             # the frame itself and those around it
likeness.judge(123)                                 # a Verdict
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.motion import LIGHTNESS_PEAK
from cgan_runtime.temporal.scene_cuts import CUT_RESIDUAL, CUT_SHRINK, difference, shrunk

REACH = 25  # frames before and after a key's own that are compared
MUCH_BETTER = 0.5  # of the difference to its own frame: another one below is likely the right one
NO_DIFFERENCE = 0.03  # as a share of the contrast; colors and compression make so much


@dataclass(frozen=True)
class Verdict:
    """What the comparison says."""

    is_other_scene: bool  # than that of its frame
    better: int | None  # a frame nearby that it looks much more like


class Likeness:
    """The lightness of a key, small, and what it was compared with so far."""

    def __init__(self, lightness: FloatArray) -> None:
        """Take the key's lightness, L*/50 - 1, float32 (h, w)."""
        self._small: npt.NDArray[np.float16] = small_view(lightness).astype(np.float16)
        self._found: dict[int, float] = {}

    def compare(self, number: int, view: FloatArray) -> None:
        """Compare with a frame, as of `small_view`."""
        self._found[number] = difference(view, self._small.astype(np.float32))

    def judge(self, frame: int) -> Verdict:
        """Say whether it shows a frame, which was compared."""
        own = self._found[frame]
        best = min(self._found, key=lambda number: (self._found[number], abs(number - frame)))
        is_better = self._found[best] < MUCH_BETTER * own and own > NO_DIFFERENCE
        return Verdict(own > CUT_RESIDUAL, best if is_better and self._found[best] <= CUT_RESIDUAL else None)


def small_view(lightness: FloatArray) -> FloatArray:
    """A lightness, L*/50 - 1, float32 (h, w), as 0 to 255 at the size in which cuts are looked for."""
    return scaled(shrunk(lightness, CUT_SHRINK))


def scaled(lightness: FloatArray) -> FloatArray:
    """L*/50 - 1 as 0 to 255."""
    return (lightness + np.float32(1)) * np.float32(LIGHTNESS_PEAK / 2)
