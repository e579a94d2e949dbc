"""What is colored for the page: the box's camera, once for all who look, and each browser's own camera.

hub = CameraLane(open_feed, engine, ...)             # the box's; open while somebody looks
lane = BrowserLane(engine, settings, deliver)        # one for each browser that sends its own
lane.put(number, jpeg)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera, CameraState, CameraStatus, CapturedFrame, Counts
from cgan_runtime.live.capture.feeds import Feed
from cgan_runtime.live.capture.ycc_image import luma_of_jpeg
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.live.server.inference_thread import Engine, Lane, RateLimit, told
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.temporal.filter import TemporalSettings

_MS = 1000.0  # per second


@dataclass(frozen=True)
class Colored:
    """A frame that is ready to be sent.

    Attributes:
        number: Of the frame, by whoever sent it.
        captured: When it was read from the camera, or came in; seconds of `time.perf_counter`.
        color_ms: What coloring and coding took.
        jpeg: The image.
    """

    number: int
    captured: float
    color_ms: float
    jpeg: bytes


Deliver = Callable[[Colored | str], None]
"""Is handed a frame, or a sentence about what went wrong, in the engine's thread."""


class BrowserLane(Lane):
    """A browser's own camera; a frame that comes before the last was begun takes its place."""

    def __init__(self, engine: Engine, temporal: TemporalSettings, max_rate: float, deliver: Deliver) -> None:
        """Prepare; `engine.add` lets it begin."""
        self._engine, self._temporal, self._deliver = engine, temporal, deliver
        self._limit = RateLimit(max_rate)
        self._lock = threading.Lock()
        self._waiting: tuple[int, bytes, float] | None = None
        self._painter: Painter | None = None

    def put(self, number: int, jpeg: bytes) -> None:
        """Hand a frame in; its size has been looked at. Beyond the rate that is allowed it is dropped."""
        if self._limit.passes():
            with self._lock:
                self._waiting = number, jpeg, time.perf_counter()
            self._engine.wake()

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        """The newest frame."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        painter = self._painter = self._painter or Painter(colorizer, self._temporal)
        return lambda: self._color(painter, *waiting)

    def failed(self, error: Exception) -> None:
        """Tell the browser."""
        self._deliver(told(error))

    def _color(self, painter: Painter, number: int, data: bytes, received: float) -> None:
        began = time.perf_counter()
        jpeg = painter.paint(luma_of_jpeg(data)).jpeg()
        self._deliver(Colored(number, received, (time.perf_counter() - began) * _MS, jpeg))


class CameraLane(Lane):
    """The box's camera. It is open while `wanted`, and each frame is colored once, for everybody."""

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        engine: Engine,
        temporal: TemporalSettings,
        max_rate: float,
        deliver: Deliver,
        *,
        recorder: Recorder | None = None,
        virtual: VirtualCamera | None = None,
    ) -> None:
        """Prepare; nothing is opened yet."""
        self._open_feed, self._engine, self._temporal = open_feed, engine, temporal
        self._max_rate, self._deliver = max_rate, deliver
        self._recorder, self._virtual = recorder, virtual
        self._camera: Camera | None = None
        self._painter: Painter | None = None
        self._limit = RateLimit(max_rate)
        self._trouble = ""

    @property
    def state(self) -> CameraState:
        """What the camera does."""
        camera = self._camera
        if self._trouble:
            return CameraState(CameraStatus.GONE, self._trouble)
        return camera.state if camera else CameraState(CameraStatus.ENDED, "off while nobody looks")

    @property
    def counts(self) -> Counts:
        """Frames since it was opened last."""
        return self._camera.counts if self._camera else Counts()

    def open(self) -> None:
        """Turn the camera on; it is opened in a thread of its own."""
        if self._camera is None:
            camera = Camera(self._open_feed, patient=True, endless=True, on_frame=self._engine.wake)
            self._painter, self._trouble = None, ""  # what was seen before is another scene
            self._camera = camera
            camera.start()

    def close(self) -> None:
        """Turn it off; it may take a moment where the device hangs."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        """The newest frame."""
        camera = self._camera
        shot = camera.newest(timeout=0) if camera is not None else None
        if shot is None or not self._limit.passes():
            return None
        painter = self._painter = self._painter or Painter(colorizer, self._temporal)
        return lambda: self._color(painter, shot)

    def failed(self, error: Exception) -> None:
        """Tell those who look."""
        self._trouble = told(error)
        self._deliver(self._trouble)

    def _color(self, painter: Painter, shot: CapturedFrame) -> None:
        began = time.perf_counter()
        image = painter.paint(shot.luma)
        if self._recorder is not None:
            self._recorder.write(image, shot.captured)
        if self._virtual is not None:
            self._virtual.send(image.bgr())
        jpeg = image.jpeg()
        self._trouble = ""
        self._deliver(Colored(shot.number, shot.captured, (time.perf_counter() - began) * _MS, jpeg))
