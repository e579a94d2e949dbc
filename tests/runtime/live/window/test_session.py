"""The loop of the window: keys, recording, a slow back end, a lost camera."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from tests.fakes import FakeBackend, warm_above_cool_below
from tests.runtime.color.test_levels import thermal
from tests.runtime.live.conftest import FakeFeed
from tests.videos import chroma_span, read_frames

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.levels import Levels
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture import camera as camera_module
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.capture.feeds import open_feed
from cgan_runtime.live.capture.picture import PictureSettings
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.window.session import WindowSession, summary_text
from cgan_runtime.live.window.window import Window
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.write.codecs import EncoderSettings


class ScriptedWindow(Window):
    """Keeps what it is shown instead of a window, and presses keys after given numbers of images."""

    def __init__(self, script: dict[int, str], *, closed_after: int | None = None) -> None:
        super().__init__("scripted")
        self.images: list[Plane] = []
        self.lines: list[list[str]] = []
        self._script, self._closed_after, self._polled = dict(script), closed_after, 0

    @property
    def open(self) -> bool:
        return bool(self.images) and self._polled != self._closed_after

    def show(self, image: Plane, lines: Sequence[str] = ()) -> None:
        self.images.append(image)
        self.lines.append(list(lines))

    def keys(self, wait_ms: int = 1) -> Iterator[str]:
        self._polled += 1
        yield from self._script.pop(len(self.images), "")


def make_colorizer(predict=warm_above_cool_below) -> FrameColorizer:  # type: ignore[no-untyped-def]
    return FrameColorizer(Colorizer(FakeBackend(predict)), TemporalSettings("off"))


def run(
    window: ScriptedWindow, folder: Path, *, frames: int = 12, frame_colorizer: FrameColorizer | None = None
) -> WindowSession:
    with Camera(lambda: FakeFeed(frames), drop_frames=False) as camera:
        session = WindowSession(camera, frame_colorizer or make_colorizer(), window, EncoderSettings(), folder=folder)
        session.run()
    return session


def chroma_of(image: Plane) -> float:
    return float(np.abs(image.astype(int) - image.mean(axis=2, keepdims=True)).mean())


def test_every_frame_of_a_video_is_shown_in_color(tmp_path: Path) -> None:
    window = ScriptedWindow({})
    session = run(window, tmp_path)
    assert session.meter.total == len(window.images) == 12
    assert all(chroma_of(image) > 3 for image in window.images)
    assert "12 frames shown" in summary_text(session.meter)
    assert window.lines[0][0].startswith("0 frames/s, delay 0 ms")


def test_keys_move_the_split_and_change_the_strength(tmp_path: Path) -> None:
    window = ScriptedWindow({2: "]]]]", 4: "[", 6: "-" * 10, 8: "+" * 40})
    frame_colorizer = make_colorizer()
    run(window, tmp_path, frame_colorizer=frame_colorizer)
    assert window.split == pytest.approx(0.15)
    gray, colored = window.images[3][:, :6], window.images[3][:, 20:]
    assert chroma_of(gray) == 0
    assert chroma_of(colored) > 3
    assert chroma_of(window.images[7]) == 0  # strength 0
    assert frame_colorizer.colorizer.saturation == 3.0  # the maximum
    assert any("strength 0.0" in line for line in window.lines[7])


def test_snapshot_and_record_by_key(tmp_path: Path) -> None:
    run(ScriptedWindow({3: "s", 4: "r", 8: "r"}), tmp_path)
    (image,) = tmp_path.glob("cgan-*.png")
    assert chroma_of(cv2.imread(str(image))) > 3
    (video,) = tmp_path.glob("cgan-*.mp4")
    frames = read_frames(video)
    assert len(frames) == 4
    assert chroma_span(frames[0]) > 20


def test_recording_has_what_the_window_shows(tmp_path: Path) -> None:
    window = ScriptedWindow({})
    window.split = 0.5
    recorder = Recorder(tmp_path / "out.mkv", EncoderSettings("ffv1"))
    with Camera(lambda: FakeFeed(6), drop_frames=False) as camera:
        WindowSession(camera, make_colorizer(), window, EncoderSettings(), recorder=recorder).run()
    frame = read_frames(tmp_path / "out.mkv")[3].to_ndarray(format="rgb24").astype(int)
    assert np.ptp(frame[:, :30], axis=2).max() <= 2
    assert np.ptp(frame[:, 36:], axis=2).max() > 20


def test_virtual_camera_gets_the_image_without_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Plane] = []
    device = SimpleNamespace(width=64, height=48, device="/dev/video9", close=lambda: None)
    device.send = lambda image: sent.append(image.copy())
    library = SimpleNamespace(Camera=lambda *_, **__: device, PixelFormat=SimpleNamespace(BGR="BGR"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", library)
    window = ScriptedWindow({})
    window.split = 0.5
    with Camera(lambda: FakeFeed(3), drop_frames=False) as camera, VirtualCamera() as virtual:
        WindowSession(camera, make_colorizer(), window, EncoderSettings(), virtual=virtual).run()
    assert len(sent) == 3
    assert chroma_of(sent[0][:, :30]) == 0
    assert chroma_of(sent[0][:, 36:]) > 3


def test_pause_keeps_the_image_and_q_quits(tmp_path: Path) -> None:
    window = ScriptedWindow({2: " ", 5: "h", 8: " ", 10: "q"})
    session = run(window, tmp_path, frames=1000)
    assert np.array_equal(window.images[2], window.images[6])
    assert any("paused" in line for line in window.lines[3])
    assert window.lines[6] == []  # no text
    assert session.meter.total == 4
    assert len(window.images) == 10


def test_closing_the_window_quits(tmp_path: Path) -> None:
    assert run(ScriptedWindow({}, closed_after=5), tmp_path, frames=1000).meter.total == 5


def test_lost_camera_is_reported_on_screen_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "FIRST_RETRY", 0.1)
    feeds = iter([FakeFeed(5, error="unplugged"), FakeFeed(5)])
    window = ScriptedWindow({})
    with Camera(lambda: next(feeds), drop_frames=False) as camera:
        session = WindowSession(camera, make_colorizer(), window, EncoderSettings())
        session.run()
    assert session.meter.total == 10
    assert camera.counts.reconnects == 1
    assert any("unplugged; trying again in 0.1 s" in line for lines in window.lines for line in lines)


def test_slow_back_end_shows_only_newest_frames() -> None:
    """With a camera of 30 frames/s and a back end of 10, no shown frame has waited for another one."""

    def slow(lightness):  # type: ignore[no-untyped-def]
        time.sleep(0.1)
        return warm_above_cool_below(lightness)

    window = ScriptedWindow({})
    taken: list[tuple[int, int]] = []
    with Camera(lambda: FakeFeed(45, pace=lambda index: index / 30)) as camera:
        newest = camera.newest

        def logged(timeout: float | None = None):  # type: ignore[no-untyped-def]
            before = camera.counts.read
            frame = newest(timeout)
            if frame is not None:
                taken.append((before, frame.number))
            return frame

        camera.newest = logged  # type: ignore[method-assign]
        session = WindowSession(camera, make_colorizer(slow), window, EncoderSettings())
        session.run()
        counts = camera.counts
    assert counts.read == 45
    assert counts.dropped == 45 - session.meter.total
    assert counts.dropped > 45 / 2
    assert all(number >= read_before - 1 for read_before, number in taken)


@pytest.mark.parametrize(("levels", "dim"), [("off", True), ("auto", False)])
def test_dim_pictures_are_told_and_what_helps(tmp_path: Path, levels: str, dim: bool) -> None:
    path = tmp_path / "dim.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=500)  # each frame is shown at its time
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray16le"
        for number in range(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(thermal(number), format="gray16le")))
        container.mux(stream.encode(None))
    window = ScriptedWindow({})
    with Camera(lambda: open_feed(str(path), picture=PictureSettings(Levels(levels))), drop_frames=False) as camera:
        WindowSession(camera, make_colorizer(), window, EncoderSettings(), folder=tmp_path).run()
    assert ("dim picture: --levels auto helps" in window.lines[-1]) == dim
