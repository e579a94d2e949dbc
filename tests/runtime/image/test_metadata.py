"""EXIF, XMP and color profiles: a colored image keeps what is still true of it."""

from __future__ import annotations

import io
import struct
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
from cgan_runtime.image.gray_profile import rgb_profile
from cgan_runtime.image.metadata import Metadata, encode, first_tag, read_metadata
from cgan_runtime.image.tiff_tags import ORIENTATION
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


def _xmp_for(suffix: str) -> dict[str, Any]:
    if suffix == ".tif":
        return {"tiffinfo": {700: XMP, ORIENTATION: 6, MAKE: "Voigt"}}  # in place of exif
    if suffix != ".png":
        return {"xmp": XMP}
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return {"pnginfo": info}


def _xmp_of(image: Image.Image) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return found if isinstance(found, bytes) else found.encode()


@pytest.mark.parametrize("output", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif"])
def test_a_colored_image_keeps_the_metadata(source: str, output: str, tmp_path: Path, colorizer: Colorizer) -> None:
    gray = _saved(tmp_path / f"in{source}", exif=_exif(), icc_profile=SRGB, **_xmp_for(source))
    colorize_image(gray, tmp_path / f"out{output}", colorizer)
    with Image.open(tmp_path / f"out{output}") as image:
        assert image.size == (32, 48)  # upright
        assert image.getexif()[MAKE] == "Voigt"
        assert image.getexif().get(ORIENTATION, 1) == 1
        assert image.info["icc_profile"] == SRGB
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
        assert read_metadata(path) == Metadata(untrue=(f"the color profile of {space.decode()}",))


@pytest.mark.parametrize("suffix", [".bmp", ".gif"])
def test_formats_without_metadata_hold_the_image(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    gray = _saved(tmp_path / "in.jpg", exif=_exif(), icc_profile=SRGB, xmp=XMP)
    colorize_image(gray, tmp_path / f"out{suffix}", colorizer)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.size == (32, 48)


@pytest.mark.parametrize("output", [".tif", ".jpg"])
def test_a_tiff_keeps_what_describes_it(output: str, tmp_path: Path, colorizer: Colorizer) -> None:
    tags = {270: "Grandmother at the lake", 315: "Voigt", 33432: "CC0"}
    gray = _saved(tmp_path / "in.tif", tiffinfo=tags, dpi=(300, 150), compression="tiff_lzw")
    colorize_image(gray, tmp_path / f"out{output}", colorizer)
    with Image.open(tmp_path / f"out{output}") as image:
        image.load()
        found = image.getexif()
        assert {number: found[number] for number in tags} == tags
        assert (found[282], found[283]) == (300, 150)


def test_tags_change_their_byte_order(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE], exif[282] = 1, "Voigt", 72.5
    exif.get_ifd(0x8769)[0x829A] = 0.125  # exposure time
    exif.endian = ">"
    blob = exif.tobytes().removeprefix(b"Exif\0\0")
    assert blob.startswith(b"MM")
    encoded = encode(".tif", np.zeros((8, 8, 3), np.uint8), [], Metadata(exif=blob))
    assert encoded is not None
    with Image.open(io.BytesIO(encoded)) as image:
        image.load()
        found = image.getexif()
        assert (found[MAKE], found[282], found.get_ifd(0x8769)[0x829A]) == ("Voigt", 72.5, 0.125)


def _gray_profile(curve: bytes) -> bytes:
    """A profile of gray: only a curve, and the white of D50."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags, at = {b"wtpt": white, b"kTRC": curve}, 128 + 4 + 24
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    profile = bytearray(SRGB[:128])
    profile[0:4], profile[12:24] = struct.pack(">I", 128 + len(table + body)), b"mntrGRAYXYZ "
    return bytes(profile) + table + body


def test_the_curve_of_a_gray_profile_stays(tmp_path: Path, colorizer: Colorizer) -> None:
    """Grays of the colored image are shown as those of the gray one."""
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.4 * 256))
    GRAY.save(tmp_path / "in.png", icc_profile=_gray_profile(gamma))
    colorize_image(tmp_path / "in.png", tmp_path / "out.png", colorizer)
    with Image.open(tmp_path / "out.png") as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert profile.profile.xcolor_space == "RGB "
    shown = ImageCms.profileToProfile(Image.merge("RGB", [GRAY] * 3), profile, ImageCms.createProfile("sRGB"))
    assert shown is not None
    codes = np.asarray(shown).astype(int)
    assert np.ptp(codes, axis=2).max() <= 1
    light = (np.asarray(GRAY)[0] / 255) ** 1.4
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(codes[0, :, 0] - expected).max() <= 2


@given(data=st.binary(max_size=200))
def test_no_gray_profile_is_too_damaged(data: bytes) -> None:
    profile = rgb_profile(_gray_profile(b"curv" + data) + data)
    assert profile == b"" or int.from_bytes(profile[:4], "big") == len(profile)


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


def test_padding_between_the_segments_of_a_jpeg_hides_no_metadata(tmp_path: Path) -> None:
    """Any number of bytes 0xFF may precede a marker (ITU-T T.81, B.1.1.2)."""
    data = _saved(tmp_path / "in.jpg", exif=_exif()).read_bytes()
    kept = read_metadata(tmp_path / "in.jpg").exif
    (tmp_path / "in.jpg").write_bytes(data[:2] + b"\xff" + data[2:])
    assert kept
    assert read_metadata(tmp_path / "in.jpg").exif == kept
