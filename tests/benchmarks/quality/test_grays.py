"""Grays that film and cameras record, and that they are what a model sees in place of lightness."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cgan_benchmarks.cli import main
from cgan_benchmarks.quality.grays import GRAYS, gray_as
from cgan_train.evaluation.comparison_photos import BUNDLED

SIDE = 64


def patches(*colors: tuple[int, int, int]) -> np.ndarray:
    return np.concatenate([np.full((SIDE, SIDE, 3), color, np.uint8) for color in colors], axis=1)


@pytest.mark.parametrize("name", GRAYS)
def test_each_gray_is_a_lightness_and_the_same_each_time(name: str) -> None:
    image = patches((200, 40, 40), (40, 60, 200), (250, 250, 250))
    seen = gray_as(name, image, 5)
    assert seen.shape == image.shape[:2]
    assert seen.dtype == np.float32
    assert -1 <= seen.min() < seen.max() <= 1
    np.testing.assert_array_equal(seen, gray_as(name, image, 5))


def test_what_each_gray_does() -> None:
    red, blue, leaf, sky = (200, 40, 40), (40, 60, 200), (60, 130, 40), (90, 140, 220)
    means = {
        name: [float(part.mean()) for part in np.split(gray_as(name, patches(red, blue, leaf, sky), 1), 4, axis=1)]
        for name in GRAYS
    }
    assert means["orthochromatic"][0] < means["orthochromatic"][1] - 0.3  # red is darker than blue
    assert means["panchromatic"][0] > means["panchromatic"][1]
    assert means["infrared"][2] > means["infrared"][3]  # leaves are brighter than the sky
    black_and_white = gray_as("faded", patches((0, 0, 0), (255, 255, 255)), 1)
    assert black_and_white[:, : SIDE // 2].mean() > -0.7
    assert black_and_white[:, SIDE:].mean() < 0.7
    flat = patches((128, 128, 128))
    assert np.ptp(gray_as("scratched", flat, 1)) > np.ptp(gray_as("panchromatic", flat, 1)) + 0.2
    edge = patches((0, 0, 0), (255, 255, 255)).repeat(4, axis=0).repeat(4, axis=1)
    steps = {name: np.abs(np.diff(gray_as(name, edge, 1).mean(axis=0))).max() for name in ("panchromatic", "blurred")}
    assert steps["blurred"] < 0.8 * steps["panchromatic"]


def test_colors_are_predicted_from_the_gray_and_compared_at_the_true_lightness(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "quality.json"
    with pytest.raises(SystemExit) as exit_:
        main(["quality", "--data", str(BUNDLED), "--model", str(tiny_model), "--gray", "faded,orthochromatic",
              "--json", str(path)])  # fmt: skip
    assert exit_.value.code == 0
    plain, faded, blue = json.loads(path.read_text())["reports"]
    assert [report["gray"] for report in (plain, faded, blue)] == ["", "faded", "orthochromatic"]
    assert plain["quality"]["ciede2000_gray"] == pytest.approx(faded["quality"]["ciede2000_gray"])
    assert faded["quality"]["ciede2000"] != pytest.approx(plain["quality"]["ciede2000"], rel=1e-3)
    assert "photos, faded" in capsys.readouterr().out
