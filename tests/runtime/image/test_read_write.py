"""Images: depth, alpha, orientation, formats, damage and decompression bombs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.fakes import FakeBackend

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.image import colorize_image

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
ORIENTATION = 0x112  # a tag of TIFF and EXIF


def _saved(path: Path, image: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Path:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".PNG"])
def test_lossless_formats_keep_the_pixels(suffix: str, tmp_path: Path) -> None:
    write_image(tmp_path / f"a{suffix}", RGB)
    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), RGB)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_are_close(suffix: str, tmp_path: Path) -> None:
    smooth = cv2.resize(RGB, (300, 200), interpolation=cv2.INTER_CUBIC)
    write_image(tmp_path / f"a{suffix}", smooth)
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - smooth).mean() < 5


def test_depth_and_alpha_are_read_and_written(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65536, (20, 30, 4), dtype=np.uint16)
    for suffix in (".png", ".tiff"):
        write_image(tmp_path / f"a{suffix}", deep)
        assert np.array_equal(read_image(tmp_path / f"a{suffix}"), deep)
    gray = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
    assert np.array_equal(read_image(_saved(tmp_path / "g.png", gray)), gray)


def test_depth_and_alpha_are_reduced_for_formats_without_them(tmp_path: Path) -> None:
    deep = np.full((8, 8, 4), 40_000, np.uint16)
    write_image(tmp_path / "a.jpg", deep)
    read = read_image(tmp_path / "a.jpg")
    assert (read.dtype, read.shape) == (np.uint8, (8, 8, 3))
    assert abs(int(read.mean()) - round(40_000 / 257)) <= 1


def _tiff(order: str, tags: dict[int, int], data: bytes = b"") -> bytes:
    """A TIFF, or EXIF, of tags with one number each, followed by `data`."""
    entries = [struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(tags.items())]
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"".join([mark, struct.pack(f"{order}IH", 8, len(entries)), *entries, struct.pack(f"{order}I", 0), data])


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
    turned = _tiff(">", {ORIENTATION: 6})
    exif = b"\xff\xe1" + struct.pack(">H", len(turned) + 8) + b"Exif\0\0" + turned
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    assert read_image(tmp_path / "a.jpg").shape == (30, 20, 3)


def _with_exif(suffix: str, image: np.ndarray[tuple[int, ...], np.dtype[np.generic]], exif: bytes) -> bytes:
    """An image without loss and with EXIF."""
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else []
    data: bytes = cv2.imencode(suffix, image, lossless)[1].tobytes()
    if suffix == ".png":
        return data[:33] + _chunk(b"eXIf", exif) + data[33:]  # after the header
    height, width = image.shape[:2]
    flags = 0x18 if image.shape[2] == 4 else 0x08  # EXIF, alpha
    extended = b"VP8X" + struct.pack("<II", 10, flags)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    position = data.index(b"VP8L")
    size = int.from_bytes(data[position + 4 : position + 8], "little")
    pixels = data[position : position + 8 + size + size % 2]
    body = b"WEBP" + extended + pixels + b"EXIF" + struct.pack("<I", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_an_image_with_alpha_is_turned_like_one_without(suffix: str, order: str, tmp_path: Path) -> None:
    rgba = np.dstack([RGB, 255 - RGB[..., 0] // 2])
    for orientation in range(10):  # 1 to 8 have a meaning
        exif = _tiff(order, {256: 3, ORIENTATION: orientation})
        (tmp_path / f"a{suffix}").write_bytes(_with_exif(suffix, rgba, exif))
        (tmp_path / f"b{suffix}").write_bytes(_with_exif(suffix, RGB, exif))
        got, expected = read_image(tmp_path / f"a{suffix}"), read_image(tmp_path / f"b{suffix}")
        assert np.array_equal(got[..., :3], expected)
        assert np.array_equal(got[..., 3], 255 - got[..., 2] // 2)


@pytest.mark.parametrize("exif", [b"", b"MM", b"MM\0*\0\0\0\x08\0\x09", b"II*\0\xff\xff\xff\xff", bytes(99)])
def test_invalid_exif_is_ignored(exif: bytes, tmp_path: Path) -> None:
    rgba = np.dstack([RGB, RGB[..., 0]])
    (tmp_path / "a.png").write_bytes(_with_exif(".png", rgba, exif))
    assert np.array_equal(read_image(tmp_path / "a.png"), cv2.cvtColor(rgba, cv2.COLOR_BGRA2RGBA))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_gray_tiff_keeps_its_alpha(order: str, bits: int, tmp_path: Path) -> None:
    samples = RNG.integers(0, 1 << bits, (20, 30, 2))
    data = samples.astype(f"{order}u{bits // 8}").tobytes()
    shape = {256: 30, 257: 20, 258: bits, 259: 1, 262: 1, 277: 2, 338: 2}  # size, bits, ..., samples, alpha
    place = {273: 0, 278: 20, 279: len(data)}  # start, rows, bytes
    place[273] = len(_tiff(order, shape | place))
    tiff = bytearray(_tiff(order, shape | place, data))
    struct.pack_into(f"{order}IHH", tiff, 10 + 12 * 2 + 4, 2, bits, bits)  # two samples' bits in one tag
    (tmp_path / "a.tif").write_bytes(tiff)
    image = read_image(tmp_path / "a.tif")
    assert (str(image.dtype), image.shape) == (f"uint{bits}", (20, 30, 4))
    for channel in range(4):
        assert np.array_equal(image[..., channel], samples[..., channel // 3])
    (tmp_path / "a.tif").write_bytes(tiff[: place[273]])
    with pytest.raises(MediaError, match=r"a.tif is no image that can be read|alpha of .*a.tif cannot be read"):
        read_image(tmp_path / "a.tif")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(99)))
        + _chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no image that can be read"),
        (b"hello", "is no image that can be read"),
        (cv2.imencode(".png", RGB)[1].tobytes()[:500], "is no image that can be read"),
        (_png(60_000, 60_000), "60000x60000 pixels, at most"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03", "65535x65535 pixels, at most"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 10, "is no image that can be read"),
        (cv2.imencode(".tiff", np.full((4, 4), 7, np.float32))[1].tobytes(), "has float32 samples"),
    ],
)
def test_damaged_and_foreign_files_are_refused(
    data: bytes, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(MediaError, match=message):
        read_image(tmp_path / "a.png")
    assert capfd.readouterr().err == ""


def test_missing_files_and_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(MediaError, match="cannot read"):
        read_image(tmp_path)
    with pytest.raises(MediaError, match="names no image that can be written"):
        write_image(tmp_path / "a.doc", RGB)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_an_image_too_large_for_its_format_is_refused(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=rf"a{suffix}: {suffix} cannot hold this image.*; try .png"):
        write_image(tmp_path / f"a{suffix}", np.zeros((1, 70_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_an_image_is_colored_and_keeps_its_size(tmp_path: Path) -> None:
    gray = cv2.resize(RGB[..., 0], (91, 61), interpolation=cv2.INTER_CUBIC)
    with Colorizer(FakeBackend()) as colorizer:
        result = colorize_image(_saved(tmp_path / "a.png", gray), tmp_path / "b.png", colorizer)
        assert (result.width, result.height, result.bytes) == (91, 61, (tmp_path / "b.png").stat().st_size)
        colored = read_image(tmp_path / "b.png").astype(int)
        assert np.abs(colored[..., 0] - colored[..., 2]).max() > 20
        with pytest.raises(MediaError, match="exists already"):
            colorize_image(tmp_path / "a.png", tmp_path / "b.png", colorizer)


_COMPRESSIONS = ["raw", "tiff_adobe_deflate", "packbits", "tiff_lzw", "zstd", "lzma", "jpeg", "group4"]


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "I;16", "I", "F"])
@pytest.mark.parametrize("compression", _COMPRESSIONS)
def test_tiffs_of_any_compression_and_depth_are_read(compression: str, mode: str, tmp_path: Path) -> None:
    codes = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (20, 1))
    deep: dict[str, Any] = {
        "I;16": codes.astype(np.uint16) * 257,
        "I": codes.astype(np.int32),
        "F": codes / np.float32(255),
    }
    image = Image.fromarray(deep[mode]) if mode in deep else Image.fromarray(codes).convert(mode)
    try:
        image.save(tmp_path / "in.tif", compression=compression)
    except (OSError, RuntimeError):
        return  # TIFF has no such pair
    found = read_image(tmp_path / "in.tif")
    assert found.shape[:2] == (20, 32)
    gray = found if found.ndim == 2 else found[..., 0]
    expected = np.asarray(image.convert("L") if mode in ("1", "P") else image, np.float64)
    expected = expected[..., 0] if expected.ndim == 3 else expected
    span = {"F": 65_535, "I": 1}.get(mode, 1)
    assert np.abs(gray - expected * span).max() <= (4 if compression == "jpeg" else 1)


_LAYOUTS: list[dict[str, Any]] = [
    {"tile": (16, 16)},
    {"tile": (32, 48)},
    {"rowsperstrip": 3},
    {"planarconfig": "separate"},
    {"planarconfig": "separate", "tile": (16, 16)},
    {"predictor": True, "compression": "zlib"},
    {"predictor": True, "compression": "zlib", "tile": (16, 16)},
    {"bigtiff": True},
    {"bigtiff": True, "tile": (16, 16)},
]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("layout", _LAYOUTS, ids=str)
def test_tiffs_in_any_layout_are_read(
    layout: dict[str, Any], channels: int, dtype: type[np.generic], byteorder: str, tmp_path: Path
) -> None:
    """Tiles, strips, planes, predictors and byte orders; what Pillow refuses may be refused in one line."""
    if "predictor" in layout and dtype is np.float32:
        return  # needs another library to write it
    codes = np.add.outer(3 * np.arange(20), 5 * np.arange(36)).astype(np.uint8)
    image = codes[..., None].repeat(channels, 2) if channels > 1 else codes
    samples = (
        image / np.float32(255) if dtype is np.float32 else image.astype(dtype) * (257 if dtype is np.uint16 else 1)
    )
    how = layout | ({"photometric": "rgb"} if channels > 1 else {"photometric": "minisblack"})
    if "planarconfig" in how and channels > 1:
        samples = np.moveaxis(samples, -1, 0)
    elif "planarconfig" in how:
        del how["planarconfig"]
    how |= {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "in.tif", np.ascontiguousarray(samples), byteorder=byteorder, **how)
    try:
        found = read_image(tmp_path / "in.tif")
    except MediaError:
        if "planarconfig" in how and dtype is np.uint16:
            return  # Pillow reads other colors
        with pytest.raises((OSError, ValueError, UserWarning)):
            Image.open(tmp_path / "in.tif").load()
        return
    gray = found if found.ndim == 2 else found[..., 0]
    step = 1 if found.dtype == np.uint8 else 257
    assert np.abs(gray / step - codes).max() < 0.6


@pytest.mark.parametrize("samples", [np.full((4, 4), 70_000, np.int32), np.full((4, 4), -1, np.int32)])
def test_samples_without_a_known_white_are_refused(samples: Any, tmp_path: Path) -> None:
    Image.fromarray(samples).save(tmp_path / "in.tif")
    with pytest.raises(MediaError, match="has int32 samples"):
        read_image(tmp_path / "in.tif")
