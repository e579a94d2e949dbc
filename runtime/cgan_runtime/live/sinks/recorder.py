"""Records a camera into a file that is playable at any moment, however the recording ends.

    recorder = Recorder(Path("out.mp4"), EncoderSettings())
    recorder.write(frame, captured)                # never waits for the disk
    recorder.close()

An mp4 or mov is written in fragments of one second, each complete in itself; mkv and webm are built that way.
Since the file is always whole, it has its final name from the start, unlike other outputs. Devices, named pipes
and /dev/stdout are written to, as Matroska unless their name says otherwise.

A recording ends by itself, with `failure`, before its disk is full.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.video.frame import PictureType

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import is_stream, open_stream
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.output import check_output, output_for, pipe_output
from cgan_runtime.live.sinks.synced_file import SyncedFile, check_room
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.ffmpeg_errors import reason_of
from cgan_runtime.video.write.codecs import EncoderSettings

_TIME_BASE = Fraction(1, 90_000)  # seconds
_NOMINAL_RATE = 30  # frames/s in the header; players use the time of each frame
_FRAGMENT_SECONDS = 1.0
_MAX_KEY_DISTANCE = 1000  # frames; in practice `_FRAGMENT_SECONDS` forces key frames much earlier
_ASK_SECONDS = 0.1  # between looks whether a named pipe has a reader
_QUEUE = 8  # frames that may wait for the encoder
_BT601 = 6  # ITU-T H.273
_FULL_RANGE = 2  # FFmpeg's AVColorRange


class Recorder:
    """Encodes in its own thread. One thread writes and closes."""

    def __init__(
        self,
        path: Path,
        settings: EncoderSettings | None = None,
        *,
        overwrite: bool = False,
        on_failure: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Check that the file can be written; the first frame creates it.

        `on_failure` is called, in the thread of the recorder, with a sentence when the recording ends by itself.
        MediaError is raised when the format is unsupported, or the file exists or cannot be written;
        ConfigError when the encoder has no such setting.
        """
        settings = settings or EncoderSettings()
        self._stream = is_stream(path)
        named = path.suffix.lower() in WRITTEN_VIDEOS
        output = pipe_output(path, None if named else "mkv") if self._stream else output_for(path)
        self._codec = settings.codec_for(output)
        if output.images is not None or self._codec == "rawvideo":
            raise MediaError(f"{path.suffix} stores no frame times, which a recording needs; use .mkv")
        self._format = WRITTEN_VIDEOS[output.suffix]
        self._options = settings.options(self._codec)
        if self._codec == "libx264":
            self._options["tune"] = "zerolatency"  # no frame waits in the encoder, so none is lost there
        check_output(path, source=path.parent, overwrite=overwrite, option="--record")
        if not self._stream:
            check_room(path.parent)
        self.path = path
        self.frames = self.dropped = 0  # accepted, and dropped because the encoder was behind
        self._on_failure = on_failure
        self.failure: str | None = None  # why the recording stopped by itself; None while it goes on
        self.bytes = 0  # written so far
        self.seconds = 0.0  # from the first frame to the last
        self._began: float | None = None
        self._waiting: deque[tuple[YccFrame, float]] = deque()
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def write(self, frame: YccFrame, captured: float) -> None:
        """Queue a frame with its time of capture (seconds of any clock), or drop it if the encoder is behind.

        The first frame sets the size of the video.
        """
        with self._changed:
            if self.ended:
                return
            if len(self._waiting) >= _QUEUE:
                self.dropped += 1
                return
            self.frames += 1
            self._began = captured if self._began is None else self._began
            self.seconds = captured - self._began
            self._waiting.append((frame, captured))
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether it takes no more frames."""
        return self._closing or self.failure is not None

    def end(self) -> None:
        """Take no more frames; the file is finished a moment later. A second call does nothing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self) -> None:
        """Finish the file. A second call does nothing."""
        self.end()
        self._thread.join()

    def _next(self) -> tuple[YccFrame, float] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _run(self) -> None:
        first = self._next()
        if first is None:
            return
        try:
            with self._open() as opened:
                file = SyncedFile(opened.fileno(), None if self._stream else self.path.parent)
                self._encode(first, file)
            if file.lack:
                self._fail(f"{file.lack}: the recording {self.path} ended, and can be played")
        except (av.FFmpegError, OSError, ValueError) as error:
            self._fail(f"{self.path} can no longer be written ({reason_of(error)}); is the disk full?")

    def _fail(self, reason: str) -> None:
        with self._changed:
            self.failure = reason
            self._waiting.clear()
        self._on_failure(reason)

    def _open(self) -> BinaryIO:
        """Open the file; a named pipe waits for its reader, but not after `close`."""
        if not self._stream:
            return self.path.open("wb")
        while True:
            try:
                return open_stream(self.path, wait=False)
            except OSError as error:
                with self._changed:
                    if error.errno != errno.ENXIO:
                        raise
                    if self._closing:
                        raise BrokenPipeError(errno.EPIPE, "no program reads it") from None
                    self._changed.wait(_ASK_SECONDS)

    def _encode(self, first: tuple[YccFrame, float], file: SyncedFile) -> None:
        options = {"flush_packets": "1"}
        if self._format in ("mp4", "mov"):
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        elif self._format in ("matroska", "webm"):
            options["cluster_time_limit"] = str(round(_FRAGMENT_SECONDS * 1000))
        frame, began = first
        with av.open(file, "w", format=self._format, container_options=options) as container:
            added = container.add_stream(self._codec, rate=_NOMINAL_RATE, options=self._options)
            stream = cast(av.VideoStream, added)
            context = stream.codec_context
            context.width, context.height = (side // 2 * 2 for side in frame.luma.shape[::-1])
            context.pix_fmt, context.bit_rate = "yuv420p", 0
            context.gop_size = _MAX_KEY_DISTANCE
            context.color_range, context.colorspace = _FULL_RANGE, _BT601
            stream.time_base = context.time_base = _TIME_BASE
            frames = chain([first], iter(self._next, None))
            for encoded in frames_to_encode(frames, stream, began, _FRAGMENT_SECONDS):
                container.mux(stream.encode(encoded))
                self.bytes = file.bytes
                if file.lack:
                    break
            container.mux(stream.encode(None))
        self.bytes = file.bytes


def frames_to_encode(
    frames: Iterable[tuple[YccFrame, float]], stream: av.VideoStream, began: float, key_seconds: float
) -> Iterator[av.VideoFrame]:
    """Frames and when they were captured, in seconds, as a stream encodes them: of its size, with times that rise.

    `began` is when the stream began. A frame is a key frame `key_seconds` after the last one.
    """
    time_base, context = stream.time_base, stream.codec_context
    assert time_base is not None
    last, key = -1, began
    for frame, captured in frames:
        encoded = video_frame(frame, context.width, context.height)
        encoded.pts = last = max(last + 1, round((captured - began) / time_base))
        encoded.time_base = time_base
        if captured - key >= key_seconds:
            encoded.pict_type, key = PictureType.I, captured
        yield encoded


def video_frame(frame: YccFrame, width: int, height: int) -> av.VideoFrame:
    """Convert a frame; one of another size, as after a change of the camera, is scaled."""
    if abs(frame.luma.shape[0] - height) > 1 or abs(frame.luma.shape[1] - width) > 1:
        own = frame.luma.shape[1] // 2 * 2, frame.luma.shape[0] // 2 * 2
        scaled = video_frame(frame, *own).reformat(width=width, height=height)
        scaled.color_range, scaled.colorspace = _FULL_RANGE, _BT601
        return scaled
    converted = av.VideoFrame(width, height, "yuv420p")
    converted.color_range, converted.colorspace = _FULL_RANGE, _BT601
    for plane, source in zip(converted.planes, (frame.luma, frame.cb, frame.cr), strict=True):
        codes = source[: plane.height, : plane.width]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        rows[: codes.shape[0], : codes.shape[1]] = codes
    return converted
