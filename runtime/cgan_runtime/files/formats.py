"""TODO."""

from __future__ import annotations

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
"""Suffixes of images that are read and written."""


WRITTEN_VIDEOS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".y4m": "yuv4mpegpipe",
    ".yuv": "rawvideo",
}
"""Suffixes of videos that are written, and FFmpeg's name of their container. The last two hold bare images.

Not avi: it has no presentation times, and readers show H.264 in it one frame too late.
"""


VIDEOS = (frozenset(WRITTEN_VIDEOS) - {".yuv"}) | {
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
    ".vob", ".wmv",
}  # fmt: skip
"""Suffixes of videos that are read; .yuv does not say what it holds."""
