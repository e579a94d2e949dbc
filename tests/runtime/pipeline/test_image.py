"""Images from file to file: what a JPEG keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.fakes import FakeBackend

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.image import colorize_image


def _one_color(a: float, b: float) -> Callable[[FloatArray], FloatArray]:
    """A network that always answers (a*, b*)/110."""

    def predict(lightness: FloatArray) -> FloatArray:
        color = np.array([a, b], np.float32)[None, :, None, None]
        return np.broadcast_to(color, (len(lightness), 2, *lightness.shape[2:])).copy()

    return predict


def _codes(path: Path) -> tuple[Plane, Plane, Plane]:
    """Luma, Cb and Cr of a colored JPEG, (H, W) each."""
    luma, cr, cb = cv2.split(cv2.cvtColor(read_image(path), cv2.COLOR_RGB2YCrCb))
    return luma.astype(int), cb, cr


@pytest.mark.parametrize("shape", [(64, 96), (131, 47), (2, 3), (1, 1)])
@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_a_jpeg_keeps_its_luma_at_full_size(tmp_path: Path, shape: tuple[int, int], kind: str) -> None:
    luma = np.random.default_rng(4).integers(90, 160, shape).astype(np.uint8)
    source = tmp_path / "in.png"
    cv2.imwrite(str(source), luma if kind == "gray" else cv2.merge([luma] * 3))
    with Colorizer(FakeBackend(_one_color(0.05, 0.1))) as colorizer:
        colorize_image(source, tmp_path / "out.jpg", colorizer)
    stored, cb, cr = _codes(tmp_path / "out.jpg")
    assert stored.shape == shape
    assert np.abs(stored - luma).max() <= 12  # of which most is the JPEG's own loss
    assert np.abs((stored - luma).mean()) < 1
    assert cr.mean() > 130
    assert cb.mean() < 126


def test_a_jpeg_has_the_colors_of_other_formats(tmp_path: Path) -> None:
    luma = np.tile(np.linspace(60, 200, 96), (64, 1)).astype(np.uint8)
    write_image(tmp_path / "in.png", cv2.merge([luma] * 3))
    with Colorizer(FakeBackend(_one_color(0.1, 0.1))) as colorizer:
        for name in ("out.jpg", "out.png"):
            colorize_image(tmp_path / "in.png", tmp_path / name, colorizer)
    jpeg, png = (read_image(tmp_path / name).astype(int) for name in ("out.jpg", "out.png"))
    assert np.abs(jpeg - png).mean() < 3


@pytest.mark.parametrize("shape", [(64, 96), (131, 47), (1, 1)])
def test_a_gray_jpeg_keeps_its_luma_bit_for_bit(tmp_path: Path, shape: tuple[int, int]) -> None:
    luma = np.random.default_rng(4).integers(0, 256, shape).astype(np.uint8)
    Image.fromarray(luma).save(tmp_path / "in.jpg", quality=60)
    with Colorizer(FakeBackend(_one_color(0.05, 0.1))) as colorizer:
        result = colorize_image(tmp_path / "in.jpg", tmp_path / "out.jpg", colorizer)
    before, after = (cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE) for name in ("in.jpg", "out.jpg"))
    np.testing.assert_array_equal(before, after)
    assert (result.height, result.width) == shape
    assert result.bytes == (tmp_path / "out.jpg").stat().st_size


@pytest.mark.parametrize("kind", ["progressive", "turned", "colored"])
def test_any_other_jpeg_keeps_its_luma_up_to_its_own_loss(tmp_path: Path, kind: str) -> None:
    luma = np.add.outer(np.linspace(40, 200, 60), np.linspace(0, 50, 91)).astype(np.uint8)
    rgb = np.dstack([luma, luma, luma])
    rgb[:, :45, 0], rgb[:, 45:, 2] = 0, 0
    exif = Image.Exif()
    exif[0x112], exif[0x10E] = (6 if kind == "turned" else 1), "a photo"
    image = Image.fromarray(rgb if kind == "colored" else luma)
    image.save(tmp_path / "in.jpg", exif=exif, quality=95, progressive=kind == "progressive")
    with Colorizer(FakeBackend(_one_color(0.05, 0.1))) as colorizer:
        notes = colorize_image(tmp_path / "in.jpg", tmp_path / "out.jpg", colorizer).notes
    before, after = (cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE) for name in ("in.jpg", "out.jpg"))
    assert before is not None
    assert after is not None
    assert after.shape == ((91, 60) if kind == "turned" else (60, 91))
    assert np.abs(before.astype(int) - after).max() <= 4
    with Image.open(tmp_path / "out.jpg") as written:
        kept = written.getexif()
    assert (kept.get(0x112, 1), kept[0x10E]) == (1, "a photo")
    assert bool(notes) == (kind == "colored")


def test_what_is_too_large_for_a_jpeg_is_one_clear_line(tmp_path: Path) -> None:
    write_image(tmp_path / "in.png", np.zeros((1, 70_000, 3), np.uint8))
    with Colorizer(FakeBackend(_one_color(0.1, 0.1))) as colorizer, pytest.raises(MediaError, match=r"of 70000x1; try"):
        colorize_image(tmp_path / "in.png", tmp_path / "out.jpg", colorizer)
