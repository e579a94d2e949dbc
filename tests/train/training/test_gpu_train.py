"""`scripts/gpu_train.py` on a CPU with tiny data: packing, training for seconds, and going on from a checkpoint."""

from __future__ import annotations

import csv
import importlib.util
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tests.paths import ROOT
from tests.train.conftest import write_photos

from cgan_train.checkpoint import load_checkpoint
from cgan_train.data.resident import ResidentPhotos


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_train", ROOT / "scripts" / "gpu_train.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_crops_lie_within_their_photos() -> None:
    images = np.zeros((3, 32, 32, 3), np.uint8)
    images[..., 0] = np.arange(32) * 8  # red grows to the right
    images[1, ..., 1], images[2, ..., 2] = 200, 200
    photos = ResidentPhotos(images, torch.device("cpu"))
    rgb = photos.batch(40, 16, zoom=(0.3, 0.9), rng=torch.Generator().manual_seed(0))
    assert rgb.shape == (40, 3, 16, 16)
    assert rgb.dtype == torch.uint8
    steps = rgb[:, 0, 8].int().diff(dim=1)
    assert ((steps >= 0).all(dim=1) | (steps <= 0).all(dim=1)).all()  # mirrored as a whole, or not at all
    assert (steps.sum(dim=1) < 0).any()
    others = rgb[:, 1:].flatten(2)
    assert (others.amax(dim=2) == others.amin(dim=2)).all()  # one photo each


def test_pale_photos_get_their_share() -> None:
    images = np.full((20, 8, 8, 3), 120, np.uint8)
    images[2:, ..., 0] = 250  # two gray ones among twenty
    photos = ResidentPhotos(images, torch.device("cpu"), pale=0.5)
    rgb = photos.batch(2000, 8, zoom=(1.0, 1.0), rng=torch.Generator().manual_seed(0))
    assert abs(float((rgb[:, 0, 0, 0] < 200).float().mean()) - 0.5) < 0.05


def test_packs_trains_and_goes_on(script: ModuleType, tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", 12, side=64)
    packed, out = tmp_path / "packed", tmp_path / "out"
    found = CliRunner().invoke(script.cli, ["pack", str(tmp_path / "photos"), "-o", str(packed), "--side", "64"])
    assert found.exit_code == 0, found.output
    (tar,) = packed.glob("*.tar")
    with tarfile.open(tar) as archive:
        assert len(archive.getnames()) == 12
    options = [str(packed), "--val", str(tmp_path / "photos"), "--batch", "4", "--crop", "32", "--measure", "2"]
    seconds = ["--minutes", "0.03", "--keep-every", "0.01"]
    found = CliRunner().invoke(script.cli, ["train", *options, "-o", str(out), *seconds])
    assert found.exit_code == 0, found.output
    newest = sorted(out.glob("checkpoint-*"))[-1]
    checkpoint = load_checkpoint(newest)
    assert checkpoint.training["steps_done"] > 0
    assert (newest / "generator.safetensors").stat().st_size < 16_000_000
    again = ["--init", str(newest), "--minutes", "0.01"]
    found = CliRunner().invoke(script.cli, ["train", *options, "-o", str(tmp_path / "again"), *again])
    assert found.exit_code == 0, found.output
    with (out / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 1
    assert all(float(row["ciede2000"]) > 0 for row in rows)
