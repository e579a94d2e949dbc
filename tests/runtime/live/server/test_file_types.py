"""Type and size of a file from its first bytes: real files and random bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.videos import write_video

from cgan_runtime.live.server.file_types import HEAD_BYTES, detect_file_type


def image(name: str, *, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    made = Image.fromarray(np.random.default_rng(0).integers(0, 255, (37, 53, 3), np.uint8)).convert(mode)
    made.save(file, name, **options)  # type: ignore[arg-type]
    return file.getvalue()


IMAGES = {
    "jpeg": image("JPEG"),
    "jpeg, gray": image("JPEG", mode="L"),
    "jpeg, progressive": image("JPEG", progressive=True),
    "jpeg, large metadata": image("JPEG", exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(90_000)),
    "png": image("PNG"),
    "webp, lossy": image("WEBP"),
    "webp, lossless": image("WEBP", lossless=True),
    "webp, alpha": image("WEBP", mode="RGBA"),
    "tiff": image("TIFF"),
    "tiff, compressed": image("TIFF", compression="tiff_deflate"),
    "bmp": image("BMP"),
    "webp, exif": image("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_size_of_an_image(name: str) -> None:
    found = detect_file_type(IMAGES[name][:HEAD_BYTES])
    assert found is not None
    assert found.name == name.split(",")[0]
    assert (found.width, found.height) == (53, 37)
    assert not found.video
    assert found.sequential == ("progressive" not in name)


VIDEOS = {
    "video.mp4": "mp4", "video.mov": "mp4", "video.mkv": "webm", "video.avi": "x-msvideo", "video.ts": "mp2t",
    "video.m2ts": "mp2t", "video.flv": "x-flv",
}  # fmt: skip


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(tmp_path: Path, name: str) -> None:
    found = detect_file_type(write_video(tmp_path / name).read_bytes()[:HEAD_BYTES])
    assert found is not None
    assert found.video
    assert found.name == VIDEOS[name]


def test_other_videos_and_a_tiff_whose_directory_comes_late() -> None:
    for start, name in (
        (b"GIF89a", "gif"),
        (b"\0\0\x01\xba", "mpeg"),
        (b"OggS", "ogg"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "x-ms-wmv"),
    ):
        found = detect_file_type(start + bytes(50))
        assert found is not None
        assert (found.name, found.video) == (name, True)
    late = detect_file_type(b"MM\0*\0\xff\0\0" + bytes(50))
    assert late is not None
    assert (late.name, late.pixels) == ("tiff", 0)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"%PDF", b"#EXTM3U\n", b"RIFF\0\0\0\0WAVE", b"G"])
def test_types_that_are_not_accepted(data: bytes) -> None:
    assert detect_file_type(data) is None


@given(st.sampled_from(sorted(IMAGES)), st.integers(0, 300), st.binary(max_size=40))
def test_random_bytes_raise_nothing(name: str, length: int, noise: bytes) -> None:
    data = IMAGES[name][:length] + noise
    found = detect_file_type(data)
    assert found is None or (found.width >= 0 and found.height >= 0)
    detect_file_type(noise)
