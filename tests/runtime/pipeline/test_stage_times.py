"""Times of the stages, and the statistics file of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.stage_times import StageTimes, write_stats
from cgan_runtime.pipeline.video import colorize_video


def test_time_of_other_items_counts_to_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: clock)

    def takes(seconds: float) -> float:
        nonlocal clock
        clock += seconds
        return seconds

    def items() -> Iterator[float]:
        for seconds in (0.25, 1.0, 2.0):
            yield takes(seconds)

    times = StageTimes(lambda item: isinstance(item, float) and item >= 1)
    for item in times.source("read", items()):
        times.work("look", takes)(item)
    assert times.summary()["read"] == {
        "mean_ms": pytest.approx(1625),
        "p50_ms": pytest.approx(1625),
        "p99_ms": pytest.approx(1992.5),
    }


def test_a_result_has_the_times_of_every_stage_and_the_settings(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=9, audio=["aac"]))
    with Colorizer(FakeBackend(), saturation=0.5) as colorizer:
        result = colorize_video(source, tmp_path / "out.mp4", colorizer)
    write_stats(tmp_path / "stats.json", [result])
    (video,) = json.loads((tmp_path / "stats.json").read_text())["videos"]
    assert set(video["stages"]) == {"decode", "color", "finish", "encode"}
    assert all(0 < stage["p50_ms"] <= stage["p99_ms"] for stage in video["stages"].values())
    assert (video["frames"], video["lost_frames"], video["backend"]) == (9, 0, "fake")
    assert video["settings"]["saturation"] == "0.5"
    assert video["output"] == str(tmp_path / "out.mp4")


def test_stats_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot write .*; name another with --stats"):
        write_stats(tmp_path / "none" / "stats.json", [])
