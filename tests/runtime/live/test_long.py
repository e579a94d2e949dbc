"""Half a minute, or an hour, of a camera at full speed: memory does not grow."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.runtime.live.conftest import FakeFeed
from tests.runtime.live.window.test_session import ScriptedWindow

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.window.session import WindowSession
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.write.codecs import EncoderSettings

RATE = 30  # frames/s
WARM_UP = 10  # seconds, until buffers have their sizes
MAX_GROWTH = 10_000_000  # bytes, after the warm-up


class FrameClock:
    """A clock that advances with each frame."""

    def __init__(self) -> None:
        self.frames = 0

    def __call__(self) -> float:
        return self.frames / RATE


class MeasuringWindow(ScriptedWindow):
    """Keeps no images, advances the clock and measures memory."""

    def __init__(self, clock: FrameClock, marks: dict[int, int]) -> None:
        super().__init__({})
        self._clock, self._marks = clock, marks

    def show(self, image, lines=()) -> None:  # type: ignore[no-untyped-def]
        self.images, self.lines = [image], [list(lines)]
        self._clock.frames += 1
        if self._clock.frames % (WARM_UP * RATE) == 0:
            self._marks[self._clock.frames] = memory()


def memory() -> int:
    """Memory of this process in bytes."""
    if not sys.platform.startswith("linux"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize(
    "seconds", [30, pytest.param(3600, marks=pytest.mark.benchmark)], ids=["half-a-minute", "an-hour"]
)
def test_memory_is_flat(tmp_path: Path, seconds: int) -> None:
    clock, marks = FrameClock(), dict[int, int]()
    window = MeasuringWindow(clock, marks)
    frame_colorizer = FrameColorizer(Colorizer(FakeBackend(size=32)), TemporalSettings("high"))
    recorder = Recorder(tmp_path / "out.mp4")
    frames = seconds * RATE
    with Camera(lambda: FakeFeed(frames, size=(24, 32)), drop_frames=False, clock=clock) as camera:
        session = WindowSession(camera, frame_colorizer, window, EncoderSettings(), recorder=recorder, clock=clock)
        session.run()
    assert session.meter.total == frames
    assert recorder.frames + recorder.dropped == frames
    print(f"memory after {WARM_UP} s and {seconds} s: {marks[WARM_UP * RATE]}, {marks[frames]} bytes")
    assert marks[frames] - marks[WARM_UP * RATE] < MAX_GROWTH
