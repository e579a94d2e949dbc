"""How a stored frame is turned and mirrored before it is shown: all eight orientations.

    orientation = Orientation.of(frame)                     # an av.VideoFrame
    shown = orientation.shown(plane)                        # as a player shows it, and the network sees it
    plane = orientation.stored(shown)                       # back; exact
    x, y = orientation.stored_point(x, y, width, height)    # of the shown picture -> of the stored one

Planes are arrays (H, W) or (H, W, channels). `shown` and `stored` return views where they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import av
import numpy as np

from cgan_runtime.video.side_data import side_data_of

Side = Literal["left", "top", "right", "bottom"]
Array = TypeVar("Array", bound="np.ndarray[Any, Any]")
Length = TypeVar("Length", int, float)

_SIDES: tuple[Side, ...] = ("left", "top", "right", "bottom")  # each is the left one a quarter turn later
# The linear part (a, b, c, d) of a display matrix that turns by 0 to 3 quarters counterclockwise: a stored
# pixel (x, y) is shown at (a x + c y, b x + d y), where y points down.
_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))


@dataclass(frozen=True)
class Orientation:
    """A turn, and then a flip from left to right.

    Attributes:
        turns: Quarter turns counterclockwise, 0 to 3.
        mirrored: Whether left and right change places after the turn.
    """

    turns: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """The orientation that the display matrix of a frame asks for."""
        matrix = side_data_of(frame).get("DISPLAYMATRIX")
        return cls() if matrix is None else cls.of_matrix(np.frombuffer(matrix, np.int32).tolist())

    @classmethod
    def of_matrix(cls, matrix: Sequence[int]) -> Orientation:
        """The orientation that is nearest to a display matrix: nine numbers, a b u, c d v, x y w (ISO/IEC 14496-12)."""
        a, b, _, c, d = matrix[:5]
        if not (a or b or c or d):
            return cls()
        candidates = [cls(turns, mirrored) for mirrored in (False, True) for turns in range(4)]
        return max(candidates, key=lambda each: float(np.dot(each._linear, (a, b, c, d))))

    @property
    def is_identity(self) -> bool:
        """Whether frames are shown as they are stored."""
        return self == Orientation()

    @property
    def swaps_axes(self) -> bool:
        """Whether the height of the stored picture is the width of the shown one."""
        return self.turns % 2 == 1

    def shown(self, stored: Array) -> Array:
        """A stored plane as it is shown."""
        turned = np.rot90(stored, self.turns)
        return cast(Array, turned[:, ::-1] if self.mirrored else turned)

    def stored(self, shown: Array) -> Array:
        """A shown plane as it is stored."""
        turned = shown[:, ::-1] if self.mirrored else shown
        return cast(Array, np.rot90(turned, -self.turns))

    def shown_size(self, first: Length, second: Length) -> tuple[Length, Length]:
        """Width and height, or height and width, of the shown picture from those of the stored one; and back."""
        return (second, first) if self.swaps_axes else (first, second)

    def shown_point(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Where a point of the stored picture of this size is shown.

        Coordinates go from 0 at the left and top edge to `width` and `height`: the center of the first pixel
        is (0.5, 0.5).
        """
        a, b, c, d = self._linear
        wide, high = self.shown_size(width, height)
        return a * x + c * y + (wide if a + c < 0 else 0), b * x + d * y + (high if b + d < 0 else 0)

    def stored_point(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Where a point of the shown picture lies in the stored one, whose size is given; units as above."""
        a, b, c, d = self._linear  # orthogonal: the inverse is the transpose
        wide, high = self.shown_size(width, height)
        x, y = x - (wide if a + c < 0 else 0), y - (high if b + d < 0 else 0)
        return a * x + b * y, c * x + d * y

    def stored_side(self, shown: Side) -> Side:
        """Which side of the stored picture is shown on this side."""
        place = _SIDES.index(shown)
        if self.mirrored and place % 2 == 0:
            place = 2 - place
        return _SIDES[(place + self.turns) % 4]

    @property
    def _linear(self) -> tuple[int, int, int, int]:
        a, b, c, d = _TURNS[self.turns]
        return (-a, b, -c, d) if self.mirrored else (a, b, c, d)
