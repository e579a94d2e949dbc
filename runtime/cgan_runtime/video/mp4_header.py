"""The header of an mp4 with one video track, in memory: a template of side data that only mp4 and mov hold.

    data = mp4_header("h264", profile, ambient, display, light)

Boxes are those of ISO/IEC 14496-12; FFmpeg reads and writes them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

CODECS = {"h264": b"avc1", "hevc": b"hvc1", "vp9": b"vp09", "av1": b"av01", "prores": b"apcn"}
"""Sample entries by FFmpeg's names of the codecs."""

Display = tuple[Sequence[float], tuple[float, float]]
"""x and y of R, G, B and white, and the least and greatest luminance in cd/m2."""

_CHROMA, _LIGHT = 50_000, 10_000  # steps of x and y, of lux and cd/m2
_SIDE = 64  # pixels
_CLOCK = 1000  # ticks per second
_UPRIGHT = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # a matrix that changes nothing


def mp4_header(
    codec: str,
    profile: bytes,
    ambient: tuple[float, float, float] | None,
    display: Display | None,
    light: Sequence[int] | None,
) -> bytes:
    """An mp4 without a frame.

    Args:
        codec: One of CODECS.
        profile: An ICC profile, or nothing.
        ambient: Illuminance in lux, and x and y of the light, of the ambient viewing environment.
        display: The mastering display.
        light: The greatest content and frame average light level, cd/m2.
    """
    described = _box(b"colr", b"prof" + profile) if profile else b""
    if ambient is not None:
        lux, x, y = ambient
        described += _box(b"amve", struct.pack(">I2H", round(lux * _LIGHT), round(x * _CHROMA), round(y * _CHROMA)))
    if display is not None:
        (red, green, blue, white), (least, most) = _pairs(display[0]), display[1]
        points = [round(each * _CHROMA) for point in (green, blue, red, white) for each in point]
        described += _box(b"mdcv", struct.pack(">8H2I", *points, round(most * _LIGHT), round(least * _LIGHT)))
    if light is not None:
        described += _box(b"clli", struct.pack(">2H", *light))
    size = struct.pack(">2H2I", _SIDE, _SIDE, 72 << 16, 72 << 16)
    entry = _box(
        CODECS[codec],
        bytes(7) + b"\1" + bytes(16) + size + bytes(4) + b"\0\1" + bytes(32) + b"\0\x18\xff\xff" + described,
    )
    tables = b"".join(_box(name, bytes(8)) for name in (b"stts", b"stsc", b"stco")) + _box(b"stsz", bytes(12))
    samples = _box(b"stbl", _box(b"stsd", bytes(7) + b"\1" + entry) + tables)
    clock = _box(b"mdhd", bytes(12) + struct.pack(">2I", _CLOCK, 0) + b"\x55\xc4\0\0")
    media = _box(b"mdia", clock + _box(b"hdlr", bytes(8) + b"vide" + bytes(13)) + _box(b"minf", samples))
    track = _box(b"trak", _box(b"tkhd", bytes(12) + struct.pack(">I", 1) + bytes(24) + _UPRIGHT + bytes(8)) + media)
    movie = _box(b"mvhd", bytes(12) + struct.pack(">I", _CLOCK) + bytes(20) + _UPRIGHT + bytes(28))
    return _box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"moov", movie + track)


def _pairs(values: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(values[::2], values[1::2], strict=True))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content
