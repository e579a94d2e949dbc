"""Recordings of many files: a new one after a time or a size, the oldest deleted, and none on a full disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.runtime.live.serving import until
from tests.videos import read_frames

from cgan_runtime.errors import MediaError
from cgan_runtime.live.sinks import rolling_recorder
from cgan_runtime.live.sinks.rolling_recorder import RETRY_SECONDS, RollingRecorder
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.options.live import Rolling

RESERVE = "cgan_runtime.live.sinks.synced_file.RESERVE"


class Camera:
    """Eight frames a second, on a clock of its own; waits until each is encoded."""

    def __init__(self) -> None:
        self.now = 0.0
        self._random = np.random.default_rng(1)

    def show(self, recorder: RollingRecorder, frames: int) -> None:
        for _ in range(frames):
            luma = self._random.integers(0, 255, (48, 64), np.uint8)  # noise: large files
            recorder.write(YccFrame(luma, *np.full((2, 24, 32), 128, np.uint8)), self.now)
            current = recorder._current
            until(lambda current=current: current is None or not current._waiting or current.failure, 0.001)
            self.now += 0.125


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("door-*.mp4"))


def test_a_new_file_begins_every_second(tmp_path: Path) -> None:
    camera = Camera()
    recorder = RollingRecorder(tmp_path / "door.mp4", Rolling(seconds=1.0), clock=lambda: camera.now)
    camera.show(recorder, 27)
    recorder.close()
    until(lambda: len(files(tmp_path)) == 3)
    counts = [len(read_frames(path)) for path in files(tmp_path)]
    assert counts == [9, 9, 9]
    assert (recorder.frames, recorder.dropped, recorder.files) == (27, 0, 3)
    assert not (tmp_path / "door.mp4").exists()


def test_a_new_file_begins_at_a_size_and_the_oldest_go(tmp_path: Path) -> None:
    (tmp_path / "door-20200101-000000.mp4").write_bytes(bytes(50_000))  # of an earlier run
    (tmp_path / "door-of-mine.mp4").write_bytes(bytes(50_000))
    camera = Camera()
    rolling = Rolling(bytes=20_000)
    recorder = RollingRecorder(tmp_path / "door.mp4", rolling, keep=60_000, clock=lambda: camera.now)
    camera.show(recorder, 120)
    recorder.close()
    own = [path for path in files(tmp_path) if "mine" not in path.name]
    assert recorder.files > 3
    assert recorder.deleted == recorder.files + 1 - len(own) > 0
    assert sum(path.stat().st_size for path in own[:-1]) <= 60_000
    assert (tmp_path / "door-of-mine.mp4").exists()
    assert recorder.path == own[-1]


def test_full_disk_is_told_once_and_recording_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgan_runtime.live.sinks.synced_file.SYNC_SECONDS", 0.0)
    camera, told = Camera(), list[str]()
    rolling = Rolling(seconds=3600)
    recorder = RollingRecorder(tmp_path / "door.mp4", rolling, on_failure=told.append, clock=lambda: camera.now)
    camera.show(recorder, 3)
    monkeypatch.setattr(RESERVE, 1 << 62)
    camera.show(recorder, 12)  # a second is written at once
    until(lambda: told)
    camera.now += RETRY_SECONDS
    camera.show(recorder, 3)
    camera.now += RETRY_SECONDS
    camera.show(recorder, 3)
    assert len(told) == 2
    assert "can be played" in told[0]
    assert "coloring goes on" in told[1]
    monkeypatch.setattr(RESERVE, 0)
    camera.now += RETRY_SECONDS
    camera.show(recorder, 3)
    recorder.close()
    assert sorted(len(read_frames(path)) for path in files(tmp_path)) == [3, 9]


def test_files_of_one_second_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling_recorder, "LOOK_SECONDS", 0.0)
    camera = Camera()
    recorder = RollingRecorder(tmp_path / "door.mp4", Rolling(seconds=0.1), keep=10**9, clock=lambda: camera.now)
    camera.show(recorder, 12)
    recorder.close()
    until(lambda: len(files(tmp_path)) == 6)


def test_pipe_is_refused() -> None:
    with pytest.raises(MediaError, match="name a file"):
        RollingRecorder(Path("/dev/null"), Rolling(seconds=1))
