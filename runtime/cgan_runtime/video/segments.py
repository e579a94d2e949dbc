"""Segments: ten seconds of video that are checked, encoded and kept together, for a later run to resume.

The classes are what the writers of a video take in place of its frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # light to import
    import av

SEGMENT_FRAMES = 250  # x264 puts key frames no farther apart either, so the borders cost no bits


@dataclass(frozen=True)
class Colored:
    """A colored frame to be encoded."""

    frame: av.VideoFrame
    filter_state: bytes = b""  # of the temporal filter before this frame; with the first of a segment


@dataclass(frozen=True)
class AlreadyEncoded:
    """Stands for a frame that an earlier run has encoded."""


@dataclass(frozen=True)
class Skipped:
    """Stands for a frame before the part that is encoded here; it is shown at `pts`."""

    pts: int
