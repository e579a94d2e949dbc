"""Comments of images, and what describes animations: kept where the format holds it, else named."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin
from tests.fakes import FakeBackend

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.chunks import read_texts
from cgan_runtime.pipeline.image import colorize_image

MAKE = 0x10F  # a tag of EXIF
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
WEDGE = np.tile(np.arange(0, 240, 5, np.uint8), (32, 1))
FRAMES = [Image.fromarray(np.roll(WEDGE, 6 * number, 1)).convert("RGB") for number in range(3)]
DELAYS = [40, 80, 500]

pytestmark = pytest.mark.skipif(not hasattr(cv2, "imdecodeanimation"), reason="OpenCV before 4.11 has no animations")


@pytest.fixture(scope="module")
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as opened:
        yield opened


def _source(path: Path) -> Path:
    exif = Image.Exif()
    exif[MAKE] = "Voigt"
    details: dict[str, Any] = {"exif": exif, "icc_profile": PROFILE}
    if path.suffix == ".png":
        details["pnginfo"] = PngImagePlugin.PngInfo()
        details["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
        details["pnginfo"].add_text("Title", "Gray goats")
        details["pnginfo"].add_text("Comment", "Of 1912", zip=True)
    elif path.suffix == ".gif":
        details = {"comment": b"Of 1912" * 60}
    else:
        details["xmp"] = XMP
    FRAMES[0].save(path, save_all=True, append_images=FRAMES[1:], duration=DELAYS, loop=3, **details)
    return path


@pytest.mark.parametrize("output", [".png", ".webp", ".gif"])
@pytest.mark.parametrize("source", [".png", ".webp", ".gif"])
def test_an_animation_keeps_what_describes_it(source: str, output: str, tmp_path: Path, colorizer: Colorizer) -> None:
    target = tmp_path / f"out{output}"
    notes = " ".join(colorize_image(_source(tmp_path / f"in{source}"), target, colorizer).notes)
    with Image.open(target) as image:
        delays = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            image.load()
            delays.append(image.info["duration"])
        image.seek(0)
        assert delays == DELAYS
        # A GIF says how often it is repeated, the others how often it is shown.
        assert image.info["loop"] + (output == ".gif") == 3 + (source == ".gif")
        has_details = source != ".gif" and output != ".gif"
        assert image.info.get("icc_profile") == (PROFILE if has_details else None)
        assert image.getexif().get(MAKE) == ("Voigt" if has_details else None)
        found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
        assert (found if isinstance(found, bytes) else found.encode()) == (XMP if has_details else b"")
    assert (f"{output} cannot hold this, which is left out: EXIF, XMP, the color profile" in notes) == (
        source != ".gif" and output == ".gif"
    )
    texts = dict(read_texts(target.read_bytes()))
    has_texts = source in (".png", ".gif")
    assert any("Of 1912" in text for text in texts.values()) == (has_texts and output != ".webp")
    assert ("comments" in notes) == (has_texts and output == ".webp")


@pytest.mark.parametrize("output", [".png", ".jpg", ".gif", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("source", [".png", ".jpg"])
def test_comments_of_a_photo_are_kept_or_named(source: str, output: str, tmp_path: Path, colorizer: Colorizer) -> None:
    path = tmp_path / f"in{source}"
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Zoë Öst")
    how = {"pnginfo": info} if source == ".png" else {"comment": "Zoë Öst".encode()}
    FRAMES[0].save(path, exif=Image.Exif(), **how)
    result = colorize_image(path, tmp_path / f"out{output}", colorizer)
    texts = read_texts((tmp_path / f"out{output}").read_bytes())
    is_named = any("comments" in note for note in result.notes)
    assert (any("Zoë Öst" in text for _, text in texts), is_named) == (
        (False, True) if output in (".webp", ".tif", ".bmp") else (True, False)
    )


def test_a_profile_of_ink_is_named(tmp_path: Path, colorizer: Colorizer) -> None:
    ink = PROFILE[:16] + b"CMYK" + PROFILE[20:]
    FRAMES[0].save(tmp_path / "in.jpg", icc_profile=ink)
    notes = colorize_image(tmp_path / "in.jpg", tmp_path / "out.jpg", colorizer).notes
    assert "the color profile of CMYK is left out" in notes


@given(data=st.binary(max_size=60))
def test_no_file_is_too_damaged(data: bytes) -> None:
    whole = io.BytesIO()
    FRAMES[0].save(whole, "PNG")
    for start in (b"", whole.getvalue()[:40], b"GIF89a", b"\xff\xd8\xff\xfe"):
        read_texts(start + data)
