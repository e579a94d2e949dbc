"""EXIF, XMP and colour profiles: what stays true of a coloured picture is in it, the rest is not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from tests.fakes import FakeBackend

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.media.metadata import ORIENTATION, Metadata, encode, first_tag, read_metadata
from cgan_runtime.pipeline import colour_still

pytestmark = pytest.mark.skipif(
    not hasattr(cv2, "imdecodeWithMetadata"), reason="OpenCV reads metadata from 4.12 on"
)

MAKE = 0x10F  # a tag of EXIF
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" dc:title="Grandmother"/></x:xmpmeta>'
GREY = Image.fromarray(np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (32, 1)))


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "Voigt"
    return exif


def _saved(path: Path, **metadata: Any) -> Path:
    GREY.convert("RGB").save(path, **metadata)
    return path


def _xmp_of(picture: Image.Image) -> bytes:
    found = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return found if isinstance(found, bytes) else found.encode()


@pytest.mark.parametrize("output", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
def test_a_coloured_picture_says_what_the_grey_one_did(
    source: str, output: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    xmp = {} if source == ".png" else {"xmp": XMP}  # OpenCV does not read that of a PNG
    grey = _saved(tmp_path / f"in{source}", exif=_exif(), icc_profile=SRGB, **xmp)
    colour_still(grey, tmp_path / f"out{output}", colorizer)
    with Image.open(tmp_path / f"out{output}") as picture:
        assert picture.size == (32, 48)  # upright
        assert picture.getexif()[MAKE] == "Voigt"
        assert picture.getexif()[ORIENTATION] == 1
        assert picture.info["icc_profile"] == SRGB
        if xmp:
            assert b"Grandmother" in _xmp_of(picture)
            assert b'tiff:Orientation="1"' in _xmp_of(picture)
            assert b"http://ns.adobe.com/xap/1.0/" not in _xmp_of(picture)


def test_a_thumbnail_does_not_stay_grey(tmp_path: Path) -> None:
    thumbnail = io.BytesIO()
    GREY.resize((16, 12)).save(thumbnail, "JPEG")
    exif = _exif()
    first = exif.get_ifd(0x8769)
    first[0x9003] = "1924:05:01 12:00:00"
    exif.get_ifd(1)[0x201] = thumbnail.getvalue()
    kept = read_metadata(_saved(tmp_path / "in.jpg", exif=exif)).exif
    read = Image.Exif()
    read.load(b"Exif\0\0" + kept)
    assert read[MAKE] == "Voigt"
    assert read.get_ifd(0x8769)[0x9003] == "1924:05:01 12:00:00"
    assert not read.get_ifd(1)


def test_profiles_of_grey_and_of_ink_are_left_out(tmp_path: Path) -> None:
    for space in (b"GRAY", b"CMYK"):
        path = _saved(tmp_path / "in.jpg", icc_profile=SRGB[:16] + space + SRGB[20:])
        assert read_metadata(path) == Metadata()


@pytest.mark.parametrize("suffix", [".tif", ".bmp"])
def test_formats_that_hold_none_hold_the_picture(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    grey = _saved(tmp_path / "in.jpg", exif=_exif(), icc_profile=SRGB, xmp=XMP)
    colour_still(grey, tmp_path / f"out{suffix}", colorizer)
    with Image.open(tmp_path / f"out{suffix}") as picture:
        assert picture.size == (32, 48)


def test_more_than_a_jpeg_holds_is_left_out_of_it() -> None:
    bgr = np.zeros((8, 8, 3), np.uint8)
    exif = _exif().tobytes() + bytes(70_000)
    encoded = encode(".jpg", bgr, [], Metadata(exif=exif, profile=SRGB))
    assert encoded is not None
    with Image.open(io.BytesIO(encoded)) as picture:
        assert picture.info["icc_profile"] == SRGB
        assert not picture.getexif()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from([b"II*\0", b"MM\0*"]), rest=st.binary(max_size=64), cut=st.integers(0, 80))
def test_broken_exif_is_passed_over(head: bytes, rest: bytes, cut: int, tmp_path: Path) -> None:
    whole = _exif().tobytes().removeprefix(b"Exif\0\0")
    for exif in (head + rest, whole[:cut]):
        kept = read_metadata(_saved(tmp_path / "in.jpg", exif=b"Exif\0\0" + exif)).exif
        assert len(kept) in (0, len(exif))
        assert first_tag(kept, ORIENTATION) in (0, 1)
