"""Recordings that pages ask for: begun, ended, limited, kept and deleted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.videos import read_frames

from cgan_runtime.errors import MediaError
from cgan_runtime.live.sinks.frame_sink import FrameSink
from cgan_runtime.live.sinks.page_recordings import RecordingLimits, open_recordings
from cgan_runtime.live.ycc_frame import YccFrame


@dataclasses.dataclass(eq=False)
class Source:
    """A camera with what takes its frames."""

    sinks: set[FrameSink] = dataclasses.field(default_factory=set)

    def show(self, frames: int, rate: float = 10) -> None:
        frame = YccFrame(np.full((48, 64), 90, np.uint8), *np.full((2, 24, 32), 128, np.uint8))
        for number in range(frames):
            for sink in tuple(self.sinks):
                sink.write(frame, number / rate)


def test_recording_has_the_frames_between_begin_and_end() -> None:
    with open_recordings() as recordings:
        source = Source()
        recording = recordings.begin(source, "HD Webcam: 720p")
        source.show(8)
        assert recording.facts()["state"] == "recording"
        assert recordings.of(source) is recording
        assert recordings.end(source) is recording
        source.show(5)
        facts = recording.facts()
        assert facts["state"] == "finished"
        assert facts["name"].startswith("HD-Webcam-720p-20")
        assert (facts["frames"], facts["seconds"], facts["message"]) == (8, 0.7, "")
        assert facts["bytes"] == recording.path.stat().st_size
        assert len(read_frames(recording.path)) == 8
        assert recordings.of(source) is None
        assert recordings.end(source) is None
        assert recordings.find(recording.id) is recording
        folder = recording.path.parent
    assert not folder.exists()


def test_recording_ends_by_itself_at_its_limit() -> None:
    with open_recordings(RecordingLimits(seconds=1.0)) as recordings:
        source = Source()
        recording = recordings.begin(source, "a")
        source.show(8, rate=5)
        assert recordings.of(source) is None
        recording.close()
        facts = recording.facts()
        assert "ends after" in facts["message"]
        assert (facts["seconds"], len(read_frames(recording.path))) == (1.0, 6)


def test_only_the_newest_are_kept() -> None:
    with open_recordings(RecordingLimits(kept=2)) as recordings:
        made = []
        for _ in range(4):
            source = Source()
            made.append(recordings.begin(source, "a"))
            source.show(1)
            recordings.end(source)
        assert [recordings.find(each.id) is not None for each in made] == [False, True, True, True]
        assert not made[0].path.exists()
        recordings.delete(made[3])
        assert not made[3].path.exists()
        assert recordings.find(made[3].id) is None


def test_nothing_is_recorded_on_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cgan_runtime.live.sinks.synced_file.RESERVE", 1 << 62)
    with open_recordings() as recordings, pytest.raises(MediaError, match="stay free"):
        recordings.begin(Source(), "a")


def test_disk_that_fills_ends_a_recording_which_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgan_runtime.live.sinks.synced_file.SYNC_SECONDS", 0.0)
    with open_recordings() as recordings:
        source = Source()
        recording = recordings.begin(source, "a")
        source.show(3)
        monkeypatch.setattr("cgan_runtime.live.sinks.synced_file.RESERVE", 1 << 62)
        source.show(5)
        recordings.end(source)
        facts = recording.facts()
        assert facts["state"] == "finished"
        assert "stay free" in facts["message"]
        assert str(recording.path.parent) not in facts["message"]
        assert read_frames(recording.path)
