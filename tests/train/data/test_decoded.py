"""Photos that are decoded once: the same pixels, batches and errors; what was stopped goes on, what changed is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.conftest import write_photos

from cgan_runtime.errors import DataError
from cgan_train.config.schema import Augmentation
from cgan_train.data.decoded import DecodedPhotos, decoded_photos
from cgan_train.data.loader import Loader
from cgan_train.data.sources import ImageSource, PhotoSource, open_photos
from cgan_train.run import TrainSettings, open_run


def decode(source: PhotoSource, folder: Path) -> tuple[DecodedPhotos, list[float]]:
    shares: list[float] = []
    return decoded_photos(source, folder, threads=2, progress=lambda share, _: shares.append(share)), shares


def batches(source: ImageSource) -> list[torch.Tensor]:
    loader = Loader(source, 4, Augmentation(zoom=(0.4, 1.0)), seed=3, threads=2)
    return [batch.clone() for batch in loader.epoch(1, 32)]


def test_decoded_photos_give_the_same_batches_and_errors(photos: Path, tmp_path: Path) -> None:
    (photos / "005.png").write_bytes(b"no image")
    source = open_photos(photos)
    decoded, shares = decode(source, tmp_path / "kept")
    assert shares[-1] == 1
    assert decoded.names == source.names
    assert decoded.fingerprint() == source.fingerprint()
    np.testing.assert_array_equal(decoded.read(7), source.read(7))
    for either in (source, decoded):
        with pytest.raises(DataError, match=r"005.png is damaged"):
            either.read(5)
    assert all(map(torch.equal, batches(source), batches(decoded)))
    _, again = decode(source, tmp_path / "kept")
    assert again == []


@pytest.mark.parametrize("lost", [1, 500, 20_000])
def test_decoding_goes_on_where_it_was_stopped(photos: Path, tmp_path: Path, lost: int) -> None:
    source = open_photos(photos)
    decode(source, tmp_path / "kept")
    (pixels,) = (tmp_path / "kept").glob("*/pixels.u8")
    with pixels.open("rb+") as stream:
        stream.truncate(pixels.stat().st_size - lost)
    (index,) = (tmp_path / "kept").glob("*/index.jsonl")
    index.write_bytes(index.read_bytes()[:-3])
    decoded, shares = decode(source, tmp_path / "kept")
    assert 0 < len(shares) < 5
    for number in range(12):
        np.testing.assert_array_equal(decoded.read(number), source.read(number))


def test_photos_that_changed_are_decoded_anew(photos: Path, tmp_path: Path) -> None:
    decode(open_photos(photos), tmp_path / "kept")
    write_photos(photos, 1, seed=9)
    changed = open_photos(photos)
    decoded, shares = decode(changed, tmp_path / "kept")
    assert len(shares) == 12
    np.testing.assert_array_equal(decoded.read(0), changed.read(0))


def test_a_run_with_decoded_photos(photos: Path, tmp_path: Path) -> None:
    settings = TrainSettings(decoded=tmp_path / "kept")
    arguments: dict[str, Any] = {"recipe": None, "val": None, "init": None, "resume": False}
    for folder in ("one", "two"):
        with open_run([photos], tmp_path / folder, settings=settings, **arguments):
            pass
        assert len(list((tmp_path / "kept").iterdir())) == 1
    settings = TrainSettings(decoded=photos / "000.png")
    with (
        pytest.raises(DataError, match="give another"),
        open_run([photos], tmp_path / "three", settings=settings, **arguments),
    ):
        pass
