"""The sources of frames for the page: the server's camera, shared by all viewers, and each browser's camera.

camera = ServerCamera(inference, temporal, max_rate, open_feed); camera.open()
camera = BrowserCamera(inference, temporal, max_rate); camera.put(number, jpeg)
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera, CameraState, CameraStatus, CapturedFrame, FrameCounts
from cgan_runtime.live.capture.feeds import Feed
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.server.inference_thread import FrameSource, InferenceThread, RateLimit, public_message
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.ycc_frame import YccFrame, luma_of_jpeg
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


class _CameraSource(FrameSource):
    """Colors the frames of a camera and delivers them as JPEG."""

    def __init__(self, inference: InferenceThread, temporal: TemporalSettings, max_rate: float) -> None:
        """Prepare; `inference.add` starts it. Frames above `max_rate` per second are dropped."""
        self.deliver: DeliverCallback = lambda item: None  # set by the owner
        self._inference, self._temporal = inference, temporal
        self._limit = RateLimit(max_rate)
        self._frame_colorizer: FrameColorizer | None = None

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        read = self._newest()
        if read is None:
            return None
        self._frame_colorizer = self._frame_colorizer or FrameColorizer(colorizer, self._temporal)
        return partial(self._color, self._frame_colorizer, read)

    def failed(self, error: Exception) -> None:
        self.deliver(public_message(error))

    @abstractmethod
    def _newest(self) -> Callable[[], CapturedFrame] | None:
        """Return a function that reads the newest frame, or None."""

    def _color(self, frame_colorizer: FrameColorizer, read: Callable[[], CapturedFrame]) -> None:
        began = time.perf_counter()
        captured = read()
        frame = frame_colorizer.colorize(captured.luma)
        self._colored(frame, captured)
        jpeg = frame.jpeg()
        color_ms = (time.perf_counter() - began) * 1000
        self.deliver(JpegFrame(captured.number, captured.captured_at, color_ms, jpeg))

    def _colored(self, frame: YccFrame, captured: CapturedFrame) -> None:
        """Called with each colored frame."""


class BrowserCamera(_CameraSource):
    """The camera of one browser. A new frame replaces one that still waits."""

    def __init__(self, inference: InferenceThread, temporal: TemporalSettings, max_rate: float) -> None:
        super().__init__(inference, temporal, max_rate)
        self._lock = threading.Lock()
        self._waiting: tuple[int, bytes, float] | None = None

    def put(self, number: int, jpeg: bytes) -> None:
        """Hand in a frame whose size was checked."""
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
        return lambda: CapturedFrame(luma_of_jpeg(jpeg), received, number)


class ServerCamera(_CameraSource):
    """The camera of this machine. Each frame is colored once for all viewers."""

    def __init__(
        self,
        inference: InferenceThread,
        temporal: TemporalSettings,
        max_rate: float,
        open_feed: Callable[[], Feed],
        *,
        recorder: Recorder | None = None,
        virtual: VirtualCamera | None = None,
    ) -> None:
        """Prepare; `open` turns the camera on."""
        super().__init__(inference, temporal, max_rate)
        self._open_feed, self._recorder, self._virtual = open_feed, recorder, virtual
        self._camera: Camera | None = None
        self._error = ""

    @property
    def state(self) -> CameraState:
        """The state of the camera."""
        camera = self._camera
        if self._error:
            return CameraState(CameraStatus.LOST, self._error)
        return camera.state if camera else CameraState(CameraStatus.ENDED, "off while nobody watches")

    @property
    def counts(self) -> FrameCounts:
        """Frames since the camera was last opened."""
        return self._camera.counts if self._camera else FrameCounts()

    def open(self) -> None:
        """Turn the camera on; a thread of the camera opens the device."""
        if self._camera is None:
            camera = Camera(self._open_feed, retry_first=True, loop=True, on_frame=self._inference.wake)
            self._frame_colorizer, self._error = None, ""  # a new scene for the temporal filter
            self._camera = camera
            camera.start()

    def close(self) -> None:
        """Turn the camera off; this takes a moment when the device hangs."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def failed(self, error: Exception) -> None:
        """Deliver the error, and keep it for new viewers."""
        self._error = public_message(error)
        self.deliver(self._error)

    def _newest(self) -> Callable[[], CapturedFrame] | None:
        camera = self._camera
        frame = camera.newest(timeout=0) if camera is not None else None
        return (lambda: frame) if frame is not None and self._limit.allow() else None

    def _colored(self, frame: YccFrame, captured: CapturedFrame) -> None:
        if self._recorder is not None:
            self._recorder.write(frame, captured.captured_at)
        if self._virtual is not None:
            self._virtual.send(frame.bgr())
        self._error = ""
