"""TODO."""

from __future__ import annotations

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
"""Suffixes of pictures that are read and written."""


WRITTEN_FILMS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".y4m": "yuv4mpegpipe",
    ".yuv": "rawvideo",
}
"""Suffixes of films that are written, and FFmpeg's name of their container. The last two hold bare pictures.

Not avi: it has no presentation times, and readers show H.264 in it one frame too late.
"""


FILMS = (frozenset(WRITTEN_FILMS) - {".yuv"}) | {
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
    ".vob", ".wmv",
}  # fmt: skip
"""Suffixes of films that are read; .yuv does not say what it holds."""
