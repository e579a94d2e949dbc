"""What is not trained on: damaged images, what is no file, and what is measured on; all of it is counted."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import tarfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tests.train.conftest import write_photos

from cgan_runtime.errors import DataError
from cgan_train.config.schema import Augmentation
from cgan_train.data import damage
from cgan_train.data.cifar import CifarSource
from cgan_train.data.finding import BROKEN_LINK, MEASURED, NO_FILE, OTHER_KIND, READ_ALREADY, count_found
from cgan_train.data.loader import Loader, count_skipped
from cgan_train.data.sources import open_photos, open_sources

JPEGS = {
    "baseline": [],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 8],
    "without subsampling": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
}


def photo(seed: int = 0) -> np.ndarray:
    """A smooth image with noise, which makes some hundred kilobytes of a JPEG."""
    y, x = np.mgrid[0:192, 0:256]
    smooth = np.stack([x // 2, y // 2, (x + y) // 4], -1)
    return (smooth + np.random.default_rng(seed).integers(0, 90, smooth.shape)).astype(np.uint8)


def encoded(suffix: str, *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, photo(), options)[1])


def find_damage(data: bytes) -> str:
    """What is wrong with an encoded image; its pixels are the decoder's own if nothing is."""
    try:
        pixels, quiet = damage.decode(data)
    except DataError as error:
        return str(error)
    if quiet:
        truth = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert truth is not None
        assert np.array_equal(pixels, truth[..., ::-1])
    return ""


@pytest.mark.parametrize("kind", JPEGS)
def test_jpeg_damaged_inside_is_found_and_the_terminal_stays_clean(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    good = encoded(".jpg", *JPEGS[kind])
    assert find_damage(good) == ""
    middle = len(good) // 2
    lost, zeros, short = good[:middle] + good[middle + 700 :], bytearray(good), good[:middle] + b"\xff\xd9"
    zeros[middle : middle + 700] = bytes(700)
    for bad in (lost, bytes(zeros), short, good[:middle], good[:-2]):
        assert find_damage(bad)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".jpg"])
def test_truncated_image_is_found(suffix: str) -> None:
    good = encoded(suffix)
    assert find_damage(good) == ""
    assert find_damage(good[: len(good) // 2])
    assert find_damage(good[:-3])
    assert find_damage(b"")
    assert find_damage(good) == ""  # the child goes on


def test_warning_that_does_not_concern_the_pixels_is_no_damage(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = encoded(".png")
    body = b"iCCPx\0\0not a profile"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    (photos / "000.png").write_bytes(good[:33] + chunk + good[33:])
    source = open_photos(photos)
    for _ in range(2):  # nothing is written in later epochs, either
        assert np.array_equal(source.read(0), photo()[..., ::-1])
    assert capfd.readouterr().err == ""


def test_children_that_were_killed_are_replaced() -> None:
    damage._idle.extend(damage._start() for _ in range(2))
    assert find_damage(encoded(".png")) == ""
    for child in damage._idle:
        child.kill()
        child.wait()
    assert find_damage(encoded(".png")) == ""


def test_damaged_jpegs_are_left_out_of_training(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(4):
        bad = bytearray(encoded(".jpg"))
        for at in np.random.default_rng(seed).integers(len(bad) // 3, len(bad), 40):
            bad[at] = (bad[at] * 7 + 13) % 256
        (photos / f"bad-{seed}.jpg").write_bytes(bad)
    source, _ = open_sources([photos])
    loader = Loader(source, 16, Augmentation(), seed=0)
    list(loader.epoch(0, 32))
    assert [source.names[index] for index in sorted(loader.skipped)] == [f"bad-{n}.jpg" for n in range(4)]
    assert count_skipped(loader.skipped) == "damaged: 4"
    assert capfd.readouterr().err == ""


def test_linked_folders_are_followed_once(photos: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "elsewhere" / "deep", 3, seed=1)
    (photos / "more").symlink_to(tmp_path / "elsewhere")
    (photos / "again").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "back").symlink_to(photos)  # a loop
    (photos / "self").symlink_to(".")
    source = open_photos(photos)
    assert len(source) == 15
    assert source.names == sorted(source.names)
    assert set(source.left_out.values()) == {READ_ALREADY}
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "all").symlink_to(photos)
    assert len(open_photos(tmp_path / "links")) == 15


def test_what_is_no_file_is_never_opened(photos: Path, cifar: Path, tmp_path: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")
    os.mkfifo(photos / "pipe.tar")
    (photos / "zero.png").symlink_to("/dev/zero")
    (photos / "link.png").symlink_to("pipe.jpg")
    (photos / "x.jpg").symlink_to("nowhere.jpg")
    (photos / "notes.txt").write_text("notes")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(photos / "socket.jpg"))  # an address may have some hundred characters
        source, _ = open_sources([photos])
    assert len(source) == 12
    for name in ("pipe.jpg", "zero.png", "link.png", "socket.jpg"):
        assert source.left_out[name] == NO_FILE
    assert source.left_out["x.jpg"] == BROKEN_LINK
    assert source.left_out["notes.txt"] == OTHER_KIND
    line = count_found(len(source), source.left_out)
    assert line.startswith("found 19 files: 12 taken, 7 left out (pipe, device or socket: 4, ")
    (cifar / "data_batch_2").unlink()
    os.mkfifo(cifar / "data_batch_2")
    with pytest.raises(DataError, match="data_batch_2 is missing"):
        open_sources([cifar])
    with pytest.raises(DataError, match="no training images"):
        open_sources([photos / "pipe.tar"])


def test_pipe_that_took_a_photos_place_is_not_waited_for(photos: Path) -> None:
    source, _ = open_sources([photos])
    (photos / "003.png").unlink()
    os.mkfifo(photos / "003.png")
    with pytest.raises(DataError, match=r"003\.png.*no regular file"):
        source.read(3)


def test_measured_photos_are_not_trained_on_wherever_they_lie(photos: Path, tmp_path: Path) -> None:
    val = photos / "val"
    write_photos(val, 3, seed=1)
    (photos / "copies").mkdir()
    shutil.copy(val / "000.png", photos / "copies" / "renamed.png")
    source, measured = open_sources([photos], val)
    assert len(source) == 12
    assert len(measured or ()) == 3
    assert list(source.left_out.values()) == [MEASURED] * 4
    with tarfile.open(tmp_path / "photos-test.tar", "w") as archive:  # a shard for measuring, beside a folder
        archive.add(val / "001.png")
    source, _ = open_sources([photos, tmp_path / "photos-test.tar"])
    assert list(source.left_out) == ["val/001.png"]
    with pytest.raises(DataError, match=r"all images in .* are measured on"):
        open_sources([val], val)


def test_measured_pixels_are_not_trained_on_in_another_encoding(photos: Path, tmp_path: Path) -> None:
    source, _ = open_sources([photos])
    image = source.read(5)
    (photos / "005.png").unlink()
    assert cv2.imwrite(str(photos / "005.bmp"), image[..., ::-1])
    loader = Loader(open_photos(photos), 12, Augmentation(), seed=0)
    loader.measured = [source.read(4), image]
    batch = next(loader.epoch(0, 48))
    assert set(loader.skipped) == {4, 5}
    assert count_skipped(loader.skipped) == "measured on: 2"
    assert not any(torch.equal(each, batch[0]) for each in batch[1:]) or len(batch) == 12


def test_measured_images_of_cifar_are_not_trained_on(cifar: Path, tmp_path: Path) -> None:
    train, _ = open_sources([cifar])
    assert isinstance(train, CifarSource)
    (tmp_path / "val").mkdir()
    for index in (3, 7):
        assert cv2.imwrite(str(tmp_path / "val" / f"{index}.png"), train.read(index)[..., ::-1])
    rest, _ = open_sources([cifar], tmp_path / "val")
    assert len(rest) == 48
    assert list(rest.left_out) == [train.names[3], train.names[7]]
