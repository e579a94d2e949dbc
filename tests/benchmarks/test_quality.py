"""`cgan-bench quality` on photos that come with cgan, with a colouriser whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cgan_benchmarks.cli import main
from cgan_benchmarks.quality import measure_model
from cgan_runtime.errors import DataError
from cgan_train.data.bundled import BUNDLED
from cgan_train.data.sources import open_photos


def bench(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_figures_go_to_the_screen_and_the_file(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "quality.json"
    code = bench("quality", "--data", BUNDLED, "--model", tiny_model, "--without", "rocket*", "--json", path)
    assert code == 0
    document = json.loads(path.read_text())
    every, fewer = (report["quality"] for report in document["reports"])
    assert (every["pictures"], fewer["pictures"]) == (8, 6)
    assert every["ciede2000"] > every["ciede2000_grey"] * 0.5
    assert every["chroma_ratio"] > 0.5  # the tiny model colours strongly, and wrongly
    assert f"{every['ciede2000']:.2f}" in capsys.readouterr().out


def test_every_photo_is_told_of(tiny_model: Path) -> None:
    told: list[None] = []
    report = measure_model(tiny_model, open_photos(BUNDLED), advance=lambda: told.append(None))
    assert len(told) == report.quality.pictures == 8
    assert report.model == tiny_model.name


def test_nothing_left_to_measure(tiny_model: Path) -> None:
    with pytest.raises(DataError, match="no photos are left"):
        measure_model(tiny_model, open_photos(BUNDLED), without="*")


@pytest.mark.parametrize(
    "arguments", [("--data", "nowhere"), ("--data", BUNDLED, "--json", "no/such/file.json")]
)
def test_bad_input_is_one_line(
    arguments: tuple[object, ...], tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("quality", "--model", tiny_model, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
