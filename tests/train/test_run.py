"""`cgan_train.train`: the Python API."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tests.train.conftest import write_photos

from cgan_runtime.errors import ConfigError
from cgan_train import TrainSettings, train
from cgan_train.checkpoint import load_checkpoint
from cgan_train.run import NO_VALIDATION, open_run
from cgan_train.shipped import SHIPPED
from cgan_train.training.run_log import TrainingProgress

THIN = {"generator.widths": [8, 8], "discriminator.widths": [8], "batch_size": 4}


def test_import_loads_no_torch() -> None:
    code = "import sys, cgan_train as c; c.train; c.TrainSettings; print('torch' in sys.modules, dir(c))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("False")
    with pytest.raises(ImportError):
        exec("from cgan_train import nothing")


def test_train_and_resume(photos: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "val", 2, seed=1)
    (tmp_path / "val" / "005.png").write_bytes(b"no image")
    seen: list[TrainingProgress] = []
    settings = TrainSettings(overrides=THIN | {"epochs": 2}, minutes=1e-6, threads=1)
    out = tmp_path / "run"
    with pytest.warns(UserWarning, match=r"not measured on: .*005\.png"):
        stopped = train(
            [str(photos)], str(out), recipe="paper-unet", val=tmp_path / "val", settings=settings, progress=seen.append
        )
    assert stopped.name == "unfinished"
    assert [now.step for now in seen] == [1]
    newest = train(photos, out, resume=True)
    assert newest == out / "epoch-0002"
    checkpoint = load_checkpoint(newest)
    assert (checkpoint.recipe, checkpoint.config.widths) == ("paper-unet", (8, 8))
    again = train(photos, tmp_path / "again", recipe="paper-unet", init=newest, settings=settings)
    assert load_checkpoint(again).training["before"] == checkpoint.training


def test_a_run_is_resumed_by_the_command_that_began_it(photos: Path, tmp_path: Path) -> None:
    out, begun = tmp_path / "run", THIN | {"epochs": 2}
    train(photos, out, recipe="paper-unet", settings=TrainSettings(overrides=begun, minutes=1e-6, threads=1))
    refused: list[tuple[TrainSettings, str, str | None, str]] = [
        (TrainSettings(overrides=begun | {"ema": 0.5}), "paper-unet", None, "leave out ema=0.5, or"),
        (TrainSettings(overrides=begun), "seed", None, r"leave out --recipe seed \(it is one of paper-unet\)"),
        (TrainSettings(gan_only=True), "paper-unet", None, "leave out --gan-only"),
        (TrainSettings(), "paper-unet", "edge", "leave out --init"),
    ]
    for settings, recipe, init, message in refused:
        with (
            pytest.raises(ConfigError, match=message),
            open_run(
                [photos], out, recipe=recipe, val=None, init=init and Path(init), resume=True, settings=settings
            ),  # fmt: skip
        ):
            pass
    settings = TrainSettings(overrides=begun, threads=1)
    with open_run([photos], out, recipe="paper-unet", val=None, init=None, resume=True, settings=settings) as trainer:
        assert trainer.run(lambda _: None) == out / "epoch-0002"
    with pytest.raises(ConfigError, match="name it with --init"):
        train(photos, tmp_path / "other", settings=TrainSettings(gan_only=True))


def test_the_vivid_recipe_goes_on_from_the_model_that_ships(photos: Path, tmp_path: Path) -> None:
    overrides = {"epochs": 1, "batch_size": 2, "phases.gan.crop": 64, "phases.gan.discriminator_warmup": 1}
    settings = TrainSettings(overrides=overrides, minutes=1e-6, threads=1)
    stopped = train(photos, tmp_path / "run", recipe="edge-vivid", init="edge", val=NO_VALIDATION, settings=settings)
    checkpoint, edge = load_checkpoint(stopped), load_checkpoint(SHIPPED)
    assert checkpoint.recipe == "edge-vivid"
    assert checkpoint.config == edge.config
    given, had = checkpoint.generator.state_dict(), edge.generator.state_dict()
    assert torch.equal(given["encoder.stem.conv.weight"], had["encoder.stem.conv.weight"])


@pytest.mark.parametrize(
    ("init", "mend"),
    [
        ("egde", "did you mean edge?"),
        ("nowhere", "give --init a path that exists"),
        ("runs/egde", "give --init a path that exists"),
    ],
)
def test_a_checkpoint_to_begin_with_that_is_not_there_is_told(init: str, mend: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"nothing at {init}; {mend}")):
        train(tmp_path, tmp_path / "run", init=init)


def test_photos_are_held_out_to_measure_on(photos: Path, tmp_path: Path) -> None:
    settings = TrainSettings(overrides=THIN | {"epochs": 1, "recalibration": 0}, threads=1)
    out = tmp_path / "run"
    metrics = load_checkpoint(train(photos, out, recipe="paper-unet", settings=settings)).metrics
    assert metrics["images"] == 1
    assert "measured on" in (out / "skipped.txt").read_text()
    longer = TrainSettings(overrides={"epochs": 2})
    assert train(photos, out, resume=True, settings=longer) == out / "epoch-0002"
    training = load_checkpoint(out).training
    assert training["held_out"] == 1
    assert {"cgan", "torch", "command", "data_paths", "device_name", "git_commit"} <= training.keys()
    assert training["data_paths"] == [str(photos)]


def test_no_validation_trains_on_all(photos: Path, tmp_path: Path) -> None:
    settings = TrainSettings(overrides=THIN | {"epochs": 1, "recalibration": 0}, threads=1)
    newest = train(photos, tmp_path / "run", recipe="paper-unet", val="none", settings=settings)
    checkpoint = load_checkpoint(newest)
    assert checkpoint.metrics == {}
    assert (checkpoint.training["images_per_epoch"], checkpoint.training["held_out"]) == (12, 0)
    # A run of before, which knows of no photos that are held out, goes on with all.
    config = json.loads((newest / "config.json").read_text())
    del config["training"]["held_out"]
    (newest / "config.json").write_text(json.dumps(config))
    longer = TrainSettings(overrides={"epochs": 2})
    assert train(photos, tmp_path / "run", resume=True, settings=longer).name == "epoch-0002"


@pytest.mark.parametrize("colored", [0, 1])
def test_gray_images_are_not_measured_on(photos: Path, tmp_path: Path, colored: int) -> None:
    write_photos(tmp_path / "val", colored, seed=1)
    gray = cv2.resize(np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8), (96, 64))
    for number in range(2):
        assert cv2.imwrite(str(tmp_path / "val" / f"gray-{number}.jpg"), gray + number)
    settings = TrainSettings(overrides=THIN | {"epochs": 1, "recalibration": 0}, threads=1)
    with pytest.warns(UserWarning, match=f"not measured on: 2 of {2 + colored} images, which have no color"):
        newest = train(photos, tmp_path / "run", recipe="paper-unet", val=tmp_path / "val", settings=settings)
    (row,) = csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines())
    metrics = json.loads((newest / "config.json").read_text(), parse_constant=pytest.fail)["metrics"]
    assert all(math.isfinite(float(value)) for name, value in row.items() if value and name != "phase")
    if colored:
        assert (row["images"], row["without_color"], metrics["without_color"]) == ("1", "2", 2)
        assert -100 < metrics["gain_percent"] < 100
    else:
        assert metrics == {}
        assert not {"gain_percent", "chroma_ratio", "colorfulness_ratio"} & set(row)
