"""An hour of a camera, as fast as it goes: memory does not grow."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.runtime.live.conftest import MadeUpFeed
from tests.runtime.live.window.test_session import ScriptedWindow

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.window.session import LiveFiles, Session
from cgan_runtime.temporal.filter import TemporalSettings
from cgan_runtime.video.write.codecs import EncoderSettings

RATE = 30  # frames/s
FIRST = 20  # seconds, until buffers have their sizes
GROWTH = 20_000_000  # bytes, after these


class Watch:
    """A clock that goes by the frame."""

    def __init__(self) -> None:
        self.frames = 0

    def __call__(self) -> float:
        return self.frames / RATE


class ForgetfulWindow(ScriptedWindow):
    """Keeps no image; moves the clock on."""

    def __init__(self, watch: Watch, marks: dict[int, int]) -> None:
        super().__init__({})
        self._watch, self._marks = watch, marks

    def show(self, image, lines=()) -> None:  # type: ignore[no-untyped-def]
        self.images, self.lines = [image], [list(lines)]
        self._watch.frames += 1
        if self._watch.frames % (FIRST * RATE) == 0:
            self._marks[self._watch.frames] = memory()


def memory() -> int:
    """Bytes in use now."""
    if not sys.platform.startswith("linux"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize(
    "minutes", [1, pytest.param(60, marks=pytest.mark.benchmark)], ids=["one-minute", "one-hour"]
)
def test_memory_is_flat(tmp_path: Path, minutes: int) -> None:
    watch, marks = Watch(), dict[int, int]()
    window = ForgetfulWindow(watch, marks)
    painter = Painter(Colorizer(FakeBackend(size=32)), TemporalSettings("high"))
    recorder = Recorder(tmp_path / "out.mp4")
    frames = minutes * 60 * RATE
    with Camera(lambda: MadeUpFeed(frames, size=(24, 32)), drops=False, clock=watch) as camera:
        files = LiveFiles(tmp_path, EncoderSettings())
        session = Session(camera, painter, window, files, recorder=recorder, clock=watch)
        session.run()
    assert session.meter.total == frames
    assert recorder.frames + recorder.dropped == frames
    print(f"memory after {FIRST} s and {minutes} min: {marks[FIRST * RATE]}, {marks[frames]} bytes")
    assert marks[frames] - marks[FIRST * RATE] < GROWTH
