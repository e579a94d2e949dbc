"""Pages of a TIFF and frames of an animation: all are colored, in order, or it is said that they are not."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import AppendingTiffWriter
from tests.fakes import FakeBackend

from cgan_runtime.color.lab import lab_of_rgb
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.image.frames import read_frames
from cgan_runtime.image.read_write import read_image
from cgan_runtime.image.tiff_tags import ORIENTATION
from cgan_runtime.pipeline.image import colorize_image

COUNT = 5
Array = np.ndarray[Any, Any]

pytestmark = pytest.mark.skipif(not hasattr(cv2, "imdecodeanimation"), reason="OpenCV before 4.11 has no animations")


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as opened:
        yield opened


def _grays(dtype: type[np.generic] = np.uint8) -> list[Array]:
    wedge = np.tile(np.linspace(30, 220, 64), (48, 1)) * (257 if dtype is np.uint16 else 1)
    return [np.roll(wedge, 10 * number, 1).astype(dtype) for number in range(COUNT)]


def _animation(path: Path, *, alpha: bool = False) -> Path:
    animation = cv2.Animation(3)
    animation.frames = [cv2.cvtColor(each, cv2.COLOR_GRAY2BGRA) for each in _grays()]
    if alpha:
        for frame in animation.frames:
            frame[:10, :10, 3] = 0
    animation.durations = [100, 50, 100, 200, 100]
    cv2.imwriteanimation(str(path), animation)
    return path


def _differs(gray: Array, colored: Array) -> float:
    lightness = lab_of_rgb(np.dstack([gray] * 3))[0]
    return float(np.abs(lab_of_rgb(np.ascontiguousarray(colored[..., :3]))[0] - lightness).mean())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_pages_of_a_tiff_are_colored(dtype: type[np.generic], tmp_path: Path, colorizer: Colorizer) -> None:
    cv2.imwritemulti(str(tmp_path / "in.tif"), _grays(dtype))
    result = colorize_image(tmp_path / "in.tif", tmp_path / "out.tif", colorizer)
    pages = read_frames(tmp_path / "out.tif")
    assert pages is not None
    assert pages.are_pages
    assert result.notes == ("all 5 pages are colored",)
    for gray, page in zip(_grays(dtype), pages.images, strict=True):
        assert page.dtype == dtype
        assert page.shape == (48, 64, 3)
        assert _differs(gray, page) < 0.5
        assert np.ptp(page.astype(int), axis=2).max() > 20


def test_pages_may_have_different_sizes_and_alpha(tmp_path: Path, colorizer: Colorizer) -> None:
    clear = np.zeros((10, 12, 4), np.uint8)
    clear[5:] = 200
    cv2.imwritemulti(str(tmp_path / "in.tiff"), [_grays()[0], clear, np.full((7, 5, 3), 90, np.uint8)])
    colorize_image(tmp_path / "in.tiff", tmp_path / "out.tiff", colorizer)
    pages = read_frames(tmp_path / "out.tiff")
    assert pages is not None
    assert [page.shape for page in pages.images] == [(48, 64, 3), (10, 12, 4), (7, 5, 3)]
    assert np.array_equal(pages.images[1][..., 3], clear[..., 3])


@pytest.mark.parametrize("source", [".webp", ".png", ".gif"])
@pytest.mark.parametrize("target", [".webp", ".png", ".gif"])
def test_animations_are_colored_as_such(source: str, target: str, tmp_path: Path, colorizer: Colorizer) -> None:
    colorize_image(_animation(tmp_path / f"in{source}"), tmp_path / f"out{target}", colorizer)
    before, after = read_frames(tmp_path / f"in{source}"), read_frames(tmp_path / f"out{target}")
    assert before is not None
    assert after is not None
    assert (after.durations, after.loops) == ((100, 50, 100, 200, 100), 3)
    for gray, frame in zip(before.images, after.images, strict=True):
        assert _differs(np.ascontiguousarray(gray[..., 0]), frame) < (6 if ".gif" in (source, target) else 2)
        assert np.ptp(frame[..., :3].astype(int), axis=2).max() > 20


def test_transparency_of_an_animation_stays(tmp_path: Path, colorizer: Colorizer) -> None:
    colorize_image(_animation(tmp_path / "in.png", alpha=True), tmp_path / "out.webp", colorizer)
    frames = read_frames(tmp_path / "out.webp")
    assert frames is not None
    assert [frame[5, 5, 3] for frame in frames.images] == [0] * COUNT
    assert [frame[40, 40, 3] for frame in frames.images] == [255] * COUNT


def test_the_color_of_an_animation_is_steady(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    flicker = FakeBackend(lambda seen: np.full((1, 2, *seen.shape[2:]), dice.choice([-0.2, 0.2]), np.float32))
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(_grays()[0], cv2.COLOR_GRAY2BGRA)] * 12
    animation.durations = [40] * 12
    cv2.imwriteanimation(str(tmp_path / "in.png"), animation)
    with Colorizer(flicker) as colorizer:
        colorize_image(tmp_path / "in.png", tmp_path / "out.png", colorizer)
    frames = read_frames(tmp_path / "out.png")
    assert frames is None or np.ptp([frame[24, 32, 0] for frame in frames.images]) < 20


@pytest.mark.parametrize(("source", "target", "kind"), [
    (".tif", ".png", "pages"), (".tif", ".jpg", "pages"), (".webp", ".jpg", "frames"), (".png", ".tif", "frames"),
])  # fmt: skip
def test_a_format_of_one_image_takes_the_first_and_says_so(
    source: str, target: str, kind: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    if source == ".tif":
        cv2.imwritemulti(str(tmp_path / "in.tif"), _grays())
    else:
        _animation(tmp_path / f"in{source}")
    result = colorize_image(tmp_path / f"in{source}", tmp_path / f"out{target}", colorizer)
    assert any(f"only the first of 5 {kind} is colored" in note for note in result.notes)
    assert read_image(tmp_path / f"out{target}").shape[:2] == (48, 64)


def test_gray_and_color_are_compared_on_every_page(tmp_path: Path, colorizer: Colorizer) -> None:
    cv2.imwritemulti(str(tmp_path / "in.tif"), _grays())
    colorize_image(tmp_path / "in.tif", tmp_path / "out.tif", colorizer, compare=True)
    pages = read_frames(tmp_path / "out.tif")
    assert pages is not None
    assert [page.shape for page in pages.images] == [(48, 128, 3)] * COUNT


def test_files_of_one_image_are_none(tmp_path: Path) -> None:
    for suffix in (".tif", ".png", ".webp", ".jpg", ".bmp", ".gif"):
        cv2.imwrite(str(tmp_path / f"in{suffix}"), _grays()[0])
        assert read_frames(tmp_path / f"in{suffix}") is None


def _cut(data: bytes, end: int) -> bytes:
    return data[: max(8, end % len(data))]


@given(end=st.integers(8, 1 << 16), kind=st.sampled_from([".webp", ".png", ".gif", ".tif"]))
def test_damaged_files_are_one_error_or_fewer_images(
    end: int, kind: str, whole: dict[str, bytes], scratch: Path
) -> None:
    scratch.write_bytes(_cut(whole[kind], end))
    try:
        frames = read_frames(scratch)
    except MediaError:
        return
    assert frames is None or 1 < len(frames.images) <= COUNT


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "in.bin"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    cv2.imwritemulti(str(folder / "in.tif"), _grays())
    return {suffix: (folder / f"in{suffix}").read_bytes() for suffix in (".tif",)} | {
        suffix: _animation(folder / f"in{suffix}").read_bytes() for suffix in (".webp", ".png", ".gif")
    }


def test_a_chain_of_pages_that_runs_in_a_circle_ends(tmp_path: Path) -> None:
    memory = io.BytesIO(struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HI", 0, 8) + bytes(16))
    (tmp_path / "in.tif").write_bytes(memory.getvalue())
    assert read_frames(tmp_path / "in.tif") is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_page_is_turned_by_its_own_tag(orientation: int, tmp_path: Path) -> None:
    images = [Image.fromarray(_gray).convert(mode) for _gray, mode in zip(_grays(), ("L", "RGB", "RGBA"), strict=False)]
    shown = []
    for number, image in enumerate(images):
        turn = orientation if number != 1 else 1
        path = tmp_path / f"{number}.tif"
        image.save(path, tiffinfo={ORIENTATION: turn}, compression="tiff_lzw")
        with Image.open(path) as page:
            shown.append(np.asarray(ImageOps.exif_transpose(page)))
        assert np.array_equal(read_image(path), shown[-1])
    with AppendingTiffWriter(str(tmp_path / "pages.tif")) as pages:
        for number in range(len(images)):
            pages.write((tmp_path / f"{number}.tif").read_bytes())
            pages.newFrame()
    frames = read_frames(tmp_path / "pages.tif")
    assert frames is not None
    for page, expected in zip(frames.images, shown, strict=True):
        assert np.array_equal(page, expected)
