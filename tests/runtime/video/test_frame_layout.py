"""Pixel formats: which luma is used without conversion, which is converted, and how codes are read."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.videos import luma_of

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.errors import MediaError
from cgan_runtime.video.frame_layout import FrameLayout, luma_plane

X264 = [pixel_format.name for pixel_format in av.Codec("libx264", "w").video_formats or []]
FFV1 = [pixel_format.name for pixel_format in av.Codec("ffv1", "w").video_formats or []]


def _frame(pixel_format: str, width: int = 64, height: int = 48, value: int | None = None) -> av.VideoFrame:
    """A gray wedge, or one gray value, in any pixel format."""
    codes = np.linspace(0, 255, width, dtype=np.uint8)[None].repeat(height, 0).copy()
    if value is not None:
        codes[:] = value
    gray = av.VideoFrame.from_ndarray(codes, format="gray")
    return gray if pixel_format == "gray" else gray.reformat(format=pixel_format)


def _plan(frame: av.VideoFrame, accepted: list[str] = X264, codec: str = "ffv1") -> FrameLayout:
    return FrameLayout.plan(frame, codec=codec, accepted=accepted, encoder="the encoder")


@pytest.mark.parametrize(
    ("source", "stored", "bits"),
    [
        ("yuv420p", "yuv420p", 8),
        ("yuvj420p", "yuv420p", 8),
        ("yuv422p", "yuv422p", 8),
        ("yuv444p", "yuv444p", 8),
        ("yuv420p10le", "yuv420p10le", 10),
        ("yuv422p10le", "yuv422p10le", 10),
        ("yuv420p12le", "yuv420p12le", 12),
        ("gray", "yuv420p", 8),
        ("gray10le", "yuv420p10le", 10),
        ("gray16le", "yuv420p16le", 16),
        ("nv12", "yuv420p", 8),
        ("nv16", "yuv422p", 8),
        ("yuv411p", "yuv420p", 8),
        ("yuva420p", "yuv420p", 8),
    ],
)
def test_a_separate_luma_plane_is_used_without_conversion(source: str, stored: str, bits: int) -> None:
    frame = _frame(source, 66, 48)
    layout = _plan(frame, FFV1)
    assert (layout.pixel_format, layout.encoding.bits) == (stored, bits)
    assert layout.prepare(frame) is frame
    assert np.array_equal(luma_plane(frame), luma_of(frame))


CONVERTED = {
    "yuyv422": "yuv422p", "uyvy422": "yuv422p", "p010le": "yuv420p10le", "p210le": "yuv422p10le",
    "rgb24": "yuv420p", "bgr0": "yuv420p", "gbrp": "yuv420p", "bgr8": "yuv420p", "monob": "yuv420p",
    "gbrp10le": "yuv420p10le", "yuv420p10be": "yuv420p10le", "ya8": "yuv420p", "rgb565le": "yuv420p",
}  # fmt: skip


@pytest.mark.parametrize("source", CONVERTED)
def test_other_formats_are_converted_once(source: str) -> None:
    frame = _frame(source)
    frame.pts, frame.time_base, frame.duration = 7, Fraction(1, 25), 1
    layout = _plan(frame)
    assert layout.pixel_format == CONVERTED[source]
    prepared = layout.prepare(frame)
    assert prepared.format.name == CONVERTED[source]
    assert (prepared.pts, prepared.time_base, prepared.duration) == (7, Fraction(1, 25), 1)
    assert luma_plane(prepared).shape == (48, 64)


def test_a_palette_becomes_full_range_luma() -> None:
    codes = np.arange(64, dtype=np.uint8)[None].repeat(48, 0)
    grays = np.arange(256, dtype=np.uint8)[:, None].repeat(4, 1)
    grays[:, 0] = 255  # opaque
    frame = av.VideoFrame.from_ndarray((codes, grays), format="pal8")
    layout = _plan(frame)
    assert (layout.pixel_format, layout.encoding.full_range) == ("yuv420p", True)
    assert np.abs(luma_plane(layout.prepare(frame)).astype(int) - codes).max() <= 1


@pytest.mark.parametrize("source", ["p010le", "yuv420p10be", "yuyv422", "uyvy422"])
@pytest.mark.parametrize("color_range", [1, 2])
def test_a_conversion_between_layouts_keeps_every_luma_code(source: str, color_range: int) -> None:
    plain = "yuv420p10le" if "10" in source else "yuv422p"
    bits = 10 if "10" in source else 8
    original = av.VideoFrame(64, 48, plain)
    codes = (np.arange(64 * 48) % (1 << bits)).astype("<u2" if bits > 8 else "u1")
    luma_plane(original)[:] = codes.reshape(48, 64)
    for plane in original.planes[1:]:
        plane.update(np.full(plane.buffer_size // codes.itemsize, 1 << (bits - 1), codes.dtype).tobytes())
    original.color_range = color_range
    other = original.reformat(format=source, src_color_range=color_range, dst_color_range=color_range)
    other.color_range = color_range
    layout = _plan(other)
    assert layout.encoding.full_range == (color_range == 2)
    assert np.array_equal(luma_of(layout.prepare(other)), luma_of(original))


@pytest.mark.parametrize("source", ["rgb24", "bgr0", "gbrp"])
def test_rgb_becomes_full_range_luma(source: str) -> None:
    for value in (0, 100, 255):
        layout = _plan(frame := _frame(source, value=value))
        assert layout.encoding == Encoding("bt601", full_range=True, bits=8)
        assert abs(int(luma_plane(layout.prepare(frame)).mean()) - value) <= 1


@pytest.mark.parametrize(("height", "matrix", "red"), [(48, "bt601", 76), (720, "bt709", 54)])
def test_rgb_is_converted_with_the_coefficients_of_its_size(height: int, matrix: str, red: int) -> None:
    pixels = np.zeros((height, 64, 3), np.uint8)
    pixels[..., 0] = 255
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    layout = _plan(frame)
    assert layout.encoding.matrix == matrix
    assert abs(float(luma_plane(layout.prepare(frame)).mean()) - red) <= 1.5


@pytest.mark.parametrize(
    ("pixel_format", "colorspace", "color_range", "codec", "height", "expected"),
    [
        ("yuv420p", 2, 0, "h264", 48, Encoding("bt601", False, 8)),
        ("yuv420p", 2, 0, "h264", 720, Encoding("bt709", False, 8)),
        ("yuv420p", 6, 0, "h264", 720, Encoding("bt601", False, 8)),
        ("yuv420p", 1, 2, "h264", 48, Encoding("bt709", True, 8)),
        ("yuvj420p", 5, 0, "mjpeg", 48, Encoding("bt601", True, 8)),
        ("yuv420p10le", 9, 1, "hevc", 48, Encoding("bt2020", False, 10)),
        ("gray", 2, 0, "ffv1", 48, Encoding("bt601", True, 8)),
        ("gray", 2, 1, "ffv1", 48, Encoding("bt601", False, 8)),
        ("gray", 2, 0, "h264", 48, Encoding("bt601", False, 8)),
    ],
)
def test_matrix_and_range(
    pixel_format: str, colorspace: int, color_range: int, codec: str, height: int, expected: Encoding
) -> None:
    frame = _frame(pixel_format, 64, height)
    frame.colorspace, frame.color_range = colorspace, color_range
    assert _plan(frame, codec=codec).encoding == expected


@settings(max_examples=60)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    pixel_format=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gray", "gray12le", "nv12"]),
    seed=st.integers(0, 1000),
)
def test_the_colored_frame_has_exactly_the_luma_and_chroma(
    width: int, height: int, pixel_format: str, seed: int
) -> None:
    numbers = np.random.default_rng(seed)
    frame = av.VideoFrame(width, height, pixel_format)
    layout = _plan(frame, FFV1)
    codes, dtype = layout.encoding.peak + 1, luma_plane(frame).dtype
    luma_plane(frame)[:] = numbers.integers(0, codes, (height, width)).astype(dtype)
    frame.pts, frame.time_base = 3, Fraction(1, 7)
    cb, cr = (numbers.integers(0, codes, layout.chroma_shape).astype(dtype) for _ in range(2))
    out = layout.colored(frame, cb, cr)
    assert np.array_equal(luma_of(out), luma_of(frame))
    deep = dtype.itemsize
    for plane, expected in zip(out.planes[1:], (cb, cr), strict=True):
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        assert (plane.height, plane.width) == expected.shape
        assert np.array_equal(rows[: plane.height, : plane.width * deep].copy().view(dtype), expected)
    assert (out.pts, out.time_base) == (3, Fraction(1, 7))
    assert out.colorspace == layout.colorspace


def test_a_later_frame_of_another_size_or_format_is_converted() -> None:
    layout = _plan(_frame("yuv420p"))
    prepared = layout.prepare(_frame("yuv422p10le", 128, 96))
    assert (prepared.width, prepared.height, prepared.format.name) == (64, 48, "yuv420p")


def test_an_encoder_that_takes_only_rgb_is_refused() -> None:
    with pytest.raises(MediaError, match="takes no planar"):
        _plan(_frame("yuv420p"), ["rgb24"])
