"""The loop of the window: takes the newest frame, colors and shows it, and handles the keys.

with Camera(...) as camera, Window("cgan") as window:
    WindowSession(camera, frame_colorizer, window, encoder).run()
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cgan_runtime.colorizer import MAX_SATURATION
from cgan_runtime.image.read_write import write_image
from cgan_runtime.live.capture.camera import Camera, CameraStatus, CapturedFrame
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.rolling_recorder import RollingRecorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.window.latency_meter import LatencyMeter
from cgan_runtime.live.window.window import SPLIT_STEP, Window
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings

HELP = (
    "space pause   s snapshot   r record",
    "+ - strength   [ ] or mouse: gray/color",
    "f full screen   h hide text   q quit",
)
_STRENGTH_STEP = 0.1
_WAIT_SECONDS = 0.03  # for a frame, before keys are handled again
_NOTICE_SECONDS = 3.0  # that a message stays on screen
_QUIT_KEYS = ("q", "\x1b")  # and Escape


class WindowSession:
    """Shows one camera. Runs in the thread that owns the back end and the window."""

    def __init__(
        self,
        camera: Camera,
        frame_colorizer: FrameColorizer,
        window: Window,
        encoder: EncoderSettings,
        *,
        folder: Path = Path(),
        recorder: Recorder | RollingRecorder | None = None,
        virtual: VirtualCamera | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare. Only the recorder is closed here, since a key may do that.

        `encoder` is for recordings started by a key; they and snapshots go into `folder`.
        """
        self.meter = LatencyMeter()  # of the frames shown
        self.saved: list[Path] = []  # snapshots and recordings that keys have made
        self._camera, self._frame_colorizer, self._window = camera, frame_colorizer, window
        self._encoder, self._folder, self._recorder, self._virtual = encoder, folder, recorder, virtual
        self._clock = clock
        self._paused = self._done = False
        self._show_text = True
        self._notice, self._notice_until = "", 0.0
        self._frame: YccFrame | None = None
        self._keys: dict[str, Callable[[], None]] = {
            " ": self._pause,
            "s": self._snapshot,
            "r": self._record,
            "f": window.toggle_full_screen,
            "h": self._toggle_text,
            **dict.fromkeys("+=", lambda: self._change_strength(_STRENGTH_STEP)),
            "-": lambda: self._change_strength(-_STRENGTH_STEP),
            "[": lambda: self._move_split(-SPLIT_STEP),
            "]": lambda: self._move_split(SPLIT_STEP),
            **dict.fromkeys(_QUIT_KEYS, self._quit),
        }

    def run(self) -> None:
        """Show the camera until a key or the window's close button ends it, or a file ends."""
        try:
            while not self._done and not self._camera.ended:
                self._step()
        finally:
            if self._recorder is not None:
                self._recorder.close()

    def _step(self) -> None:
        captured = None if self._paused else self._camera.newest(_WAIT_SECONDS)
        if captured is not None:
            self._frame = self._frame_colorizer.colorize(captured.luma, captured.seen)
        if self._frame is not None:
            self._show(self._frame, captured)
        was_open = self._window.open
        for key in self._window.keys(wait_ms=20 if captured is None else 1):
            if key in self._keys:
                self._keys[key]()
        if captured is not None:
            self.meter.record(captured.captured_at, self._clock())
        if was_open and not self._window.open:
            self._quit()

    def _show(self, frame: YccFrame, captured: CapturedFrame | None) -> None:
        """Show a frame; `captured` is None when it was shown before."""
        frame = frame.with_gray_left(self._window.split)
        if captured is not None and self._recorder is not None:
            self._recorder.write(frame, captured.captured_at)
            if isinstance(self._recorder, Recorder) and self._recorder.failure:
                self._notify(self._recorder.failure)
                self._recorder = None
        bgr = frame.bgr()
        if captured is not None and self._virtual is not None:
            self._virtual.send(bgr)
        self._window.show(bgr, self._lines())

    def _lines(self) -> list[str]:
        state, now = self._camera.state, self._clock()
        lines = []
        if self._show_text:
            dropped = self._camera.counts.dropped
            rate, p50, p95 = self.meter.rate(now), self.meter.delay_ms(50, now), self.meter.delay_ms(95, now)
            lines += [
                f"{rate:.0f} frames/s, delay {p50:.0f} ms, p95 {p95:.0f} ms, {dropped} dropped",
                f"strength {self._frame_colorizer.colorizer.saturation:.1f}"
                + (f", recording {self._recorder.path.name}" if self._recorder else "")
                + (", paused" if self._paused else ""),
                *HELP,
            ]
        if self._frame_colorizer.dim and self._show_text:
            lines.append("dim picture: --levels auto helps")
        if state.status is CameraStatus.LOST:
            lines.append(state.message)
        if now < self._notice_until:
            lines.append(self._notice)
        return lines

    def _notify(self, message: str) -> None:
        self._notice, self._notice_until = message, self._clock() + _NOTICE_SECONDS

    def _pause(self) -> None:
        self._paused = not self._paused

    def _quit(self) -> None:
        self._done = True

    def _toggle_text(self) -> None:
        self._show_text = not self._show_text

    def _change_strength(self, step: float) -> None:
        colorizer = self._frame_colorizer.colorizer
        steps = round((colorizer.saturation + step) / _STRENGTH_STEP)  # whole, so that 0 and 1 are met
        colorizer.saturation = min(max(steps * _STRENGTH_STEP, 0.0), MAX_SATURATION)

    def _move_split(self, step: float) -> None:
        self._window.split = min(max(self._window.split + step, 0.0), 1.0)

    def _snapshot(self) -> None:
        if self._frame is not None:
            path = self._new_file(".png")
            write_image(path, self._frame.with_gray_left(self._window.split).bgr()[:, :, ::-1].copy())
            self.saved.append(path)
            self._notify(f"saved as {path.name}")

    def _record(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._notify(f"recorded {self._recorder.path.name}")
            self._recorder = None
        else:
            self._recorder = Recorder(self._new_file(".mp4"), self._encoder)
            self.saved.append(self._recorder.path)

    def _new_file(self, suffix: str) -> Path:
        """An unused name: the time to the second, with a number when several fall into one."""
        stem = f"cgan-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        names = (self._folder / f"{stem}{'' if n == 0 else f'-{n}'}{suffix}" for n in range(1000))
        return next((path for path in names if not path.exists()), self._folder / f"{stem}{suffix}")


def summary_text(meter: LatencyMeter) -> str:
    """The figures of a whole run in one line."""
    p50, p95 = (math.ceil(meter.run_delay_ms(percent)) for percent in (50, 95))
    return f"{meter.total} frames shown, {meter.run_rate():.1f} per second, delay {p50} ms, p95 {p95} ms"
