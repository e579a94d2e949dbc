"""Segments: ten seconds of video that are checked, encoded and kept together, for a later run to resume."""

from __future__ import annotations

SEGMENT_FRAMES = 250
"""Frames of a segment. x264 puts key frames no farther apart either, so the borders cost no bits."""
