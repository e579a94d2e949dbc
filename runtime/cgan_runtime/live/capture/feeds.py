"""Where a camera's frames come from: a device by OpenCV, a stream or a file by PyAV.

    feed = open_feed("0", CameraRequest(width=1280, height=720))
    feed = open_feed("rtsp://host/stream"); feed = open_feed("video.mp4")
    glimpse = feed.read()

A feed gives frame after frame and knows nothing of threads, dropping or coming back: see camera.py.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import ConfigError, MediaError

MAX_SIDE = 7680  # pixels; 8K
MAX_RATE = 240  # frames/s
_OPEN_SECONDS, _READ_SECONDS = 10.0, 5.0  # that a network stream may keep silent
_MICROSECONDS = 1_000_000  # per second: the clock of a container's duration
_FULL_RANGE = 2  # FFmpeg's AVColorRange
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"})
_DEVICE = re.compile(r"\d{1,3}|/dev/.+")


class EndOfFeed(Exception):
    """A file has been read to its end; a camera has none."""


@dataclass(frozen=True)
class CameraRequest:
    """What is asked of a device; None leaves it to the device, which may give something else anyway.

    Raises:
        ConfigError: A value is out of range.
    """

    width: int | None = None
    height: int | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if (self.width is None) != (self.height is None):
            raise ConfigError("a camera is asked for width and height together; give both, or neither")
        if any(side is not None and not 1 <= side <= MAX_SIDE for side in (self.width, self.height)):
            raise ConfigError(f"{self.width}x{self.height} is no size of a camera; take 1 to {MAX_SIDE}")
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            raise ConfigError(f"{self.rate} frames/s is out of range; take up to {MAX_RATE}")


@dataclass(frozen=True)
class RawFrame:
    """One frame of a feed.

    Attributes:
        luma: Y' of JFIF (BT.601, full range), uint8 (H, W). Belongs to the taker.
        time: Seconds since the file's start, at which it is to be seen; None where it is to be seen now.
    """

    luma: Plane
    time: float | None = None


class Feed(ABC):
    """An open source of frames. One thread at a time uses it.

    Attributes:
        description: What it gives, as it says itself: "640x480, 30 frames/s".
    """

    description = ""

    @abstractmethod
    def read(self) -> RawFrame:
        """Wait for the next frame.

        Raises:
            EndOfFeed: There is no more.
            MediaError: It has gone away.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the device or the file go. Calling it twice is harmless."""


def is_device(source: str) -> bool:
    """Whether this names a camera at this machine: `0`, `/dev/video0`."""
    return _DEVICE.fullmatch(source) is not None


def is_file(source: str) -> bool:
    """Whether this names a file, there or not."""
    return not is_device(source) and _URL.match(source) is None


def open_feed(source: str, request: CameraRequest | None = None) -> Feed:
    """Open a device (`0`, `/dev/video0`), a stream (`rtsp://...`) or a file.

    Raises:
        MediaError: It is not there, or gives no image.
    """
    if is_device(source):
        return DeviceFeed(source, request or CameraRequest())
    return StreamFeed(source)


def video_size(path: Path) -> tuple[int, int, float]:
    """Width, height and seconds that a video states, before any of it is decoded; 0 seconds where it does not.

    Raises:
        MediaError: It cannot be opened, or holds no image.
    """
    feed = StreamFeed(str(path))
    try:
        return feed.width, feed.height, feed.seconds
    finally:
        feed.close()


class DeviceFeed(Feed):
    """A camera at this machine."""

    def __init__(self, source: str, request: CameraRequest) -> None:
        """Open the device, ask it for size and rate, read back what it gives.

        Raises:
            MediaError: No such device, in use, or without an image.
        """
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # we say it ourselves
        system = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
        name: Any = int(source) if source.isdigit() else source
        self._source = source
        self._capture = cv2.VideoCapture(name, system)
        if not self._capture.isOpened():
            raise MediaError(
                f"no camera at {source}, or another program has it; "
                "plug it in, close what uses it, or name another with --webcam"
            )
        if request.width and request.height:
            # Above VGA most devices give their rate only as MJPEG.
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, request.width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, request.height)
        if request.rate:
            self._capture.set(cv2.CAP_PROP_FPS, request.rate)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        width, height = (
            int(self._capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        self.description = _description(width, height, self._capture.get(cv2.CAP_PROP_FPS))
        asked = _description(request.width or width, request.height or height, request.rate or 0)
        if (request.width or request.rate) and not self.description.startswith(asked):
            self.description += f" (asked for {asked})"

    def read(self) -> RawFrame:
        """Wait for the next frame."""
        try:
            good, image = self._capture.read()
        except cv2.error:
            good, image = False, None
        if not good or image is None:
            raise MediaError(f"camera {self._source} gives no image any more")
        return RawFrame(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))

    def close(self) -> None:
        """Let the device go."""
        self._capture.release()


class StreamFeed(Feed):
    """A stream from the network, or a file."""

    def __init__(self, source: str) -> None:
        """Open it.

        Raises:
            MediaError: It is not there, cannot be read, or holds no image.
        """
        self._is_file = is_file(source)
        self._source = _without_password(source)
        options = {} if self._is_file else {"rtsp_transport": "tcp", "fflags": "nobuffer"}
        try:
            self._container = av.open(
                str(_there(source)) if self._is_file else _allowed(source),
                options=options,
                timeout=(_OPEN_SECONDS, _READ_SECONDS),
                metadata_errors="replace",
            )
        except (av.FFmpegError, ValueError) as error:
            mend = (
                "is it there, and a video?" if self._is_file else "is the camera on, and the address right?"
            )
            raise MediaError(f"{self._source} cannot be opened ({_reason(error)}); {mend}") from error
        if not self._container.streams.video:
            self._container.close()
            raise MediaError(f"{self._source} holds no image; name another with --webcam")
        stream = self._container.streams.video[0]
        # Decoding frames side by side would hold each back for a few: good for files, delay for cameras.
        stream.thread_type = "AUTO" if self._is_file else "SLICE"
        self._base, self._start = stream.time_base, float((stream.start_time or 0) * (stream.time_base or 0))
        self.width, self.height = stream.width, stream.height
        self.seconds = (self._container.duration or 0) / _MICROSECONDS
        self._frames: Iterator[av.VideoFrame] = self._container.decode(stream)
        self.description = _description(stream.width, stream.height, float(stream.average_rate or 0))

    def read(self) -> RawFrame:
        """Decode the next frame."""
        try:
            frame = next(self._frames)
        except StopIteration:
            if self._is_file:
                raise EndOfFeed from None
            raise MediaError(f"{self._source} has ended") from None
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"{self._source} cannot be read any more ({_reason(error)})") from error
        time = None
        if self._is_file and frame.pts is not None and self._base is not None:
            time = max(0.0, float(frame.pts * self._base) - self._start)
        luma = _full_range_luma(frame)
        turns = round(frame.rotation / 90) % 4
        return RawFrame(np.ascontiguousarray(np.rot90(luma, turns)) if turns else luma, time)

    def close(self) -> None:
        """Let the file or connection go."""
        self._container.close()


def _full_range_luma(frame: av.VideoFrame) -> Plane:
    """The luma of any decoded frame as 0 (black) to 255 (white), uint8 (H, W)."""
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    gray = frame.reformat(format="gray", src_color_range="JPEG" if full else "MPEG", dst_color_range="JPEG")
    plane = gray.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    luma: Plane = rows[: gray.height, : gray.width].copy()
    return luma


def _there(source: str) -> Path:
    path = Path(source)
    if not path.is_file():
        raise MediaError(
            f"no file at {source}; name a video, a device such as 0 or /dev/video0, or an rtsp:// address"
        )
    return path.absolute()


def _without_password(source: str) -> str:
    """An address as all who look at the page may read it."""
    return re.sub(r"(?<=://)[^/]*@", "", source)


def _allowed(url: str) -> str:
    scheme = url.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        raise MediaError(f"{scheme}:// is no kind of camera; take one of {', '.join(sorted(_SCHEMES))}")
    return url


def _description(width: int, height: int, rate: float) -> str:
    return f"{width}x{height}" + (f", {rate:.4g} frames/s" if rate else "")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
