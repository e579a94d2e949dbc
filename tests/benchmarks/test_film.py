"""The speed of films: a source is made as stated, and a copy holds its frames."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from cgan_benchmarks import film
from cgan_benchmarks.film import Size, make_source, measure_film

SMALL = Size(160, 96, 12, 4)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A short film."""
    path = tmp_path / "source.mp4"
    make_source(path, SMALL)
    return path


def _pts(path: Path) -> list[int | None]:
    with av.open(path) as container:
        return [frame.pts for frame in container.decode(video=0)]


def test_a_copy_holds_all_frames(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    done = subprocess.run(
        [sys.executable, "-m", "cgan_benchmarks.film_runs", "copy", str(source), str(target)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    taken = json.loads(done.stdout)
    assert taken["frames"] == len(_pts(source)) == SMALL.frames
    assert _pts(target) == _pts(source)
    assert taken["seconds"] > 0
    assert taken["megabytes"] > 20


def test_a_ratio_is_of_runs_of_one_round(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = iter([40.0, 30.0, 36.0, 3.0, 1.0, 18.0, 10.0, 20.0])  # the second round goes backwards

    def run(*_: object) -> dict[str, object]:
        return {"fps": next(speeds), "first_frame_seconds": 1.0, "megabytes": 9.0, "frames": 12, "stages": {}}

    monkeypatch.setattr(film, "_run", run)
    found = measure_film(source, 4, threads=2, rounds=2, told=lambda what: None)
    assert found["ratios"]["cgan"] == {"of copy": 0.625, "of plain loop": 10.0}
    assert found["ways"]["copy"]["fps"] == 30.0
