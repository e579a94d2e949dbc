"""The study of training speed on photos: what a process measures, and what comes of several versions in turns."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from tests.train.conftest import write_photos

from cgan_benchmarks.studies import photo_training
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import GeneratorConfig


def test_a_process_measures_steps_and_the_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path / "photos", 5)
    small = GeneratorConfig("guided", 256, (8, 8, 8))
    monkeypatch.setattr(photo_training, "recipe", functools.partial(recipe, batch_size=2, generator=small))
    monkeypatch.setattr(photo_training, "_LOADED", 2)
    monkeypatch.setattr(photo_training, "_CROP", 32)
    photo_training.measure(str(tmp_path / "photos"), str(tmp_path / "decoded"), steps=1, threads=1)
    figures = json.loads(capsys.readouterr().out)
    assert figures["pictures_per_second"] == pytest.approx(2 / (figures["step_ms"] / 1000))
    assert figures["loaded_per_second"] > 0
    assert list((tmp_path / "decoded").iterdir())


def test_versions_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def apart(train: Path | None, call: str, processes: int) -> dict[str, float]:
        calls.append((train is not None, "None" in call, processes))
        return {"pictures_per_second": float(len(calls)), "loaded_per_second": 100.0}

    monkeypatch.setattr(photo_training, "_apart", apart)
    command = [
        "--data",
        str(tmp_path),
        "--before",
        str(tmp_path),
        "--rounds",
        "2",
        "--json",
        str(tmp_path / "out.json"),
    ]
    with pytest.raises(SystemExit) as left:
        photo_training.main(command)
    assert left.value.code == 0
    old, new, both = (True, True, 1), (False, False, 1), (False, False, 2)
    assert calls == [old, new, both, both, new, old]
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [(row["version"], row["pictures_per_second"]) for row in rows] == [
        ("before", 3.5), ("now", 3.5), ("now, a process for each thread", 3.5),
    ]  # fmt: skip
