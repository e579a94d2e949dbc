"""Devices that deliver another format than requested, files and streams."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.videos import FPS, Video, luma_of, read_frames, write_video

from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture.feeds import DeviceFormat, EndOfFeed, is_device, is_file, open_feed


class FakeCapture:
    """OpenCV's capture of a camera that has only 640x480 at 30 frames/s and is unplugged after two frames."""

    opened = True

    def __init__(self, name: Any, system: int) -> None:
        self.name, self.requested, self.released, self.reads = name, dict[int, float](), False, 0
        FakeCapture.last = self

    last: FakeCapture

    def isOpened(self) -> bool:
        return self.opened

    def set(self, what: int, value: float) -> bool:
        self.requested[what] = value
        return True

    def get(self, what: int) -> float:
        known = {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0, cv2.CAP_PROP_FPS: 30.0}
        return known.get(what, 0.0)

    def read(self) -> tuple[bool, np.ndarray[Any, Any] | None]:
        self.reads += 1
        return (True, np.full((480, 640, 3), (0, 0, 255), np.uint8)) if self.reads < 3 else (False, None)

    def release(self) -> None:
        self.released = True


def test_size_and_rate_are_requested_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    feed = open_feed("0", DeviceFormat((1280, 720), 60))
    requested = FakeCapture.last.requested
    assert FakeCapture.last.name == 0
    assert requested[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert requested[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert requested[cv2.CAP_PROP_FPS] == 60
    assert feed.description == "640x480, 30 frames/s (1280x720, 60 frames/s was requested)"
    luma = feed.read().luma
    assert luma.shape == (480, 640)
    assert np.unique(luma).tolist() == [76]  # BT.601: 0.299 of red
    feed.read()
    with pytest.raises(MediaError, match="delivers no more images"):
        feed.read()
    feed.close()
    assert FakeCapture.last.released


def test_missing_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(FakeCapture, "opened", False)
    with pytest.raises(MediaError, match=r"no camera at /dev/video7, .* name another camera with --webcam"):
        open_feed("/dev/video7")


def test_file_delivers_its_frames_with_their_times(tmp_path: Path) -> None:
    feed = open_feed(str(write_video(tmp_path / "video.mp4", Video(frames=5))))
    assert feed.description == f"64x48, {FPS} frames/s"
    times = [feed.read().time for _ in range(5)]
    assert times == pytest.approx([n / FPS for n in range(5)], abs=1e-3)
    with pytest.raises(EndOfFeed):
        feed.read()
    feed.close()
    feed.close()


@pytest.mark.parametrize(
    ("pixel_format", "color_range"), [("yuv420p", 0), ("yuv444p10le", 1), ("yuv420p", 2), ("gray", 0)]
)
def test_luma_is_always_full_range(tmp_path: Path, pixel_format: str, color_range: int) -> None:
    video = Video(frames=1, pixel_format=pixel_format, color_range=color_range, codec="ffv1", options={})
    path = write_video(tmp_path / "video.mkv", video)
    luma = open_feed(str(path)).read().luma
    stored = luma_of(read_frames(path)[0]).astype(float) / (4 if "10" in pixel_format else 1)
    full = color_range == 2 or pixel_format == "gray"
    expected = stored if full else (stored - 16) * 255 / 219
    assert luma.dtype == np.uint8
    assert np.abs(luma - expected).max() <= 1.5


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_frames_leave_nothing_behind(tmp_path: Path) -> None:
    """A camera runs for weeks: no thread and no frame may wait for Python's search for circles of references."""
    feed = open_feed(str(write_video(tmp_path / "in.mp4", Video(frames=50))))
    threads = []
    gc.disable()
    try:
        for _ in range(50):
            feed.read()
            threads.append(len(list(Path("/proc/self/task").iterdir())))
    finally:
        gc.enable()
        feed.close()
    assert max(threads[10:]) <= max(threads[:10])


def test_rotated_video_is_upright(tmp_path: Path) -> None:
    feed = open_feed(str(write_video(tmp_path / "video.mp4", Video(frames=1, rotation=90))))
    assert feed.read().luma.shape == (64, 48)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.mp4", "no file at missing.mp4"),
        ("file:///etc/passwd", "file:// is no stream of video"),
        ("rtsp://127.0.0.1:9/none", "cannot be opened"),
        (__file__, r"cannot be opened \(invalid data\); check that it is a video"),
    ],
)
def test_source_that_cannot_be_opened(source: str, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        open_feed(source)


def test_password_is_not_in_messages() -> None:
    with pytest.raises(MediaError, match=r"^rtsp://127.0.0.1:9/none cannot be opened .* its address") as raised:
        open_feed("rtsp://me:sec@ret@127.0.0.1:9/none")
    assert "ret" not in str(raised.value)


def test_devices_streams_and_files_are_told_apart() -> None:
    names = ("0", "/dev/video2", "video.mp4", "rtsp://x")
    assert [is_device(name) for name in names] == [True, True, False, False]
    assert [is_file(name) for name in names] == [False, False, True, False]
