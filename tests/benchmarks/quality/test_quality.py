"""`cgan-bench quality` on the bundled photos, with a colorizer whose answers are known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest
from tests.checkpoints import PAPER, lively_generator, write_checkpoint

from cgan_benchmarks.cli import main
from cgan_benchmarks.quality.measure import measure_model
from cgan_benchmarks.quality.truths import Way, open_truths, ways_to_measure
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import DataError
from cgan_train.evaluation.comparison_photos import BUNDLED


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
    assert (every["images"], fewer["images"]) == (8, 6)
    assert every["ciede2000"] > every["ciede2000_gray"] * 0.5
    assert every["chroma_ratio"] > 0.5  # the tiny model colors strongly, and wrongly
    assert f"{every['ciede2000']:.2f}" in capsys.readouterr().out


def test_images_without_color_are_left_out_and_counted(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gray, mixed, path = tmp_path / "gray", tmp_path / "mixed", tmp_path / "quality.json"
    photo = cv2.imread(str(next(BUNDLED.glob("*.jpg"))))
    for folder, images in ((gray, 2), (mixed, 3)):
        folder.mkdir()
        for number in range(images):
            lightness = cv2.cvtColor(photo[number:], cv2.COLOR_BGR2GRAY)
            cv2.imwrite(str(folder / f"{number}.png"), photo if number == 2 else lightness)
    assert bench("quality", "--data", mixed, "--model", tiny_model, "--json", path) == 0
    assert "Left out of mixed: 2 images without color" in capsys.readouterr().out
    found = json.loads(path.read_text())["reports"][0]["quality"]
    assert (found["images"], found["without_color"]) == (1, 2)
    assert all(abs(figure) < 1000 for figure in found.values())
    assert bench("quality", "--data", gray, "--model", tiny_model) == 1
    assert "none of the 2 images to measure on has color" in capsys.readouterr().err


def test_every_photo_is_reported(tiny_model: Path) -> None:
    images: list[None] = []
    with open_backend(tiny_model) as backend:
        (report,) = measure_model(backend, Way(open_truths(BUNDLED)), on_image=lambda: images.append(None))
    assert report.quality
    assert len(images) == report.quality.images == 8
    assert report.model == tiny_model.name


def test_nothing_left_to_measure() -> None:
    with pytest.raises(DataError, match="no photos are left"):
        ways_to_measure([open_truths(BUNDLED)], without="*")


def test_a_checkpoint_and_its_export_have_the_same_figures(
    checkpoint: Path, exported: dict[str, Path], tmp_path: Path
) -> None:
    found = []
    for number, subject in enumerate((("--checkpoint", checkpoint), ("--model", exported["fp32"]))):
        path, sheet = tmp_path / f"{number}.json", tmp_path / f"{number}.png"
        assert bench("quality", "--data", BUNDLED, *subject, "--sheet", sheet, "--json", path) == 0
        found.append(json.loads(path.read_text())["reports"][0]["quality"])
        assert cv2.imread(str(sheet)).shape == (4 * (32 + 4), 6 * (32 + 4), 3)  # 8 photos, two in a row
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_several_runs_make_one_table_with_mean_and_deviation(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_checkpoint(tmp_path / "other", PAPER, lively_generator(PAPER, seed=1))
    options = ("--checkpoint", checkpoint, "--checkpoint", other, "--json", tmp_path / "q.json")
    assert bench("quality", "--data", BUNDLED, *options) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert [line[0] for line in lines[1:5]] == [str(checkpoint), str(other), "mean", "deviation"]
    first, second, mean, deviation = (float(line[1]) for line in lines[1:5])
    assert mean == pytest.approx((first + second) / 2, abs=0.011)
    assert deviation == pytest.approx(abs(first - second) / 2**0.5, abs=0.02)
    reports = json.loads((tmp_path / "q.json").read_text())["reports"]
    assert len({report["sha256"] for report in reports}) == 2
    assert bench("quality", "--data", BUNDLED, *options, "--sheet", tmp_path / "sheet.png") == 2


def test_cifar_is_measured_on_its_test_split_beside_what_is_reported(
    checkpoint: Path, cifar: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("quality", "--data", cifar, "--checkpoint", checkpoint, "--without", "*/a0.png") == 0
    shown = capsys.readouterr().out
    assert re.search(r"cifar-10-batches-py +10 ", shown)
    assert re.search(r"cifar-10-batches-py without \*/a0.png +9 ", shown)
    assert re.search(r"reported: CIFAR-10, GAN +5.1 +24.1 +65.5", shown)
    assert "only the MAE" in shown
    assert "Places" not in shown.split("Reported:")[0]


def test_models_and_checkpoints_stand_in_one_table(
    checkpoint: Path, exported: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subjects = ("--model", exported["fp32"], "--model", exported["fp16"], "--checkpoint", checkpoint)
    assert bench("quality", "--data", BUNDLED, *subjects, "--json", tmp_path / "q.json") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    named = dict.fromkeys(line[0] for line in lines if line[0] in {*map(str, subjects), "mean"})  # tables wrap
    assert list(named) == [str(exported["fp32"]), str(exported["fp16"]), str(checkpoint)]
    reports = json.loads((tmp_path / "q.json").read_text())["reports"]
    assert [report["model"] for report in reports] == ["paper.onnx", "paper-fp16.onnx", "paper (PyTorch)"]


def test_a_second_model_that_is_not_there_is_found_before_the_first_is_measured(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("quality", "--data", BUNDLED, "--model", tiny_model, "--model", "edgy") == 1
    assert "no model edgy" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--data", "nowhere"), ("--data", BUNDLED, "--json", "no/such/file.json")])
def test_bad_input_is_one_line(
    arguments: tuple[object, ...], tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("quality", "--model", tiny_model, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
