"""The speed of videos: a source is made as stated, and a copy holds its frames."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from tests.videos import Video, packets_of, write_video

from cgan_benchmarks.studies import video_speed
from cgan_benchmarks.studies.video_speed import Size, make_source, measure_ways
from cgan_benchmarks.video.runs import VideoRun, run_copy, take_turns

SMALL = Size(160, 96, 12, 4)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A short video."""
    path = tmp_path / "source.mp4"
    make_source(path, SMALL)
    return path


def _pts(path: Path) -> list[int | None]:
    with av.open(path) as container:
        return [frame.pts for frame in container.decode(video=0)]


def test_a_copy_holds_all_frames(source: Path, tmp_path: Path) -> None:
    taken = run_copy(source, tmp_path / "copy.mp4", {})
    assert taken.frames == len(_pts(source)) == SMALL.frames
    assert _pts(tmp_path / "copy.mp4") == _pts(source)
    assert taken.size == (SMALL.width, SMALL.height)


def test_a_source_may_play_its_frames_again(tmp_path: Path) -> None:
    make_source(tmp_path / "again.mp4", dataclasses.replace(SMALL, times=3))
    with av.open(tmp_path / "again.mp4") as container:
        frames = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(set(_pts(tmp_path / "again.mp4"))) == len(frames) == 3 * SMALL.frames
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(frame, frames[index % SMALL.frames])


def test_every_way_has_its_turns_in_processes_of_their_own(source: Path) -> None:
    runs: list[tuple[str, int, int]] = []
    taken = take_turns(source, {"a": ("copy", {}), "b": ("copy", {})}, 2, lambda *run: runs.append(run))
    assert runs == [("a", 0, 4), ("b", 1, 4), ("b", 2, 4), ("a", 3, 4)]
    taken |= take_turns(source, {"plainly": ("plain", {"frames": 2, "threads": 1})}, 1)
    for name, frames, count in (("a", SMALL.frames, 2), ("b", SMALL.frames, 2), ("plainly", 2, 1)):
        assert [run.frames for run in taken[name]] == [frames] * count
        for run in taken[name]:
            assert run.first_frame_seconds > 0
            assert run.fps == pytest.approx(frames / run.seconds)
    assert taken["a"][0].megabytes > 20


def test_a_video_with_audio_is_copied(tmp_path: Path) -> None:
    video = write_video(tmp_path / "in.mp4", Video(frames=8, audio=("aac",)))
    assert run_copy(video, tmp_path / "copy.mp4", {}).frames == 8
    assert packets_of(tmp_path / "copy.mp4", "audio") == packets_of(video, "audio")


def test_a_video_that_is_read_but_not_written_becomes_another(tmp_path: Path) -> None:
    with av.open(tmp_path / "in.avi", "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height = SMALL.width, SMALL.height
        for _ in range(SMALL.frames):
            container.mux(stream.encode(av.VideoFrame(SMALL.width, SMALL.height, "yuv420p")))
        container.mux(stream.encode(None))
    (run,) = take_turns(tmp_path / "in.avi", {"copy": ("copy", {})}, 1)["copy"]
    assert run.frames == SMALL.frames


def test_a_ratio_is_of_runs_of_one_round(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fps = {"copy": (40, 20), "cgan": (30, 10), "plain loop": (3, 1)}
    taken = {name: [VideoRun(each, 1.0, 1.0, 9.0, (160, 96), 20.0) for each in rates] for name, rates in fps.items()}
    monkeypatch.setattr(video_speed, "take_turns", lambda *_: taken)
    found = measure_ways(source, 4, threads=2, rounds=2, on_run=lambda run: None)
    assert found["ratios"]["cgan"] == {"of copy": 0.625, "of plain loop": 10.0}
    assert found["ways"]["copy"]["fps"] == 30.0


def test_without_a_plain_loop_a_video_is_copied_and_colored(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = VideoRun(30, 1.0, 1.0, 9.0, (160, 96), 20.0)
    monkeypatch.setattr(video_speed, "take_turns", lambda source, ways, *_: {name: [run] for name in ways})
    found = measure_ways(source, 0, threads=2, rounds=1, on_run=lambda run: None)
    assert set(found["ways"]) == {"copy", "cgan"}
    assert found["ratios"] == {"cgan": {"of copy": 1.0}}
