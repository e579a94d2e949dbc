"""TODO."""

from __future__ import annotations

from dataclasses import dataclass

import av


@dataclass(frozen=True)
class Colored:
    """A colored frame, and what its painter remembered of the frames before it (empty: nothing)."""

    frame: av.VideoFrame
    memory: bytes = b""


@dataclass(frozen=True)
class AlreadyEncoded:
    """Stands for a frame that an earlier run has colored and encoded."""


@dataclass(frozen=True)
class Skipped:
    """Stands for a frame before those that are made here, shown at `pts`."""

    pts: int
