"""What a file is and how large, from its first bytes: real files, and rubbish."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.videos import write_film

from cgan_runtime.live.server.file_types import HEAD_BYTES, kind_of


def picture(name: str, *, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (37, 53, 3), np.uint8)).convert(mode)
    image.save(file, name, **options)  # type: ignore[arg-type]
    return file.getvalue()


PICTURES = {
    "jpeg": picture("JPEG"),
    "jpeg, grey": picture("JPEG", mode="L"),
    "jpeg, progressive": picture("JPEG", progressive=True),
    "jpeg, with much before its size": picture(
        "JPEG", exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(90_000)
    ),
    "png": picture("PNG"),
    "webp, lossy": picture("WEBP"),
    "webp, lossless": picture("WEBP", lossless=True),
    "webp, alpha": picture("WEBP", mode="RGBA"),
    "webp, exif": picture("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_size_of_a_picture_is_that_of_its_header(name: str) -> None:
    kind = kind_of(PICTURES[name][:HEAD_BYTES])
    assert kind is not None
    assert kind.name == name.split(",")[0]
    assert (kind.width, kind.height) == (53, 37)
    assert not kind.film
    assert kind.plain == ("progressive" not in name)


@pytest.mark.parametrize(
    ("name", "expected"), [("film.mp4", "mp4"), ("film.mov", "mp4"), ("film.mkv", "webm")]
)
def test_films(tmp_path: Path, name: str, expected: str) -> None:
    kind = kind_of(write_film(tmp_path / name).read_bytes()[:HEAD_BYTES])
    assert kind is not None
    assert kind.film
    assert kind.name == expected


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"GIF89a" + bytes(50), b"%PDF", b"#EXTM3U\n", b"RIFF\0\0\0\0AVI "]
)
def test_what_is_not_taken(data: bytes) -> None:
    assert kind_of(data) is None


@given(st.sampled_from(sorted(PICTURES)), st.integers(0, 300), st.binary(max_size=40))
def test_rubbish_is_no_trouble(name: str, length: int, rubbish: bytes) -> None:
    data = PICTURES[name][:length] + rubbish
    kind = kind_of(data)
    assert kind is None or (kind.width >= 0 and kind.height >= 0)
    kind_of(rubbish)
