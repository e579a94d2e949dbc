"""Sources and loader: what is read, what is refused, and that an epoch can be repeated exactly."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.train.conftest import SHARED, write_photos

from cgan_runtime.errors import DataError
from cgan_train.config import Augmentation
from cgan_train.data.loader import Loader, centre_fit, random_crop
from cgan_train.data.sources import open_photos, open_sources


def test_folder_and_shard_hold_the_same_photos(photos: Path, shard: Path) -> None:
    folder, _ = open_sources([photos])
    tar, _ = open_sources([shard])
    assert len(folder) == len(tar) == 12
    for index in range(12):
        np.testing.assert_array_equal(folder.read(index), tar.read(index))


def test_pictures_are_rgb(photos: Path) -> None:
    source, _ = open_sources([photos])
    top, bottom = source.read(0)[2, 5], source.read(0)[-2, 5]
    assert top[0] > 150 > top[2]  # red
    assert bottom[2] > 100 > bottom[0]  # blue


def test_measuring_shards_are_kept_apart(tmp_path: Path, shard: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    shutil.copy(shard, folder / "photos-train-000.tar")
    shutil.copy(shard, folder / "photos-val.tar")
    train, val = open_sources([folder])
    assert len(train) == 12
    assert val is not None
    assert len(val) == 12
    assert len(open_photos(folder)) == 24


def test_cifar_folder_and_archive(cifar: Path, tmp_path: Path) -> None:
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as out:
        out.add(cifar, cifar.name)
    for path in (cifar, cifar.parent, archive):
        train, test = open_sources([path])
        assert (len(train), len(test or ())) == (50, 10)
        assert train.read(0).shape == (32, 32, 3)
    batch = pickle.loads((cifar / "data_batch_1").read_bytes(), encoding="bytes")  # noqa: S301 (our own)
    raw = batch[b"data"][0]
    np.testing.assert_array_equal(open_sources([cifar])[0].read(0)[..., 0].ravel(), raw[:1024])


def test_pickle_that_would_run_code_is_refused(cifar: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was-here"),)

    (cifar / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(DataError, match="data_batch_1"):
        open_sources([cifar])
    assert not (tmp_path / "was-here").exists()


def test_a_missing_batch_is_named(cifar: Path) -> None:
    (cifar / "data_batch_3").unlink()
    with pytest.raises(DataError, match=r"data_batch_3.*missing"):
        open_sources([cifar])


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "damaged tar"])
def test_bad_data_is_one_clear_error(kind: str, tmp_path: Path, shard: Path) -> None:
    path = tmp_path / "data"
    if kind == "empty":
        path.mkdir()
    elif kind == "text":
        path.write_text("no data")
    elif kind == "damaged tar":
        path.write_bytes(shard.read_bytes()[100:3000])
    with pytest.raises(DataError, match="data"):
        open_sources([path])


def test_damaged_pictures_are_replaced_and_named(photos: Path) -> None:
    (photos / "003.png").write_bytes(b"\x89PNG not really")
    (photos / "005.png").write_bytes(b"")
    source, _ = open_sources([photos])
    loader = Loader(source, 4, Augmentation(), seed=0)
    batches = list(loader.epoch(0, 32))
    assert [tuple(batch.shape) for batch in batches] == [(4, 3, 32, 32)] * 3
    assert set(loader.skipped) == {3, 5}
    assert "003.png" in loader.skipped[3]


def test_nothing_but_damage_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.jpg").write_bytes(b"nothing")
    source, _ = open_sources([folder])
    with pytest.raises(DataError, match="could not be read"):
        list(Loader(source, 2, Augmentation(), seed=0).epoch(0, 16))


def test_an_epoch_repeats_exactly_and_differs_from_the_next(photos: Path) -> None:
    source, _ = open_sources([photos])
    augmentation = Augmentation(zoom=(0.5, 1.0))
    first = torch.cat(list(Loader(source, 4, augmentation, seed=7).epoch(3, 24)))
    again = torch.cat(list(Loader(source, 4, augmentation, seed=7, threads=1).epoch(3, 24)))
    other = torch.cat(list(Loader(source, 4, augmentation, seed=7).epoch(4, 24)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_picture_is_seen_once_an_epoch(tmp_path: Path) -> None:
    write_photos(tmp_path / "p", 9)
    source, _ = open_sources([tmp_path / "p"])
    batches = list(Loader(source, 3, Augmentation(flip=False), seed=0).epoch(0, 48))
    sums = {int(picture.sum()) for batch in batches for picture in batch}
    assert len(sums) == 9


@given(height=st.integers(1, 90), width=st.integers(1, 90), side=st.integers(1, 64), seed=st.integers(0, 999))
def test_crops_have_the_asked_size(height: int, width: int, side: int, seed: int) -> None:
    picture = np.full((height, width, 3), 77, np.uint8)
    rng = np.random.default_rng(seed)
    crop = random_crop(picture, side, Augmentation(zoom=(0.3, 1.0)), rng)
    fit = centre_fit(picture, side)
    assert crop.shape == fit.shape == (side, side, 3)
    assert set(np.unique(crop)) == set(np.unique(fit)) == {77}


@pytest.mark.skipif(not (SHARED / "make_cifar10.py").exists(), reason="the true CIFAR-10 is not here")
@pytest.mark.slow
def test_the_true_cifar10(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SHARED / "make_cifar10.py", tmp_path], check=True, capture_output=True)
    train, test = open_sources([tmp_path])
    assert (len(train), len(test or ())) == (50_000, 10_000)
    frog = train.read(0)  # the first training picture is a frog on brown ground
    assert cv2.cvtColor(frog, cv2.COLOR_RGB2HSV)[..., 0].mean() < 40
