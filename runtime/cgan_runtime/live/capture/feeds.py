"""Opens a source of frames: a camera of this machine through OpenCV, a stream or a file through PyAV.

    feed = open_feed("0", DeviceFormat((1280, 720)))   # or "rtsp://host/stream", or "video.mp4"
    frame = feed.read()

A feed reads one frame after the other. Threads, dropping and reconnecting are in camera.py.
"""

from __future__ import annotations

import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.files.urls import CAMERA_TIMEOUT, STREAM_OPTIONS, check_stream, is_url, without_credentials
from cgan_runtime.live.capture.devices import others
from cgan_runtime.live.capture.picture import AS_IT_IS, Picture, PictureSettings, RawFrame
from cgan_runtime.live.ycc_frame import JFIF
from cgan_runtime.video.ffmpeg_errors import reason_of
from cgan_runtime.video.frame_layout import bits_of, luma_plane
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.container import stated_end

_FULL_RANGE = 2  # FFmpeg's AVColorRange
_DEEP = Encoding("bt601", full_range=True, bits=16)
_GRAY_16 = cv2.VideoWriter.fourcc(*"Y16 ")  # infrared and thermal cameras
_DEVICE = re.compile(r"\d{1,3}|/dev/.+")


class EndOfFeed(Exception):
    """A file has been read to its end. Cameras never raise this."""


@dataclass(frozen=True)
class DeviceFormat:
    """What a device is asked for, and may not follow: width and height in pixels, and frames a second."""

    size: tuple[int, int] | None = None
    rate: float | None = None


ANY_FORMAT = DeviceFormat()


class Feed(ABC):
    """An open source of frames, used by one thread at a time."""

    description = ""  # the format that it delivers, for example "640x480, 30 frames/s"

    @abstractmethod
    def read(self) -> RawFrame:
        """Wait for the next frame.

        Raises:
            EndOfFeed: That was the last one.
            MediaError: The source failed.
            ConfigError: The part that is kept is not within the picture.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the device or the file. A second call does nothing."""


def is_device(source: str) -> bool:
    """Whether this names a camera of this machine: `0`, `/dev/video0`."""
    return _DEVICE.fullmatch(source) is not None


def is_file(source: str) -> bool:
    """Whether this names a file, which need not exist."""
    return not is_device(source) and not is_url(source)


def open_feed(source: str, wanted: DeviceFormat = ANY_FORMAT, picture: PictureSettings = AS_IT_IS) -> Feed:
    """Open a device (`0`, `/dev/video0`), a stream (`rtsp://...`) or a file; pictures are changed as `picture` says.

    MediaError is raised when the source does not exist or delivers no video.
    """
    return DeviceFeed(source, wanted, picture) if is_device(source) else StreamFeed(source, picture)


def video_size(path: Path) -> tuple[int, int, float]:
    """Read width, height and duration (s) from a video's header; the duration is 0 when it is not stated.

    MediaError is raised when the file cannot be opened or has no video.
    """
    feed = StreamFeed(str(path))
    feed.close()
    return feed.width, feed.height, feed.seconds


class DeviceFeed(Feed):
    """A camera of this machine."""

    def __init__(self, source: str, wanted: DeviceFormat, picture: PictureSettings = AS_IT_IS) -> None:
        """Open the device, request size and rate, and read back what it delivers."""
        size, rate = wanted.size, wanted.rate
        self._picture = Picture(picture)
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # errors below say it
        system = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
        name: Any = int(source) if source.isdigit() else source
        self._source = source
        self._capture = cv2.VideoCapture(name, system)
        if not self._capture.isOpened():
            raise MediaError(
                f"no camera at {source}, or another program uses it ({others(source)}); "
                "plug it in, close the other program, or name another camera with --webcam; cgan-doctor lists them"
            )
        if size:
            # Above VGA most devices reach their rate only with MJPEG.
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if rate:
            self._capture.set(cv2.CAP_PROP_FPS, rate)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if int(self._capture.get(cv2.CAP_PROP_FOURCC)) == _GRAY_16:
            self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)  # else the lower 8 bits would be lost
        sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        width, height = (int(self._capture.get(side)) for side in sides)
        self.description = _description(width, height, self._capture.get(cv2.CAP_PROP_FPS))
        requested = _description(*(size or (width, height)), rate or 0)
        if (size or rate) and not self.description.startswith(requested):
            self.description += f" ({requested} was requested)"

    def read(self) -> RawFrame:
        """Wait for the next frame."""
        try:
            good, image = self._capture.read()
        except cv2.error:
            good, image = False, None
        if not good or image is None:
            raise MediaError(f"camera {self._source} delivers no more images")
        luma = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return self._picture.frame(luma, _DEEP if luma.dtype == np.uint16 else JFIF, time.monotonic())

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


class StreamFeed(Feed):
    """A network stream or a video file."""

    def __init__(self, source: str, picture: PictureSettings = AS_IT_IS) -> None:
        self._picture = Picture(picture)
        self._is_file = is_file(source)
        self._source = without_credentials(source)  # every viewer of the page may read it
        options = {} if self._is_file else STREAM_OPTIONS | {"fflags": "nobuffer"}
        try:
            url = _existing_file(source) if self._is_file else check_stream(source)
            self._container = av.open(url, options=options, timeout=CAMERA_TIMEOUT, metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            mend = "check that it is a video" if self._is_file else "check the camera and its address"
            raise MediaError(f"{self._source} cannot be opened ({reason_of(error)}); {mend}") from error
        if not self._container.streams.video:
            self._container.close()
            raise MediaError(f"{self._source} has no video; name another with --webcam")
        stream = self._container.streams.video[0]
        # Decoding frames in parallel delays each by a few frames, which is fine for files only.
        stream.thread_type = "AUTO" if self._is_file else "SLICE"
        self._base, self._start = stream.time_base, float((stream.start_time or 0) * (stream.time_base or 0))
        self.width, self.height = stream.width, stream.height
        self.seconds = stated_end(self._container)
        self._frames: Iterator[av.VideoFrame] = self._container.decode(stream)
        self._reformatter = VideoReformatter()
        self._orientation: Orientation | None = None  # of all frames; None before the first
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
            raise MediaError(f"{self._source} can no longer be read ({reason_of(error)})") from error
        shown_at = None
        if self._is_file and frame.pts is not None and self._base is not None:
            shown_at = max(0.0, float(frame.pts * self._base) - self._start)
        luma, encoding = _full_range_luma(frame, self._reformatter)
        # A frame that was asked for its side data is in a circle of references, and lives until Python looks for those.
        self._orientation = self._orientation or Orientation.of(frame)
        return self._picture.frame(self._orientation.shown(luma), encoding, frame.time, shown_at)

    def close(self) -> None:
        """Close the file or the connection."""
        self._container.close()


def _full_range_luma(frame: av.VideoFrame, reformatter: VideoReformatter) -> tuple[Plane, Encoding]:
    """The luma of any decoded frame in full range, uint8 or uint16 (H, W), and how it is read."""
    encoding = JFIF if bits_of(frame.format) == JFIF.bits else _DEEP
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    name = "gray" if encoding is JFIF else "gray16le"
    gray = reformatter.reformat(
        frame, format=name, src_color_range="JPEG" if full else "MPEG", dst_color_range="JPEG", threads=1
    )
    return luma_plane(gray).copy(), encoding


def _existing_file(source: str) -> str:
    path = Path(source)
    if not path.is_file():
        raise MediaError(f"no file at {source}; name a video, a device such as 0 or /dev/video0, or an rtsp:// address")
    return str(path.absolute())


def _description(width: int, height: int, rate: float) -> str:
    return f"{width}x{height}" + (f", {rate:.4g} frames/s" if rate else "")
