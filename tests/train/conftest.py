"""Small real data for the training tests: photos in a folder, in a tar shard, and CIFAR-10's files."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tests.paths import SHARED

from cgan_train.config.schema import Augmentation, DiscriminatorConfig, GeneratorConfig, Phase, TrainConfig
from cgan_train.data.sources import ImageSource, open_sources

torch.set_num_threads(1)  # more threads are slower for networks this small
DATA = SHARED / "data"


def write_photos(folder: Path, count: int, side: int = 48, seed: int = 0) -> None:
    """Photos with a red top and a blue bottom whose lightness tells them apart."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = np.zeros((side, side + 8, 3), np.uint8)
        half = int(rng.integers(side // 3, 2 * side // 3))
        image[:half] = (60, 60, 220)
        image[half:] = (160, 40, 40)
        noisy = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"{number:03d}.png"), noisy)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twelve photos."""
    write_photos(tmp_path / "photos", 12)
    return tmp_path / "photos"


@pytest.fixture
def source(photos: Path) -> ImageSource:
    """The photos, opened."""
    return open_sources([photos])[0]


@pytest.fixture
def shard(tmp_path: Path, photos: Path) -> Path:
    """The same photos as a tar shard, with a text file among them."""
    path = tmp_path / "shard-000.tar"
    with tarfile.open(path, "w") as archive:
        for photo in sorted(photos.iterdir()):
            archive.add(photo, photo.name)
        note = tarfile.TarInfo("README.txt")
        note.size = 5
        archive.addfile(note, io.BytesIO(b"notes"))
    return path


TINY = TrainConfig(
    recipe="tiny",
    generator=GeneratorConfig("paper", size=32, widths=(8, 16, 16)),
    discriminator=DiscriminatorConfig("patch", widths=(8, 16)),
    phases=(
        Phase("plain", share=0.5, crop=32, lr=2e-3, gan=False),
        Phase("gan", share=0.5, crop=32, lr=1e-3, schedule="cosine", discriminator_warmup=1),
    ),
    epochs=4,
    batch_size=4,
    augmentation=Augmentation(zoom=(0.7, 1.0), film=0.5, paste=0.5),
    ema=0.5,
)
"""A run of a few seconds: the paper's networks with few channels, a plain phase and one with the GAN."""


@pytest.fixture
def tiny() -> TrainConfig:
    """The tiny run's settings."""
    return TINY


def one_phase(config: TrainConfig, index: int, phase: dict[str, Any], **changes: Any) -> TrainConfig:
    """A config with one phase alone: `phase` are changes of the phase, `changes` those of the config."""
    alone = dataclasses.replace(config.phases[index], share=1.0, **phase)
    return dataclasses.replace(config, phases=(alone,), **changes)
