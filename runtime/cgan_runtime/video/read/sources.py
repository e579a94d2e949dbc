"""Videos that are no file that says what it is: a pipe, raw or numbered images, a stream from the network.

source = video_source("-", SourceSettings())        # standard input, in any format that FFmpeg recognizes
source = video_source("rtsp://camera/stream", SourceSettings())
with VideoReader(source) as video: ...
"""

from __future__ import annotations

import re
import secrets
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.files.image_sequence import Numbered
from cgan_runtime.files.pipe import PIPE, InputPipe

NETWORK = frozenset({"ftp", "http", "https", "rtmp", "rtmps", "rtsp", "rtsps", "srt", "tcp", "tls", "udp"})
"""Schemes of the addresses that FFmpeg is asked to open."""

MAX_RATE = 1000  # frames/s
_OPEN_SECONDS, _READ_SECONDS = 10.0, 10.0  # that a network stream may keep silent
_NETWORK_OPTIONS = {"rtsp_transport": "tcp", "reconnect": "1", "reconnect_delay_max": "4"}
_PIPE_BUFFER = 1 << 20  # bytes; a frame of 1080p in three reads
_SIZE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class SourceSettings:
    """What raw images do not say of themselves, in FFmpeg's words; None where they do.

    Raises:
        ConfigError: A value is malformed, or a pixel format or a size comes without the other.
    """

    pixel_format: str | None = None
    frame_size: str | None = None
    frame_rate: str | None = None

    def __post_init__(self) -> None:
        if (self.pixel_format is None) != (self.frame_size is None):
            raise ConfigError("raw video has a pixel format and a size; give both, or neither")
        if self.frame_size is not None and not _SIZE.fullmatch(self.frame_size):
            raise ConfigError(f"{self.frame_size!r} is no size of a frame; give one such as 1280x720")
        if self.frame_rate is not None and not _is_rate(self.frame_rate):
            raise ConfigError(
                f"{self.frame_rate!r} is no frame rate up to {MAX_RATE}; "
                "give one such as 25, 23.976 or 30000/1001"
            )

    @property
    def options(self) -> dict[str, str]:
        """As FFmpeg's demuxers take them."""
        named = {
            "pixel_format": self.pixel_format,
            "video_size": self.frame_size,
            "framerate": self.frame_rate,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Source:
    """A video that is no file, and of which a later run could not say that it is the same.

    Attributes:
        name: As people know it.
        address: What FFmpeg opens; None is standard input.
        form: FFmpeg's name of the format; None leaves it to be recognized.
        options: Of that format.
        timeout: Seconds to wait for the opening and for each read; None waits for ever.
        fingerprint: Of its own: no other source is the same video.
    """

    name: str
    address: str | None = None
    form: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    timeout: tuple[float, float] | None = None
    fingerprint: str = field(default_factory=lambda: secrets.token_hex(16))

    def __str__(self) -> str:
        return self.name

    def open_options(self) -> dict[str, Any]:
        """The arguments of `av.open`.

        Raises:
            MediaError: Standard input is a terminal.
        """
        how: dict[str, Any] = {"format": self.form, "options": self.options}
        if self.address is not None:
            return how | {"file": self.address, "timeout": self.timeout}
        if sys.stdin.isatty():
            raise MediaError(f"{self.name} is a terminal; send a video through a pipe, or name a file")
        # Not FFmpeg's own pipe: in a read of Python's, Ctrl-C ends the wait for the first frame.
        return how | {"file": InputPipe(sys.stdin.fileno()), "buffer_size": _PIPE_BUFFER}


def is_url(text: str) -> bool:
    """Whether this is an address rather than a path."""
    return _URL.match(text) is not None


def video_source(given: Path | str, settings: SourceSettings) -> Path | Source:
    """What a video is read from.

    Args:
        given: A file, `-`, an address, or the pattern of numbered images, `frames/%05d.png`.
        settings: Of raw images, in a pipe or file.

    Raises:
        MediaError: An address of a kind that is not read, or numbered images of which one is missing.
        ConfigError: Settings that do not go with it.
    """
    text, options = str(given), settings.options
    form = "rawvideo" if settings.pixel_format is not None else None
    if is_url(text):
        scheme = text.partition(":")[0].lower()
        if scheme not in NETWORK:
            raise MediaError(f"{scheme}:// is no stream of videos; take one of {', '.join(sorted(NETWORK))}")
        return Source(text, text, form, _NETWORK_OPTIONS | options, (_OPEN_SECONDS, _READ_SECONDS))
    if text == PIPE:
        return Source("standard input", None, form, options)
    path = Path(given)
    if settings.pixel_format is not None:
        return Source(text, str(path.absolute()), form, options)
    if (images := Numbered.of(path)) is not None and not path.exists():
        return _numbered(path, images, options)
    if settings.frame_rate is not None:
        raise ConfigError(f"{path} has a frame rate of its own; leave --frame-rate out")
    return path


def _numbered(pattern: Path, images: Numbered, options: dict[str, str]) -> Source:
    """Images whose names hold a number, all of them."""
    numbers = images.numbers()
    if not numbers:
        raise MediaError(f"no images at {pattern}; give the pattern of files that are there")
    missing = next((number for number, there in enumerate(numbers, numbers[0]) if number != there), None)
    if missing is not None:
        raise MediaError(f"image {missing} of {pattern} is missing; number them without gaps")
    return Source(str(pattern), images.address, "image2", options | {"start_number": str(numbers[0])})


def _is_rate(text: str) -> bool:
    try:
        return 0 < Fraction(text) <= MAX_RATE
    except (ValueError, ZeroDivisionError):
        return False
