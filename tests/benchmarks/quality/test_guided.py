"""`cgan-bench quality --hints` with a guided model made by hand, which shows a hint's color exactly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.guided_model import write_guided_model

from cgan_benchmarks.cli import main
from cgan_benchmarks.quality.guided import hints_of
from cgan_train.data.loader import center_crop
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.comparison_photos import BUNDLED
from cgan_train.evaluation.metrics import lab_of_image


def bench(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main(["quality", "--data", str(BUNDLED), *(str(argument) for argument in arguments)])
    return exit_.value.code


def test_more_hints_come_nearer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, path = write_guided_model(tmp_path / "guided.onnx"), tmp_path / "quality.json"
    assert bench("--model", model, "--backend", "onnxruntime", "--hints", "0,5,50", "--json", path) == 0
    document = json.loads(path.read_text())
    curve = document["guided"]
    assert [row["hints"] for row in curve] == [0, 5, 50]
    assert curve[0]["nearer"] < curve[1]["nearer"] < curve[2]["nearer"] < 1
    assert curve[0]["psnr"] < curve[1]["psnr"] < curve[2]["psnr"]
    automatic = document["reports"][0]["quality"]
    assert curve[0]["nearer"] == pytest.approx(automatic["gain_percent"] / 100, abs=1e-6)
    assert curve[0]["psnr"] == pytest.approx(automatic["psnr_rgb"], abs=1e-6)
    assert f"{curve[2]['psnr']:.2f}" in capsys.readouterr().out


def test_a_model_without_hints_is_refused_in_one_line(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "quality.json"
    assert bench("--model", tiny_model, "--hints", "0,1", "--json", path) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert errors == [f"error: {tiny_model.name} takes no hints; measure a guided model, or leave --hints out"]
    assert not path.exists()


def test_hints_are_true_colors_at_the_same_places_each_time() -> None:
    lab = lab_of_image(center_crop(open_photos(BUNDLED).read(0), 64, 64))
    few, more = (hints_of(lab, count, number=3) for count in (4, 9))
    assert few.shape == (3, 16, 16)
    assert few.dtype == np.float32
    assert 4 * 2 < few[2].sum() <= 4 * 4
    assert (more[2] >= few[2]).all()  # the same places and further ones
    np.testing.assert_array_equal(few, hints_of(lab, 4, number=3))
    assert (few != hints_of(lab, 4, number=4)).any()
    cells = lab.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    given = few[2] > 0
    np.testing.assert_allclose(few[:2, given].T * 110, cells[given][:, 1:], atol=0.01)
    assert not few[:, ~given].any()
    assert not hints_of(lab, 0, number=3).any()
