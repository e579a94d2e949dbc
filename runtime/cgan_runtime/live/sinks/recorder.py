"""Record what a camera shows, in a file that can be played at any moment, whatever ends the recording.

    recorder = Recorder(Path("out.mp4"), EncoderSettings())
    recorder.write(image, captured)                # never waits for the disk
    recorder.close()

An mp4 or mov is written in fragments of a second, each complete in itself; mkv and webm are made that way. So
the file has its name from the start, unlike other outputs: there is no moment at which it is not whole.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import PictureType
from av.video.plane import VideoPlane

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.output import check_output
from cgan_runtime.live.capture.ycc_image import Image
from cgan_runtime.video.write.codecs import EncoderSettings

_CLOCK = Fraction(1, 90_000)  # seconds
_NOMINAL_RATE = 30  # frames/s; what the header says, the frames' own times rule
_FRAGMENT_SECONDS = 1.0
_LONGEST_GROUP = 1000  # frames from key to key; the clock asks for a key frame long before
_SYNC_SECONDS = 2.0  # at most this much is lost with the power
_QUEUE = 8  # frames that may wait for the encoder
_BT601 = 6  # ITU-T H.273
_FULL_RANGE = 2  # FFmpeg's AVColorRange


class Recorder:
    """Encodes in a thread of its own. One thread writes and closes.

    Attributes:
        path: The file.
        frames: Handed in and taken.
        dropped: Handed in while the encoder was behind.
        failure: Why it stopped by itself; None while it goes on.
    """

    def __init__(
        self, path: Path, settings: EncoderSettings | None = None, *, overwrite: bool = False
    ) -> None:
        """Check that the file can be made; it is, with the first frame.

        Raises:
            MediaError: No such container, or the file exists or cannot be written.
            ConfigError: The encoder has no such setting.
        """
        settings = settings or EncoderSettings()
        self._codec = settings.codec_for(path)
        if self._codec == "rawvideo":
            raise MediaError(f"{path.suffix} holds no times of frames, which a recording needs; take .mkv")
        self._format = WRITTEN_VIDEOS[path.suffix.lower()]
        self._options = settings.options(self._codec)
        if self._codec == "libx264":
            self._options["tune"] = "zerolatency"  # no frame waits for later ones, so none is lost with them
        check_output(path, source=path.parent, overwrite=overwrite)
        self.path = path
        self.frames = self.dropped = 0
        self.failure: str | None = None
        self._waiting: deque[tuple[Image, float]] = deque()
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def write(self, image: Image, captured: float) -> None:
        """Take an image, or drop it where the encoder is behind.

        Args:
            image: The first decides the size of the video.
            captured: When it was seen, seconds by any clock.
        """
        with self._changed:
            if self.failure is not None:
                return
            if len(self._waiting) >= _QUEUE:
                self.dropped += 1
                return
            self.frames += 1
            self._waiting.append((image, captured))
            self._changed.notify_all()

    def close(self) -> None:
        """Finish the file. Calling it twice is harmless."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _next(self) -> tuple[Image, float] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _run(self) -> None:
        first = self._next()
        if first is None:
            return
        try:
            with self.path.open("wb") as file:
                self._encode(first, _Synced(file.fileno()))
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            with self._changed:
                self.failure = f"{self.path} cannot be written any more ({reason}); is the disk full?"
                self._waiting.clear()

    def _encode(self, first: tuple[Image, float], file: _Synced) -> None:
        options = {"flush_packets": "1"}
        if self._format in ("mp4", "mov"):
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        else:
            options["cluster_time_limit"] = str(round(_FRAGMENT_SECONDS * 1000))
        image, began = first
        with av.open(file, "w", format=self._format, container_options=options) as container:
            stream = cast(
                av.VideoStream, container.add_stream(self._codec, rate=_NOMINAL_RATE, options=self._options)
            )
            context = stream.codec_context
            context.width, context.height = (side // 2 * 2 for side in image.luma.shape[::-1])
            context.pix_fmt, context.bit_rate = "yuv420p", 0
            context.gop_size = _LONGEST_GROUP
            context.color_range, context.colorspace = _FULL_RANGE, _BT601
            stream.time_base = context.time_base = _CLOCK
            last, key, item = -1, began, cast("tuple[Image, float] | None", first)
            while item is not None:
                image, captured = item
                frame = _frame(image, context.width, context.height)
                frame.pts = last = max(last + 1, round((captured - began) / _CLOCK))
                frame.time_base = _CLOCK
                if captured - key >= _FRAGMENT_SECONDS:
                    frame.pict_type, key = PictureType.I, captured
                container.mux(stream.encode(frame))
                item = self._next()
            container.mux(stream.encode(None))


class _Synced:
    """A file that reaches the disk every few seconds."""

    def __init__(self, number: int) -> None:
        self._number, self._synced = number, time.monotonic()

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[os.write(self._number, left) :]
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._number)
            self._synced = time.monotonic()
        return len(data)


def _frame(image: Image, width: int, height: int) -> av.VideoFrame:
    """The image as a frame; one of another size, as after a camera was changed, is made to fit."""
    if abs(image.luma.shape[0] - height) > 1 or abs(image.luma.shape[1] - width) > 1:
        own = image.luma.shape[1] // 2 * 2, image.luma.shape[0] // 2 * 2
        fitted = _frame(image, *own).reformat(width=width, height=height)
        fitted.color_range, fitted.colorspace = _FULL_RANGE, _BT601
        return fitted
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.color_range, frame.colorspace = _FULL_RANGE, _BT601
    _fill(frame.planes[0], image.luma[:height, :width])
    _fill(frame.planes[1], image.cb[: height // 2, : width // 2])
    _fill(frame.planes[2], image.cr[: height // 2, : width // 2])
    return frame


def _fill(plane: VideoPlane, codes: Plane) -> None:
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    rows[: codes.shape[0], : codes.shape[1]] = codes
