"""The free axes of a network's inputs and outputs: how long each is, given the inputs.

    axes = Axes()
    axes.take(manifest.input, (1, 1, 256, 384))          # 32*h is 256 now, so 8*h is 64
    axes.shape(manifest.inputs[1])                       # (1, 3, 64, 96)

A free axis is a name, `h`, or a multiple or a part of one, `32*h` or `h/4`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from cgan_runtime.manifest import Tensor

_AXIS = re.compile(r"(?:([1-9]\d*)\*)?([^\d\W]\w*)(?:/([1-9]\d*))?")
_SHORTEST = 1  # of an axis that nothing says the length of


class Axes:
    """The lengths of the free axes of one inference."""

    def __init__(self) -> None:
        self._lengths: dict[str, Fraction] = {}

    def take(self, tensor: Tensor, shape: Sequence[int]) -> None:
        """Note the lengths of a tensor's axes; those that are known stay as they are."""
        for axis, length in zip(tensor.shape, shape, strict=True):
            if isinstance(axis, str):
                name, factor = _parsed(axis)
                self._lengths.setdefault(name, length / factor)

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """The shape of a tensor; an axis of unknown length is 1 long."""
        return tuple(axis if isinstance(axis, int) else self._length(axis) for axis in tensor.shape)

    def _length(self, axis: str) -> int:
        name, factor = _parsed(axis)
        return int(self._lengths[name] * factor) if name in self._lengths else _SHORTEST


def _parsed(axis: str) -> tuple[str, Fraction]:
    """The name in an axis and its factor; any other text is a name itself."""
    found = _AXIS.fullmatch(axis)
    return (found[2], Fraction(int(found[1] or 1), int(found[3] or 1))) if found else (axis, Fraction(1))
