"""Image sources and loader: what is read, what is refused, and that an epoch can be repeated exactly."""

from __future__ import annotations

import errno
import itertools
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
from tests.train.conftest import DATA, write_photos
from torch import Tensor

from cgan_runtime.errors import ConfigError, DataError
from cgan_train.config.schema import Augmentation
from cgan_train.data.loader import Crop, Loader, center_crop, crop_square, is_gray
from cgan_train.data.sources import evenly_spaced, open_photos, open_sources


def test_folder_and_shard_hold_the_same_photos(photos: Path, shard: Path) -> None:
    folder, _ = open_sources([photos])
    tar, _ = open_sources([shard])
    assert len(folder) == len(tar) == 12
    for index in range(12):
        np.testing.assert_array_equal(folder.read(index), tar.read(index))


def test_images_are_rgb(photos: Path) -> None:
    source, _ = open_sources([photos])
    top, bottom = source.read(0)[2, 5], source.read(0)[-2, 5]
    assert top[0] > 150 > top[2]  # red
    assert bottom[2] > 100 > bottom[0]  # blue


def test_validation_shards_are_kept_apart(tmp_path: Path, shard: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    shutil.copy(shard, folder / "photos-train-000.tar")
    write_photos(tmp_path / "others", 5, seed=1)
    with tarfile.open(folder / "photos-val.tar", "w") as archive:
        archive.add(tmp_path / "others")
    train, val = open_sources([folder])
    assert len(train) == 12
    assert val is not None
    assert len(val) == 5
    assert len(open_photos(folder)) == 17


def test_cifar_from_a_folder_and_an_archive(cifar: Path, tmp_path: Path) -> None:
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


def test_missing_batch_is_named(cifar: Path) -> None:
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


def test_damaged_images_are_replaced_and_named(photos: Path) -> None:
    (photos / "003.png").write_bytes(b"\x89PNG not really")
    (photos / "005.png").write_bytes(b"")
    source, _ = open_sources([photos])
    loader = Loader(source, 4, Augmentation(), seed=0)
    batches = list(loader.epoch(0, 32))
    assert [tuple(batch.shape) for batch in batches] == [(4, 3, 32, 32)] * 3
    assert set(loader.skipped) == {3, 5}
    assert "003.png" in loader.skipped[3]


def test_gray_images_are_replaced_and_named(photos: Path) -> None:
    image = cv2.imread(str(photos / "004.png"))
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    (photos / "004.png").unlink()
    assert cv2.imwrite(str(photos / "004.jpg"), cv2.merge([gray] * 3), [cv2.IMWRITE_JPEG_QUALITY, 60])
    source, _ = open_sources([photos])
    loader = Loader(source, 4, Augmentation(), seed=0)
    batches = torch.cat(list(loader.epoch(0, 32)))
    assert list(loader.skipped) == [4]
    assert "004.jpg has no color" in loader.skipped[4]
    assert not any(is_gray(each) for each in batches.permute(0, 2, 3, 1).numpy())


def test_images_on_the_device_give_the_same_batches(cifar: Path) -> None:
    source, _ = open_sources([cifar])
    loader = Loader(source, 8, Augmentation(), seed=3, device=torch.device("cpu"))
    assert loader.resident
    host = Loader(source, 8, Augmentation(), seed=3)
    host._stack = None  # read as photos are
    for epoch in range(2):
        ours, theirs = list(loader.epoch(epoch, 32)), list(host.epoch(epoch, 32))
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert [len(list(x.epoch(0, 32, start=4))) for x in (loader, host)] == [2, 2]
    zoomed = Loader(source, 8, Augmentation(zoom=(0.5, 1.0)), seed=3)
    assert not zoomed.resident
    assert next(zoomed.epoch(0, 32)).shape == (8, 3, 32, 32)
    assert next(loader.epoch(0, 16)).shape == (8, 3, 16, 16)  # a phase of another crop


@pytest.mark.parametrize("resident", [True, False])
def test_processes_share_every_batch(cifar: Path, resident: bool) -> None:
    source, _ = open_sources([cifar])

    def epoch(*part: int) -> list[Tensor]:
        loader = Loader(source, 10, Augmentation(), seed=3, part=(part[0], part[1]))
        if not resident:
            loader._stack = None
        return list(loader.epoch(1, 32))

    whole, halves = epoch(0, 1), [epoch(0, 2), epoch(1, 2)]
    for batch, *parts in zip(whole, *halves, strict=True):
        assert torch.equal(batch, torch.cat(parts))
    with pytest.raises(ConfigError, match="cannot be shared evenly by 3 processes"):
        epoch(0, 3)


@pytest.mark.parametrize("number", [1, 7, 11])
def test_damage_within_a_shard_is_an_error(shard: Path, number: int) -> None:
    with tarfile.open(shard) as archive:
        header = archive.getmembers()[number].offset
    content = bytearray(shard.read_bytes())
    content[header : header + 20] = b"\x07" * 20
    shard.write_bytes(content)
    with pytest.raises(DataError, match=rf"damaged at byte {header:,} .*after {number} photos"):
        open_sources([shard])


def test_truncated_shard_is_an_error(shard: Path) -> None:
    with tarfile.open(shard) as archive:
        last = archive.getmembers()[5]
    shard.write_bytes(shard.read_bytes()[: last.offset_data + last.size // 2])
    with pytest.raises(DataError, match=r"shard-000\.tar"):
        open_sources([shard])


def test_only_damaged_images_are_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.jpg").write_bytes(b"nothing")
    source, _ = open_sources([folder])
    with pytest.raises(DataError, match="none of the 400 images can be used"):
        list(Loader(source, 2, Augmentation(), seed=0).epoch(0, 16))


@pytest.mark.parametrize("seed", range(3))
def test_most_images_may_be_damaged(photos: Path, seed: int) -> None:
    good = (0, 6)
    for number in set(range(12)) - set(good):
        (photos / f"{number:03d}.png").write_bytes(b"nothing")
    source, _ = open_sources([photos])
    loader, fresh = (Loader(source, 4, Augmentation(), seed=seed) for _ in range(2))
    epochs = [torch.cat(list(loader.epoch(epoch, 48))) for epoch in range(3)]
    assert set(loader.skipped) == set(range(12)) - set(good)
    # Substitutes do not depend on what is known already: a resumed run sees the same.
    assert torch.equal(torch.cat(list(fresh.epoch(2, 48))), epochs[2])


def test_sampling_limits_the_images_of_an_epoch(photos: Path) -> None:
    source, _ = open_sources([photos])
    loader = Loader(source, 8, Augmentation(), seed=0, sampling=2)
    assert [len(batch) for batch in loader.epoch(0, 32)] == [2]


def test_names_need_not_be_text(photos: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png"))
    odd.write_bytes((photos / "000.png").read_bytes())
    source, _ = open_sources([photos])
    assert len(source) == 13
    assert len(source.fingerprint()) == 64


def test_photos_beside_a_shard_are_refused(photos: Path, shard: Path) -> None:
    shard.rename(photos / "backup.tar")
    with pytest.raises(DataError, match="both photos and tar shards"):
        open_sources([photos])


def test_folder_without_permission_is_an_error(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:  # permissions do not stop root
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"closed cannot be read \(Permission denied\); check its permissions"):
        open_sources([photos])


@given(some=st.integers(1, 70), of=st.integers(0, 500))
def test_indices_are_evenly_spaced(some: int, of: int) -> None:
    chosen = evenly_spaced(some, of)
    assert len(chosen) == min(some, of)
    steps = [b - a for a, b in itertools.pairwise(chosen)]
    assert not steps or max(steps) - min(steps) <= 1
    assert all(0 <= number < of for number in chosen)


def test_epoch_repeats_exactly_and_differs_from_the_next(photos: Path) -> None:
    source, _ = open_sources([photos])
    augmentation = Augmentation(zoom=(0.5, 1.0))
    first = torch.cat(list(Loader(source, 4, augmentation, seed=7).epoch(3, 24)))
    again = torch.cat(list(Loader(source, 4, augmentation, seed=7, threads=1).epoch(3, 24)))
    other = torch.cat(list(Loader(source, 4, augmentation, seed=7).epoch(4, 24)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_image_is_seen_once_per_epoch(tmp_path: Path) -> None:
    write_photos(tmp_path / "p", 9)
    source, _ = open_sources([tmp_path / "p"])
    batches = list(Loader(source, 3, Augmentation(flip=False), seed=0).epoch(0, 48))
    sums = {int(image.sum()) for batch in batches for image in batch}
    assert len(sums) == 9


@given(height=st.integers(1, 90), width=st.integers(1, 90), side=st.integers(1, 64), seed=st.integers(0, 999))
def test_crops_have_the_requested_size(height: int, width: int, side: int, seed: int) -> None:
    image = np.full((height, width, 3), 77, np.uint8)
    zoom, top, left, flip = np.random.default_rng(seed).random(4).tolist()
    crop = crop_square(image, side, (0.3, 1.0), Crop(zoom, top, left, flip < 0.5))
    fit = center_crop(image, side, side)
    assert crop.shape == fit.shape == (side, side, 3)
    assert set(np.unique(crop)) == set(np.unique(fit)) == {77}


@pytest.mark.skipif(not (DATA / "make_cifar10.py").exists(), reason="the real CIFAR-10 is not here")
@pytest.mark.slow
def test_real_cifar10(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_cifar10.py", tmp_path], check=True, capture_output=True)
    train, test = open_sources([tmp_path])
    assert (len(train), len(test or ())) == (50_000, 10_000)
    frog = train.read(0)  # the first training image is a frog on brown ground
    assert cv2.cvtColor(frog, cv2.COLOR_RGB2HSV)[..., 0].mean() < 40
