"""The sources of frames for the page: the server's cameras, shared by all viewers, and each browser's camera.

camera = ServerCamera(inference, settings, open_feed); camera.open()
camera = BrowserCamera(inference, settings); camera.put(number, jpeg)
camera.facts(), camera.newest, camera.adapter.on, camera.sinks
"""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cgan_runtime.color.levels import UNCHANGED, Levels
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.guide.memory import Guidance
from cgan_runtime.live.adapt import Adapter, Flow
from cgan_runtime.live.capture.camera import Camera, CameraState, CameraStatus, CapturedFrame, FrameCounts
from cgan_runtime.live.capture.feeds import Feed
from cgan_runtime.live.capture.picture import Picture, PictureSettings
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.server.inference_thread import FrameSource, InferenceThread, RateLimit, public_message
from cgan_runtime.live.sinks.frame_sink import FrameSink
from cgan_runtime.live.ycc_frame import JFIF, YccFrame, luma_of_jpeg
from cgan_runtime.temporal.settings import TemporalSettings


@dataclass(frozen=True)
class JpegFrame:
    """A colored frame, ready to be sent."""

    number: int  # given by the source
    captured_at: float  # when it was captured or received, seconds of `time.perf_counter`
    color_ms: float  # time of coloring and JPEG encoding
    jpeg: bytes


# Called in the inference thread with a frame, or with an error message for the user.
DeliverCallback = Callable[[JpegFrame | str], None]


@dataclass(frozen=True)
class SourceSettings:
    """What all cameras of a server share."""

    temporal: TemporalSettings  # how steady color is kept
    max_rate: float = 30.0  # frames a second that are colored at most; more are left out
    adapt: bool = True  # whether size and rate follow the load
    levels: Levels = UNCHANGED  # what becomes black and white, of a browser's camera; others have it in their feed


class CameraSource(FrameSource):
    """Colors the frames of a camera and delivers them as JPEG.

    Attributes:
        deliver: Called with each colored frame; set by the owner.
        adapter: Decides how finely and how often frames are colored.
        sinks: Each is given every colored frame, until it has ended; may be added to and removed from at any time.
        newest: The newest colored frame; None before the first.
        guidance: Colors that a person placed on a held frame (guided.py); may be set at any time.
    """

    def __init__(self, inference: InferenceThread, settings: SourceSettings) -> None:
        """Prepare; `inference.add` starts it. The model must be open."""
        self.deliver: DeliverCallback = lambda item: None
        self.adapter = Adapter(inference.info.size, on=settings.adapt, any_size=inference.info.any_size)
        self.sinks: set[FrameSink] = set()
        self.newest: YccFrame | None = None
        self._error = ""
        self.guidance: Guidance | None = None
        self._inference, self._settings = inference, settings
        self._limit = RateLimit(settings.max_rate)
        self._flow = Flow()
        self._frame_colorizer: FrameColorizer | None = None

    @property
    @abstractmethod
    def arrived(self) -> int:
        """Frames that there were so far, also those that were not colored."""

    def facts(self) -> dict[str, Any]:
        """What is told about its picture and its load, for JSON; control.py says what each is."""
        now = time.perf_counter()
        frame, adapter = self.newest, self.adapter
        return {
            "width": frame.luma.shape[1] if frame else None, "height": frame.luma.shape[0] if frame else None,
            "age": self._flow.age(now), "rate": round(self._flow.rate(now), 2),
            "left_out": round(self._flow.left_out(now, self._settings.max_rate), 3),
            "dim": self._frame_colorizer is not None and self._frame_colorizer.dim,
            "adapt": adapter.on, "size": adapter.size, "full_size": adapter.full_size,
            "suggested_size": adapter.suggestion,
        }  # fmt: skip

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:  # noqa: D102 (as in the base class)
        read = self._newest()
        if read is None:
            return None
        if self._frame_colorizer is None:
            self._frame_colorizer = FrameColorizer(colorizer, self._settings.temporal, self.adapter.size)
        self._frame_colorizer.size, self._frame_colorizer.guidance = self.adapter.size, self.guidance
        return partial(self._color, self._frame_colorizer, read)

    def failed(self, error: Exception) -> None:
        """Deliver the error, and keep it until a frame is colored; an engine may refuse all but its full size."""
        if isinstance(error, BackendUnavailable) and self.adapter.size != self.adapter.full_size:
            self.adapter.hold(self.adapter.full_size)
        self._error = public_message(error)
        self.deliver(self._error)

    @abstractmethod
    def _newest(self) -> Callable[[], CapturedFrame] | None:
        """Return a function that reads the newest frame, or None."""

    def _color(self, frame_colorizer: FrameColorizer, read: Callable[[], CapturedFrame]) -> None:
        began = time.perf_counter()
        captured = read()
        frame = self.newest = frame_colorizer.colorize(captured.luma, captured.seen)
        for sink in tuple(self.sinks):
            sink.write(frame, captured.captured_at)
            if sink.ended:
                self.sinks.discard(sink)
        self._error = ""
        jpeg = frame.jpeg()
        now = time.perf_counter()
        self.deliver(JpegFrame(captured.number, captured.captured_at, (now - began) * 1000, jpeg))
        self._adapt(now - captured.captured_at, now)

    def _adapt(self, delay: float, now: float) -> None:
        """Let size and rate follow the load."""
        self._flow.add(self.arrived, now)
        incoming = self._flow.incoming(now)
        if incoming:
            self.adapter.add(delay, 1 / min(incoming, self._settings.max_rate), now)
        self._limit.rate = min(self.adapter.rate or math.inf, self._settings.max_rate)


class BrowserCamera(CameraSource):
    """The camera of one browser. A new frame replaces one that still waits."""

    def __init__(self, inference: InferenceThread, settings: SourceSettings) -> None:
        super().__init__(inference, settings)
        self._lock = threading.Lock()
        self._waiting: tuple[int, bytes, float] | None = None
        self._picture = Picture(PictureSettings(settings.levels))
        self._arrived = 0

    @property
    def arrived(self) -> int:  # noqa: D102
        return self._arrived

    def put(self, number: int, jpeg: bytes) -> None:
        """Hand in a frame whose size was checked."""
        self._arrived += 1
        if self._limit.allow():
            with self._lock:
                self._waiting = number, jpeg, time.perf_counter()
            self._inference.wake()

    def _newest(self) -> Callable[[], CapturedFrame] | None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        number, jpeg, received = waiting
        return lambda: self._captured(number, jpeg, received)

    def _captured(self, number: int, jpeg: bytes, received: float) -> CapturedFrame:
        frame = self._picture.frame(luma_of_jpeg(jpeg), JFIF, received)
        return CapturedFrame(frame.luma, received, number, frame.seen)


class ServerCamera(CameraSource):
    """A camera of this machine. Each frame is colored once for all viewers."""

    def __init__(
        self,
        inference: InferenceThread,
        settings: SourceSettings,
        open_feed: Callable[[], Feed],
        sinks: Iterable[FrameSink] = (),
    ) -> None:
        """Prepare; `open` turns the camera on."""
        super().__init__(inference, settings)
        self._open_feed = open_feed
        self.sinks |= set(sinks)
        self.above_rate = 0  # frames not colored because of the rate
        self._past = FrameCounts()  # of all times before it was last opened
        self._camera: Camera | None = None

    @property
    def arrived(self) -> int:  # noqa: D102
        return self.counts.read

    @property
    def state(self) -> CameraState:
        """The state of the camera."""
        camera = self._camera
        if camera is None:
            return CameraState(CameraStatus.OFF, "off while nobody watches")
        return CameraState(CameraStatus.LOST, self._error) if self._error else camera.state

    @property
    def counts(self) -> FrameCounts:
        """Frames since the camera was last opened."""
        return self._camera.counts if self._camera else FrameCounts()

    @property
    def total(self) -> FrameCounts:
        """Frames since the server began; they never become fewer."""
        return self._past + self.counts

    def open(self) -> None:
        """Turn the camera on; a thread of the camera opens the device."""
        if self._camera is None:
            camera = Camera(self._open_feed, retry_first=True, loop=True, on_frame=self._inference.wake)
            self._frame_colorizer, self._error, self.newest = None, "", None  # a new scene
            self._camera = camera
            camera.start()

    def close(self) -> None:
        """Turn the camera off; this takes a moment when the device hangs."""
        camera, self._camera, self.newest = self._camera, None, None
        if camera is not None:
            camera.close()
            self._past += camera.counts

    def _newest(self) -> Callable[[], CapturedFrame] | None:
        camera = self._camera
        try:
            frame = camera.newest(timeout=0) if camera is not None else None
        except ConfigError:  # its state says so
            return None
        if frame is None:
            return None
        if not self._limit.allow():
            self.above_rate += 1
            return None
        return lambda: frame
