"""Addresses: which text is a URL, and which streams of video are read from one, and how.

FFmpeg opens streams for `--video` (video/read) and `--webcam` (live/capture); both take the rules from here.
"""

from __future__ import annotations

import re

from cgan_runtime.errors import MediaError

SCHEMES = ("ftp", "http", "https", "rtmp", "rtmps", "rtsp", "rtsps", "srt", "tcp", "tls", "udp")
"""Schemes of the streams that FFmpeg is asked to open."""

STREAM_OPTIONS = {"rtsp_transport": "tcp"}
"""FFmpeg's options for every stream. RTSP over UDP loses packets."""

VIDEO_TIMEOUT = (10.0, 10.0)
"""Seconds that opening a stream and reading from it may take."""

CAMERA_TIMEOUT = (10.0, 5.0)
"""The same for a camera, which is opened again after that."""

_URL = re.compile(r"[a-z][a-z0-9+.:-]+://", re.IGNORECASE)  # two letters at least: C:// is a drive
_CREDENTIALS = re.compile(r"(?<=://)[^/]*@")


def is_url(text: str) -> bool:
    """Whether a text is a URL rather than a path."""
    return _URL.match(text) is not None


def check_stream(url: str) -> str:
    """Refuse a URL that is no stream of video, and return any other.

    Raises:
        MediaError: FFmpeg is not asked to open its scheme.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise MediaError(f"{scheme}:// is no stream of video; use one of {', '.join(SCHEMES)}")
    return url


def without_credentials(url: str) -> str:
    """The URL without user name and password, to be shown."""
    return _CREDENTIALS.sub("", url)
