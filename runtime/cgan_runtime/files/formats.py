"""The file name suffixes of the images and videos that cgan reads and writes."""

from __future__ import annotations

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
"""Suffixes of images that are read and written."""

WRITTEN_VIDEOS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mts": "mpegts",
    ".y4m": "yuv4mpegpipe",
    ".yuv": "rawvideo",
}
"""Suffixes of videos that are written, and FFmpeg's names of their containers. The last two hold raw video.

AVI is missing because it has no presentation times: players show H.264 in it one frame late.
"""

VIDEOS = (frozenset(WRITTEN_VIDEOS) - {".yuv"}) | {
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".mpeg", ".mpg", ".mxf", ".ogv", ".vob", ".wmv",
}  # fmt: skip
"""Suffixes of videos that are read. A .yuv file does not state its format."""
