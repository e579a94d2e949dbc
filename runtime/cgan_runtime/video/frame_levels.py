"""Frames of a dim video with stretched levels: gray frames in full range, of the depth of the video.

    levels = FrameLevels(Levels("auto"), codec="ffv1")
    frame = levels.stretched(frame)                      # each frame, in order

Levels for the network alone leave the frame as it is, and hang what the network sees onto it: `network_luma(frame)`.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.level_tracker import LevelTracker
from cgan_runtime.color.levels import Levels
from cgan_runtime.video.frame_layout import bits_of, has_plain_luma, is_full_range, luma_plane, matrix_of

_LIMITED, _FULL = 1, 2  # FFmpeg's AVColorRange
_DEEP = 16  # bits that other formats of more than 8 are read with


class FrameLevels:
    """The levels of one video. Used in one thread."""

    def __init__(self, levels: Levels, codec: str) -> None:
        self.levels = levels
        self._tracker, self._codec = LevelTracker(levels), codec

    def stretched(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The next frame with its side data and time, stretched; itself if levels are off or for the network alone."""
        if self.levels.off:
            return frame
        full = is_full_range(frame, self._codec)
        if not has_plain_luma(frame):
            bits = 8 if bits_of(frame.format) == 8 else _DEEP
            full, frame = True, _gray(frame, bits, _FULL if full else _LIMITED)
        bits = bits_of(frame.format)
        encoding = Encoding(matrix_of(frame), full, bits)
        codes = self._tracker.stretch(luma_plane(frame), encoding, frame.time)
        if not self.levels.for_picture:
            frame.opaque = codes, Encoding(encoding.matrix, True, bits)
            return frame
        gray = _gray(frame, bits)
        gray.make_writable()
        luma_plane(gray)[:] = codes
        gray.pict_type, gray.color_range = 0, _FULL
        return gray


def network_luma(frame: av.VideoFrame) -> tuple[Plane, Encoding] | None:
    """What the network sees of a frame whose levels are stretched for it alone: (H, W), and how it is read."""
    seen: Any = frame.opaque
    return seen if isinstance(seen, tuple) and isinstance(seen[0], np.ndarray) else None


def _gray(frame: av.VideoFrame, bits: int, color_range: int | None = None) -> av.VideoFrame:
    """A conversion, which keeps side data: of a frame of this range to full range, or without a change of range."""
    name, target = "gray" if bits == 8 else f"gray{bits}le", None if color_range is None else _FULL
    gray = frame.reformat(format=name, src_color_range=color_range, dst_color_range=target)
    gray.pts, gray.duration = frame.pts, frame.duration
    if frame.time_base is not None:
        gray.time_base = frame.time_base
    return gray
