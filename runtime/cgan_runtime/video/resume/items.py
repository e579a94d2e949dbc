"""What the writers of a video take in place of its frames."""

from __future__ import annotations

from dataclasses import dataclass

import av


@dataclass(frozen=True)
class Colored:
    """A colored frame.

    Attributes:
        frame: To be encoded.
        filter_state: State of the temporal filter before this frame; given with the first of a segment.
    """

    frame: av.VideoFrame
    filter_state: bytes = b""


@dataclass(frozen=True)
class AlreadyEncoded:
    """Stands for a frame that an earlier run has encoded."""


@dataclass(frozen=True)
class Skipped:
    """Stands for a frame before the part that is encoded here; it is shown at `pts`."""

    pts: int
