"""EXIF, XMP and color profiles: a colored image keeps what is still true of it."""

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
from PIL import Image, ImageCms, PngImagePlugin
from tests.fakes import FakeBackend

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.metadata import ORIENTATION, Metadata, encode, first_tag, read_metadata
from cgan_runtime.pipeline.image import colorize_image

pytestmark = pytest.mark.skipif(not hasattr(cv2, "imdecodeWithMetadata"), reason="OpenCV reads metadata from 4.12 on")

MAKE = 0x10F  # a tag of EXIF
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LARGE = (70_000).to_bytes(4, "big") + SRGB[4:] + bytes(70_000 - len(SRGB))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" dc:title="Grandmother"/></x:xmpmeta>'
GRAY = Image.fromarray(np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (32, 1)))


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "Voigt"
    return exif


def _saved(path: Path, **metadata: Any) -> Path:
    GRAY.convert("RGB").save(path, **metadata)
    return path


def _xmp_of(image: Image.Image) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return found if isinstance(found, bytes) else found.encode()


@pytest.mark.parametrize("output", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
def test_a_colored_image_keeps_the_metadata(source: str, output: str, tmp_path: Path, colorizer: Colorizer) -> None:
    xmp = {} if source == ".png" else {"xmp": XMP}  # OpenCV does not read that of a PNG
    gray = _saved(tmp_path / f"in{source}", exif=_exif(), icc_profile=SRGB, **xmp)
    colorize_image(gray, tmp_path / f"out{output}", colorizer)
    with Image.open(tmp_path / f"out{output}") as image:
        assert image.size == (32, 48)  # upright
        assert image.getexif()[MAKE] == "Voigt"
        assert image.getexif()[ORIENTATION] == 1
        assert image.info["icc_profile"] == SRGB
        if xmp:
            assert _xmp_of(image) == XMP.replace(b'Orientation="6"', b'Orientation="1"')


def test_the_gray_thumbnail_is_removed(tmp_path: Path) -> None:
    thumbnail = io.BytesIO()
    GRAY.resize((16, 12)).save(thumbnail, "JPEG")
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


def test_xmp_of_any_length_keeps_its_length() -> None:
    """OpenCV reads past the end of XMP that it writes into a PNG."""
    bgr = np.zeros((8, 8, 3), np.uint8)
    for length in range(200):
        xmp = b"<x>" + bytes(97 + n % 26 for n in range(length)) + b"</x>"
        encoded = encode(".png", bgr, [], Metadata(xmp=xmp))
        assert encoded is not None
        with Image.open(io.BytesIO(encoded)) as image:
            assert _xmp_of(image) == xmp


@pytest.mark.parametrize("profile", [SRGB[:100], SRGB + bytes(8), LARGE], ids=["cut off", "padded", "too large"])
def test_an_invalid_profile_is_dropped_alone(profile: bytes, tmp_path: Path, colorizer: Colorizer) -> None:
    large = len(profile).to_bytes(4, "big") + SRGB[4:128] + profile[128:] if len(profile) > 65_536 else profile
    gray = _saved(tmp_path / "in.jpg", exif=_exif(), icc_profile=large)
    for name in ("out.jpg", "out.png"):
        colorize_image(gray, tmp_path / name, colorizer)
        with Image.open(tmp_path / name) as image:
            assert image.getexif()[MAKE] == "Voigt"
            assert ("icc_profile" in image.info) == (profile is LARGE and name == "out.png")


def test_exif_that_was_not_applied_keeps_its_orientation(tmp_path: Path, colorizer: Colorizer) -> None:
    """PNGs from before 2017 hold EXIF as text; OpenCV returns it but does not apply it."""
    exif = _exif().tobytes()
    text = f"\nexif\n{len(exif)}\n{exif.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", text, zip=True)
    gray = _saved(tmp_path / "in.png", pnginfo=info)
    colorize_image(gray, tmp_path / "out.png", colorizer)
    with Image.open(tmp_path / "out.png") as image:
        turned = image.size != GRAY.size
        assert turned == (image.getexif().get(ORIENTATION, 1) == 1)


def test_an_orientation_of_another_type_is_ignored(tmp_path: Path) -> None:
    exif = _exif().tobytes().removeprefix(b"Exif\0\0")
    entry = exif.index(ORIENTATION.to_bytes(2, "big"))
    as_long = exif[: entry + 2] + b"\0\x04" + exif[entry + 4 : entry + 8] + b"\0\0\0\x06" + exif[entry + 12 :]
    assert read_metadata(_saved(tmp_path / "in.jpg", exif=b"Exif\0\0" + as_long)).exif == b""


def test_profiles_of_gray_and_cmyk_are_left_out(tmp_path: Path) -> None:
    for space in (b"GRAY", b"CMYK"):
        path = _saved(tmp_path / "in.jpg", icc_profile=SRGB[:16] + space + SRGB[20:])
        assert read_metadata(path) == Metadata()


@pytest.mark.parametrize("suffix", [".tif", ".bmp"])
def test_formats_without_metadata_hold_the_image(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    gray = _saved(tmp_path / "in.jpg", exif=_exif(), icc_profile=SRGB, xmp=XMP)
    colorize_image(gray, tmp_path / f"out{suffix}", colorizer)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.size == (32, 48)


def test_metadata_too_large_for_a_jpeg_are_left_out() -> None:
    bgr = np.zeros((8, 8, 3), np.uint8)
    exif = _exif().tobytes() + bytes(70_000)
    encoded = encode(".jpg", bgr, [], Metadata(exif=exif, profile=SRGB))
    assert encoded is not None
    with Image.open(io.BytesIO(encoded)) as image:
        assert image.info["icc_profile"] == SRGB
        assert not image.getexif()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from([b"II*\0", b"MM\0*"]), rest=st.binary(max_size=64), cut=st.integers(0, 80))
def test_broken_exif_is_ignored(head: bytes, rest: bytes, cut: int, tmp_path: Path) -> None:
    whole = _exif().tobytes().removeprefix(b"Exif\0\0")
    for exif in (head + rest, whole[:cut]):
        kept = read_metadata(_saved(tmp_path / "in.jpg", exif=b"Exif\0\0" + exif)).exif
        assert len(kept) in (0, len(exif))
        assert first_tag(kept, ORIENTATION) in (0, 1)
