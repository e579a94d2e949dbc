"""JPEGs made of planes: every decoder reads them, and the luma of a gray JPEG stays as it is coded."""

from __future__ import annotations

import io
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from cgan_runtime.color.encoding import Plane
from cgan_runtime.image.jpeg_planes import components_of, gray_jpeg, is_plain_gray, with_chroma

SHAPES = [(64, 96), (131, 47), (16, 8), (2, 3), (1, 1)]
QUALITY = 95


def planes(shape: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """A slope of luma, and two colors side by side."""
    half = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    luma = np.add.outer(np.linspace(60, 120, shape[0]), np.linspace(0, 60, shape[1])).astype(np.uint8)
    cb, cr = np.full(half, 110, np.uint8), np.full(half, 150, np.uint8)
    cb[:, half[1] // 2 :] = 140
    return luma, cb, cr


def by_opencv(data: bytes) -> Plane:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[..., ::-1]


def by_pillow(data: bytes) -> Plane:
    return np.asarray(Image.open(io.BytesIO(data)))


def by_ffmpeg(data: bytes) -> Plane:
    with av.open(io.BytesIO(data), "r", format="jpeg_pipe") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def luma_of(data: bytes) -> Plane:
    luma = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert luma is not None
    return luma


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decode", [by_opencv, by_pillow, by_ffmpeg])
def test_every_decoder_reads_the_planes(shape: tuple[int, int], decode: object) -> None:
    assert callable(decode)
    luma, cb, cr = planes(shape)
    data = with_chroma(gray_jpeg(luma, QUALITY), cb, cr, QUALITY)
    assert data is not None
    found = decode(data)
    large = [cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST) for plane in (cr, cb)]
    ycc = cv2.merge([luma, *(plane[: shape[0], : shape[1]] for plane in large)])
    assert found.shape == (*shape, 3)
    assert np.abs(found.astype(int) - cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)).mean() < 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "options",
    [{}, {"optimize": True}, {"quality": 30}, {"restart_marker_blocks": 3}, {"restart_marker_rows": 1}],
    ids=["plain", "own codes", "coarse", "restarts", "restarts by rows"],
)
def test_the_luma_of_a_gray_jpeg_stays_as_it_is_coded(shape: tuple[int, int], options: dict[str, int]) -> None:
    luma, cb, cr = planes(shape)
    luma += np.random.default_rng(1).integers(0, 60, shape).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(luma).save(file, "JPEG", **options)
    data = with_chroma(file.getvalue(), cb, cr, QUALITY)
    assert data is not None
    np.testing.assert_array_equal(luma_of(data), luma_of(file.getvalue()))
    assert np.ptp(by_pillow(data).astype(int), axis=2).max() > 20  # it is colored


def test_what_is_coded_otherwise_is_left_to_others(tmp_path: Path) -> None:
    luma, cb, cr = planes((64, 96))
    gray = gray_jpeg(luma, QUALITY)
    others = {"": b"", "truncated": gray[:-2], "in its header": gray[:200], "no jpeg": b"\x89PNG" + gray}
    for name, mode, options in (
        ("progressive", "L", {"progressive": True}), ("colored", "RGB", {}), ("ink", "CMYK", {})
    ):  # fmt: skip
        file = io.BytesIO()
        Image.fromarray(luma).convert(mode).save(file, "JPEG", **options)
        others[name] = file.getvalue()
    assert [name for name, data in others.items() if is_plain_gray(data) or with_chroma(data, cb, cr, QUALITY)] == []
    assert [components_of(others[name]) for name in ("progressive", "colored", "ink", "no jpeg")] == [1, 3, 4, 0]
    assert is_plain_gray(gray)


def test_damaged_headers_raise_nothing() -> None:
    luma, cb, cr = planes((16, 16))
    gray, rng = gray_jpeg(luma, QUALITY), np.random.default_rng(2)
    for _ in range(300):
        damaged = bytearray(gray)
        for place in rng.integers(2, 330, 4):
            damaged[place] = rng.integers(256)
        with_chroma(bytes(damaged), cb, cr, QUALITY)
