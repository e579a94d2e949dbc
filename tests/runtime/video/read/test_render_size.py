"""Sizes in the headers of AV1: what an encoder has filled up is cut off. VP9 is in test_crop.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.videos import Video, write_video

from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.render_size import surplus_of

WIDTH, HEIGHT = 96, 64
_FRAME = 6  # type of an OBU
_HEADER_BITS = 200  # in which the size must be


def _bits(*fields: tuple[int, int]) -> bytes:
    """Values and their numbers of bits, filled up to whole bytes."""
    text = "".join(f"{value:0{count}b}" if count else "" for value, count in fields)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def _obu(kind: int, content: bytes) -> bytes:
    return bytes([kind << 3 | 2, len(content)]) + content


def _size_of(width: int, height: int) -> list[tuple[int, int]]:
    return [(10, 4), (10, 4), (width - 1, 11), (height - 1, 11)]


RENDER = [(1, 1), (1919, 16), (1079, 16)]
PICTURE = [(0, 3), (1, 1), (1, 1), (8, 5), *_size_of(1920, 1088), (0, 3), (0, 3)], [(0, 1), (0, 1), *RENDER]
VIDEO = (
    [
        (0, 3), (0, 1), (0, 1),
        (1, 1), (1000, 32), (25_000, 32), (1, 1), (0b00101, 5), (0, 1),  # timing, 4 ticks a frame, no model
        (1, 1), (1, 5), (0, 12), (8, 5), (1, 1), (1, 1), (9, 4), (0, 12), (3, 5), (0, 1),  # two operating points
        *_size_of(1920, 1088), (1, 1), (2, 4), (1, 3), (0, 3), (0, 4), (1, 1), (0, 2),  # frames have numbers
        (0, 1), (1, 1), (0, 1), (1, 1), (6, 3), (1, 1), (0, 2),  # tools for screens, without whole motion; order
    ],
    [(0, 1), (0, 2), (1, 1), (0, 1), (5, 6), (0, 1), (0, 7), (1, 1), (3, 3), *RENDER],
)  # fmt: skip


@pytest.mark.parametrize(("sequence", "frame"), [PICTURE, VIDEO], ids=["picture", "video"])
@pytest.mark.parametrize("kind", [3, _FRAME])
def test_rows_beyond_the_stated_size_are_found(sequence: Any, frame: Any, kind: int) -> None:
    packet = bytes([2 << 3 | 2, 0]) + _obu(1, _bits(*sequence)) + _obu(kind, _bits(*frame) + bytes(100))
    assert surplus_of("av1", packet) == (0, 8)


@given(data=st.binary(max_size=60))
def test_no_packet_is_too_damaged(data: bytes) -> None:
    for codec in ("av1", "vp9"):
        surplus_of(codec, data)
        surplus_of(codec, bytes([2 << 3 | 2, 0, 1 << 3 | 2]) + data)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def _with_size(packet: bytes, flag: int, width: int, height: int) -> bytes:
    """A packet whose frame states a size, if this bit of its header says whether it does."""
    out, at = b"", 0
    while at < len(packet):
        size, start = _number(packet, at + 1)
        content = packet[start : start + size]
        if packet[at] >> 3 & 15 == _FRAME and not content[flag // 8] >> (7 - flag % 8) & 1:
            bits, rest = int.from_bytes(content, "big"), 8 * size - flag - 1
            stated = 1 << 32 | width - 1 << 16 | height - 1
            bits = (bits >> rest + 1) << rest + 33 | stated << rest | bits & ((1 << rest) - 1)
            size += 4
            content = bits.to_bytes(size, "big")
        out += packet[at : at + 1] + bytes([size & 0x7F | 0x80, size >> 7]) + content
        at = start + len(content) if size < start else start + _number(packet, at + 1)[0]
    return out


def _aspect(packet: bytes) -> float:
    """The aspect of pixels that a decoder derives from the stated size; 0 if it cannot decode the packet."""
    context: Any = av.CodecContext.create("libdav1d", "r")
    try:
        frames = [*context.decode(av.Packet(packet)), *context.decode(None)]
    except av.FFmpegError:
        return 0.0
    return float(context.sample_aspect_ratio or 0) if frames else 0.0


def test_video_of_a_real_encoder_is_cut(tmp_path: Path) -> None:
    """The bit is found by trying: a decoder then sees pixels that are not square."""
    source = write_video(
        tmp_path / "in.mkv", Video(frames=3, width=WIDTH, height=HEIGHT, codec="libsvtav1", options={})
    )
    with av.open(source) as container:
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    width, height = 90, 50
    expected = pytest.approx(HEIGHT * width / (WIDTH * height), rel=1e-3)
    changed = next(
        packet
        for flag in range(_HEADER_BITS)
        if _aspect(packet := _with_size(packets[0], flag, width, height)) == expected
    )
    assert surplus_of("av1", packets[0]) == (0, 0)
    assert surplus_of("av1", changed) == (WIDTH - width, HEIGHT - height)
    memory = io.BytesIO()
    with av.open(source) as container, av.open(memory, "w", format="webm") as output:
        copy = output.add_stream_from_template(container.streams.video[0], opaque=True)
        for number, packet in enumerate(packet for packet in container.demux() if packet.size):
            new = av.Packet(changed if number == 0 else bytes(packet))
            new.pts, new.dts, new.time_base, new.is_keyframe = packet.pts, packet.dts, packet.time_base, number == 0
            new.stream = copy
            output.mux(new)
    (tmp_path / "filled.webm").write_bytes(memory.getvalue())
    with VideoReader(tmp_path / "filled.webm") as reader:
        assert (reader.first.width, reader.first.height) == (width, height)
        assert reader.stream.sample_aspect_ratio in (None, 0, 1)
