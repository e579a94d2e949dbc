"""A camera in a window: newest frame in, colored frame out, until somebody has seen enough.

with Camera(...) as camera, Window("cgan") as window:
    Session(camera, painter, window, files).run()
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cgan_runtime.colorizer import MAX_SATURATION
from cgan_runtime.image.read_write import write_image
from cgan_runtime.live.capture.camera import Camera, CameraStatus, CapturedFrame
from cgan_runtime.live.capture.ycc_image import Image
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.live.latency_meter import Meter
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.window.window import SPLIT_STEP, Window
from cgan_runtime.video.write.codecs import EncoderSettings

HELP = (
    "space pause   s snapshot   r record",
    "+ - strength   [ ] or mouse: gray/color",
    "h words   q quit",
)
_STRENGTH_STEP = 0.1
_WAIT_SECONDS = 0.03  # for a frame, before keys are looked at again
_NOTICE_SECONDS = 3.0  # that a message stays
_QUIT = ("q", "\x1b")  # and Escape


@dataclass(frozen=True)
class LiveFiles:
    """Where a session writes to.

    Attributes:
        folder: Of snapshots and of recordings that are begun by a key.
        encoder: Of recordings.
    """

    folder: Path
    encoder: EncoderSettings


class Session:
    """One showing. `run` and everything it calls stay in the thread that owns the back end and the window.

    Attributes:
        meter: What was reached.
    """

    def __init__(
        self,
        camera: Camera,
        painter: Painter,
        window: Window,
        files: LiveFiles,
        *,
        recorder: Recorder | None = None,
        virtual: VirtualCamera | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take all that was opened; the recorder alone is closed here, since a key may end it."""
        self.meter = Meter()
        self._camera, self._painter, self._window = camera, painter, window
        self._files, self._recorder, self._virtual = files, recorder, virtual
        self._clock = clock
        self._paused = self._done = False
        self._words = True
        self._told, self._told_until = "", 0.0
        self._image: Image | None = None
        self._keys: dict[str, Callable[[], None]] = {
            " ": self._pause,
            "s": self._snapshot,
            "r": self._record,
            "h": self._toggle_words,
            "+": lambda: self._strengthen(_STRENGTH_STEP),
            "=": lambda: self._strengthen(_STRENGTH_STEP),
            "-": lambda: self._strengthen(-_STRENGTH_STEP),
            "[": lambda: self._move_split(-SPLIT_STEP),
            "]": lambda: self._move_split(SPLIT_STEP),
            **dict.fromkeys(_QUIT, self._quit),
        }

    def run(self) -> None:
        """Show the camera until a key, the window's closing, or the end of a file."""
        try:
            while not self._done and not self._camera.ended:
                self._step()
        finally:
            if self._recorder is not None:
                self._recorder.close()

    def _step(self) -> None:
        shot = None if self._paused else self._camera.newest(_WAIT_SECONDS)
        if shot is not None:
            self._image = self._painter.paint(shot.luma)
        if self._image is not None:
            self._present(self._image, shot)
        was_open = self._window.open
        for key in self._window.keys(wait_ms=20 if shot is None else 1):
            if key in self._keys:
                self._keys[key]()
        if shot is not None:
            self.meter.shown(shot.captured, self._clock())
        if was_open and not self._window.open:
            self._quit()

    def _present(self, image: Image, shot: CapturedFrame | None) -> None:
        seen = image.half_gray(self._window.split)
        if shot is not None and self._recorder is not None:
            self._recorder.write(seen, shot.captured)
            if self._recorder.failure:
                self._tell(self._recorder.failure)
                self._recorder = None
        bgr = seen.bgr()
        if shot is not None and self._virtual is not None:
            self._virtual.send(bgr)
        self._window.show(bgr, self._lines())

    def _lines(self) -> list[str]:
        state, now = self._camera.state, self._clock()
        lines = []
        if self._words:
            counts = self._camera.counts
            rate, p50, p95 = self.meter.rate(now), self.meter.delay_ms(50, now), self.meter.delay_ms(95, now)
            lines += [
                f"{rate:.0f} frames/s, delay {p50:.0f} ms, p95 {p95:.0f} ms, {counts.dropped} dropped",
                f"strength {self._painter.colorizer.saturation:.1f}"
                + (f", recording {self._recorder.path.name}" if self._recorder else "")
                + (", paused" if self._paused else ""),
                *HELP,
            ]
        if state.status is CameraStatus.GONE:
            lines.append(state.message)
        if now < self._told_until:
            lines.append(self._told)
        return lines

    def _tell(self, message: str) -> None:
        self._told, self._told_until = message, self._clock() + _NOTICE_SECONDS

    def _pause(self) -> None:
        self._paused = not self._paused

    def _quit(self) -> None:
        self._done = True

    def _toggle_words(self) -> None:
        self._words = not self._words

    def _strengthen(self, step: float) -> None:
        colorizer = self._painter.colorizer
        # Whole steps, so that 0 and 1 are met.
        steps = round((colorizer.saturation + step) / _STRENGTH_STEP)
        colorizer.saturation = min(max(steps * _STRENGTH_STEP, 0.0), MAX_SATURATION)

    def _move_split(self, step: float) -> None:
        self._window.split = min(max(self._window.split + step, 0.0), 1.0)

    def _snapshot(self) -> None:
        if self._image is not None:
            path = self._new_file(".png")
            write_image(path, self._image.half_gray(self._window.split).bgr()[:, :, ::-1].copy())
            self._tell(f"kept as {path.name}")

    def _record(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._tell(f"recorded {self._recorder.path.name}")
            self._recorder = None
        else:
            self._recorder = Recorder(self._new_file(".mp4"), self._files.encoder)

    def _new_file(self, suffix: str) -> Path:
        """A name that is free: by the second, and by a number within it."""
        stem = f"cgan-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        names = (self._files.folder / f"{stem}{'' if n == 0 else f'-{n}'}{suffix}" for n in range(1000))
        return next((path for path in names if not path.exists()), self._files.folder / f"{stem}{suffix}")


def percentile_text(meter: Meter) -> str:
    """What a whole run has reached, for people."""
    p50, p95 = (math.ceil(meter.run_delay_ms(percent)) for percent in (50, 95))
    return f"{meter.total} frames shown, {meter.run_rate():.1f} a second, delay {p50} ms, p95 {p95} ms"
