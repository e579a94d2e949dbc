"""The training speed study runs both loops, counts their operations, and writes the result."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from cgan_benchmarks.studies import training_speed
from cgan_benchmarks.studies.training_speed import main, plain_loop, step_flops
from cgan_train.training.distributed import World


def test_both_loops_run_and_are_reported(
    cifar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_speed, "_PEAK_SECONDS", 0.02)
    path = tmp_path / "throughput.json"
    arguments = ("--data", cifar, "--rounds", 1, "--batch-size", 2, "--threads", 1, "--json", path)
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    assert exit_.value.code == 0
    document = json.loads(path.read_text())
    plain, ours = document["rows"]
    assert (plain["loop"], ours["loop"], plain["type"]) == ("plain", "cgan", "float32")
    assert document["speedup"] == pytest.approx(ours["images_per_second"] / plain["images_per_second"])
    # cgan runs the generator once less, and computes no gradients that are not used.
    assert 0.8 < ours["gflop_per_image"] / plain["gflop_per_image"] < 0.9
    for row in (plain, ours):
        assert math.isfinite(row["share_of_peak"])
        assert f"{row['images_per_second']:.1f} images/s" in capsys.readouterr().out or row is ours


def test_a_steps_work_is_that_of_its_networks(cifar: Path) -> None:
    torch.set_num_threads(1)
    step = plain_loop(cifar, 2, World(), 0)
    # The generator's 0.67 GFLOP an image forwards, three times, and twice as much back for two of them, is
    # 4.7; the discriminator's share, weight by weight, is a few tenths more.
    assert 4.7 < step_flops(step) / 2 / 1e9 < 5.6
