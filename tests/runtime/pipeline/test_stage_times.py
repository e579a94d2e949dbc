"""Times of the stages, and the file that tells of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.videos import Film, write_film

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.stage_times import StageTimes, write_stats
from cgan_runtime.pipeline.video import colour_film


def test_other_things_than_frames_count_to_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_film_tells_of_every_stage_and_its_settings(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", Film(frames=9, sound=["aac"]))
    with Colorizer(FakeBackend(), saturation=0.5) as colorizer:
        result = colour_film(source, tmp_path / "out.mp4", colorizer)
    write_stats(tmp_path / "stats.json", [result])
    (film,) = json.loads((tmp_path / "stats.json").read_text())["films"]
    assert set(film["stages"]) == {"decode", "colour", "finish", "encode"}
    assert all(0 < stage["p50_ms"] <= stage["p99_ms"] for stage in film["stages"].values())
    assert (film["frames"], film["lost_frames"], film["backend"]) == (9, 0, "fake")
    assert film["settings"]["saturation"] == "0.5"
    assert film["output"] == str(tmp_path / "out.mp4")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot write .*; name another with --stats"):
        write_stats(tmp_path / "none" / "stats.json", [])
