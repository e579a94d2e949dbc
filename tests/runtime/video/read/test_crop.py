"""Borders that a container or a codec hides are cut off, for the network and in every output."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeBackend
from tests.videos import luma_of, read_frames

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.crop import Crop, Margins
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.codecs import EncoderSettings

WIDTH, HEIGHT, FRAMES = 96, 64, 3


def _video(path: Path | io.BytesIO, container: str, codec: str = "libx264", pixel_format: str = "yuv420p") -> Any:
    options = {"lossless": "1"} if codec == "libvpx-vp9" else {"qp": "0"}
    with av.open(path, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        for number in range(FRAMES):
            codes = np.add.outer(np.arange(HEIGHT), 2 * np.arange(WIDTH)).astype(np.uint8)
            codes[:8] = codes[-8:] = codes[:, :16] = codes[:, -16:] = 255
            frame = av.VideoFrame.from_ndarray(codes, format="gray").reformat(format=pixel_format)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _ebml(data: bytes, path: list[str], extra: bytes) -> bytes:
    """Matroska with `extra` at the end of the element at a path of names, all sizes put right."""
    out, at = b"", 0
    while at < len(data):
        start = at + 9 - data[at].bit_length()
        body_at = start + 9 - data[start].bit_length()
        size = int.from_bytes(data[start:body_at], "big") & ((1 << 7 * (body_at - start)) - 1)
        body = data[body_at : body_at + size]
        if path and data[at:start].hex() == path[0]:
            body = _ebml(body, path[1:], extra) if len(path) > 1 else body + extra
            out += data[at:start] + (1 << 56 | len(body)).to_bytes(8, "big") + body
        else:
            out += data[at : body_at + len(body)]
        at = body_at + size
    return out


def _atoms(data: bytes, path: list[bytes], box: bytes) -> bytes:
    out, at = b"", 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if path and kind == path[0]:
            head = {b"stsd": 8, b"avc1": 78}.get(kind, 0)
            body = body[:head] + (_atoms(body[head:], path[1:], box) if len(path) > 1 else body[head:] + box)
        out += struct.pack(">I4s", len(body) + 8, kind) + body
        at += size
    return out


def matroska(path: Path, margins: Margins, codec: str = "libx264", pixel_format: str = "yuv420p") -> Path:
    data = _video(path, "matroska", codec, pixel_format).read_bytes()
    pairs = {"54aa": margins.bottom, "54bb": margins.top, "54cc": margins.left, "54dd": margins.right}
    extra = b"".join(bytes.fromhex(name) + b"\x81" + bytes([value]) for name, value in pairs.items())
    path.write_bytes(_ebml(data, ["18538067", "1654ae6b", "ae", "e0"], extra))
    return path


def quicktime(path: Path, container: str) -> Path:
    data = _video(path, container).read_bytes()
    box = struct.pack(">I4s8i", 40, b"clap", 64, 1, 48, 1, 0, 1, 0, 1)
    path.write_bytes(_atoms(data, [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"], box))
    return path


def vp9(path: Path, width: int, height: int) -> Path:
    """VP9 with a render size, which takes 32 bits more in the header of the key frame (profile 0)."""
    memory = _video(io.BytesIO(), "webm", "libvpx-vp9")
    memory.seek(0)
    with av.open(memory) as source, av.open(path, "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux():
            if not packet.size:
                continue
            data = bytes(packet)
            if packet.is_keyframe:
                bits, flag = int.from_bytes(data, "big"), 68  # the bit that says that a size follows
                rest = 8 * len(data) - flag - 1
                size = 1 << 32 | width - 1 << 16 | height - 1
                bits = (bits >> rest + 1) << rest + 33 | size << rest | bits & ((1 << rest) - 1)
                data = bits.to_bytes(len(data) + 4, "big")
            changed = av.Packet(data)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, copy
            output.mux(changed)
    return path


MIDDLE = Margins(left=16, top=8, right=16, bottom=8)


@pytest.mark.parametrize("kind", ["mkv", "mov", "mp4"])
def test_network_video_and_images_have_what_players_show(kind: str, tmp_path: Path) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    def remember(lightness: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(lightness[0, 0].copy())
        return np.full((1, 2, *lightness.shape[2:]), 0.2, np.float32)

    path = tmp_path / f"in.{kind}"
    source = matroska(path, MIDDLE) if kind == "mkv" else quicktime(path, kind)
    with Colorizer(FakeBackend(remember)) as colorizer:
        settings = VideoSettings(EncoderSettings("ffv1"))
        result = colorize_video(source, tmp_path / "out.mkv", colorizer, settings=settings)
        colorize_video(source, tmp_path / "%d.png", colorizer)
    assert (result.width, result.height) == (64, 48)
    assert any("borders that the video hides are cut off: 64x48" in note for note in result.notes)
    assert seen[0].max() < 0.97  # the white border is not there
    assert read_image(tmp_path / "1.png").shape == (48, 64, 3)
    for before, after in zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True):
        assert np.array_equal(luma_of(before)[8:-8, 16:-16], luma_of(after))
        assert before.pts * before.time_base == after.pts * after.time_base
    with VideoReader(tmp_path / "out.mkv") as again:
        assert again.crop.margins == Margins()


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("margins", [Margins(1, 3, 5, 0), Margins(bottom=1), Margins(left=7)])
def test_odd_margins(margins: Margins, pixel_format: str, tmp_path: Path) -> None:
    source = matroska(tmp_path / "in.mkv", margins, pixel_format=pixel_format)
    with VideoReader(source) as reader:
        cut = [frame for frame in reader if isinstance(frame, av.VideoFrame)]
    assert len(cut) == FRAMES
    right, bottom = WIDTH - margins.right, HEIGHT - margins.bottom
    for before, after in zip(read_frames(source), cut, strict=True):
        inner = luma_of(before)[margins.top : bottom, margins.left : right]
        assert (after.height, after.width) == inner.shape
        plane = after.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: after.height]
        assert np.array_equal(rows.view(inner.dtype)[:, : after.width], inner)


def test_a_crop_that_leaves_nothing_is_ignored(tmp_path: Path) -> None:
    """FFmpeg refuses a container that says so; a later frame may be smaller than the first."""
    with VideoReader(matroska(tmp_path / "in.mkv", MIDDLE)) as reader:
        small = av.VideoFrame(32, 48)
        assert reader.crop.cut(small) is small


@pytest.mark.parametrize(("shown", "expected"), [
    ((96, 64), (96, 64)), ((90, 50), (90, 50)), ((20, 20), (96, 64)), ((192, 128), (96, 64)),
])  # fmt: skip
def test_vp9_is_cut_to_its_render_size_where_it_was_filled_up(
    shown: tuple[int, int], expected: tuple[int, int], tmp_path: Path
) -> None:
    with VideoReader(vp9(tmp_path / "in.webm", *shown)) as reader:
        assert (reader.first.width, reader.first.height) == expected


@pytest.fixture(scope="module")
def small_vp9() -> io.BytesIO:
    return _video(io.BytesIO(), "webm", "libvpx-vp9")


@given(data=st.binary(max_size=40))
def test_no_packet_is_too_damaged_to_look_at(data: bytes, small_vp9: io.BytesIO) -> None:
    small_vp9.seek(0)
    with av.open(small_vp9) as source:
        Crop(source.streams.video[0]).look(av.Packet(data))
