"""Inputs that are no plain video file: a pipe, raw video, an image sequence, a network stream.

source = video_source("-", SourceSettings())        # standard input, in any format that FFmpeg recognizes
source = video_source("rtsp://camera/stream", SourceSettings())
with VideoReader(source) as video: ...
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.files.image_sequence import ImageSequence
from cgan_runtime.files.pipe import PIPE, InputPipe
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.files.urls import STREAM_OPTIONS, VIDEO_TIMEOUT, check_stream, is_url

MAX_RATE = 1000  # frames/s
_RECONNECT = {"reconnect": "1", "reconnect_delay_max": "4"}
PIPE_BUFFER = 1 << 20  # bytes; a frame of 1080p in three reads
_SIZE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")


@dataclass(frozen=True)
class SourceSettings:
    """What raw video and image sequences do not state themselves, in FFmpeg's words.

    Raises a ConfigError if a value is malformed, or one of pixel format and size is missing.
    """

    pixel_format: str | None = None  # of raw video, such as yuv420p
    frame_size: str | None = None  # of raw video, such as 1280x720
    frame_rate: str | None = None  # such as 25, 23.976 or 30000/1001

    def __post_init__(self) -> None:
        if (self.pixel_format is None) != (self.frame_size is None):
            raise ConfigError("raw video has a pixel format and a size; give both, or neither")
        if self.frame_size is not None and not _SIZE.fullmatch(self.frame_size):
            raise ConfigError(f"{self.frame_size!r} is no size of a frame; give one such as 1280x720")
        if self.frame_rate is not None and not _is_rate(self.frame_rate):
            raise ConfigError(
                f"{self.frame_rate!r} is no frame rate up to {MAX_RATE}; give one such as 25, 23.976 or 30000/1001"
            )

    @property
    def options(self) -> dict[str, str]:
        """The options of FFmpeg's demuxers."""
        values = (self.pixel_format, self.frame_size, self.frame_rate)
        named = zip(("pixel_format", "video_size", "framerate"), values, strict=True)
        return {name: value for name, value in named if value is not None}


@dataclass(frozen=True)
class FFmpegInput:
    """An input that FFmpeg opens by address and options. A later run cannot tell whether it is the same."""

    name: str  # for people
    address: str | None = None  # what FFmpeg opens; None is standard input
    format: str | None = None  # FFmpeg's name of it; None lets it be recognized
    options: dict[str, str] = field(default_factory=dict)  # of that format
    timeout: tuple[float, float] | None = None  # seconds for the opening and for each read; None: no limit
    pipe: Path | None = None  # a named pipe in place of standard input
    fingerprint: str = field(default_factory=lambda: secrets.token_hex(16))  # no other input is the same

    def __str__(self) -> str:
        return self.name

    def open_options(self) -> dict[str, Any]:
        """The arguments of `av.open`; a MediaError if standard input is a terminal or a pipe cannot be read.

        A named pipe waits for its writer.
        """
        options: dict[str, Any] = {"format": self.format, "options": self.options}
        if self.address is not None:
            return options | {"file": self.address, "timeout": self.timeout}
        if self.pipe is not None:
            with storage_errors("read", self.pipe, "name a file, or send the video through -"):
                descriptor = os.open(self.pipe, os.O_RDONLY)
            return options | {"file": InputPipe(descriptor, own=True), "buffer_size": PIPE_BUFFER}
        if sys.stdin.isatty():
            raise MediaError(f"{self.name} is a terminal; send a video through a pipe, or name a file")
        # Not FFmpeg's own pipe: Ctrl-C ends a read of Python's before the first frame.
        return options | {"file": InputPipe(sys.stdin.fileno()), "buffer_size": PIPE_BUFFER}


def video_source(given: Path | str, settings: SourceSettings) -> Path | FFmpegInput:
    """What a video is read from: a file, `-`, an address, or the pattern of an image sequence.

    Raises:
        MediaError: An address of a scheme that is not read, or an image sequence with a gap.
        ConfigError: The settings do not fit the input.
    """
    text, options = str(given), settings.options
    raw = "rawvideo" if settings.pixel_format is not None else None
    if is_url(text):
        options = STREAM_OPTIONS | _RECONNECT | options
        return FFmpegInput(check_stream(text), text, raw, options, VIDEO_TIMEOUT)
    if text == PIPE:
        return FFmpegInput("standard input", None, raw, options)
    path = Path(given)
    if _is_pipe(path):
        return FFmpegInput(text, None, raw, options, pipe=path)
    if raw:
        return FFmpegInput(text, str(path.absolute()), raw, options)
    if (images := ImageSequence.of(path)) is not None and not path.exists():
        return _image_sequence(path, images, options)
    if settings.frame_rate is not None:
        raise ConfigError(f"{path} has a frame rate of its own; leave --frame-rate out")
    return path


def _is_pipe(path: Path) -> bool:
    """Whether a path is a pipe, which is read once; a MediaError if it is anything else that is no file."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    if stat.S_ISSOCK(mode):
        raise MediaError(f"{path} is a socket, which is no file; send the video through a pipe: --video -")
    if stat.S_ISCHR(mode):
        raise MediaError(f"{path} is a device; show a camera with --webcam, or send a video through a pipe: --video -")
    return stat.S_ISFIFO(mode)


def _image_sequence(pattern: Path, images: ImageSequence, options: dict[str, str]) -> FFmpegInput:
    numbers = images.numbers()
    if not numbers:
        raise MediaError(f"no images at {pattern}; give the pattern of files that are there")
    missing = next((number for number, there in enumerate(numbers, numbers[0]) if number != there), None)
    if missing is not None:
        raise MediaError(f"image {missing} of {pattern} is missing; number them without gaps")
    return FFmpegInput(str(pattern), images.address, "image2", options | {"start_number": str(numbers[0])})


def _is_rate(text: str) -> bool:
    try:
        return 0 < Fraction(text) <= MAX_RATE
    except (ValueError, ZeroDivisionError):
        return False
