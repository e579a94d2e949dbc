"""JPEGs made of planes: luma and chroma of half its size (4:2:0), each in a scan of its own (ITU-T T.81, A.2).

    data = with_chroma(gray_jpeg(luma, quality), cb, cr, quality)

The luma of a gray JPEG stays as it is coded, bit for bit, also if the JPEG is not ours.

OpenCV's encoder takes pixels of three colors only, and spends as long on the way there and back as on the rest. It
takes gray images as they are, so each plane is coded as one, and the three are put together.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import cv2

from cgan_runtime.color.encoding import Plane

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
SCAN = 0xDA
_FRAME, _EXTENDED_FRAME = 0xC0, 0xC1  # sequential, by Huffman's code
_CODES, _STEPS, _RESTART = 0xC4, 0xDB, 0xDD  # tables of codes and of quantization; restart interval
_JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
_JFIF_MARKER = 0xE0
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_CODES, 0xC8, 0xCC}
_WITH_LENGTH = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDA))  # markers that a length follows
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # that ends a scan: no restart, no code of 255
_WHOLE_SCAN = bytes((0, 63, 0))  # all coefficients of a block at once
_BITS = 8
_LUMA, _CHROMA = 0, 1  # numbers of tables
_AC = 0x10  # a bit of the number of a table of codes


@dataclass(frozen=True)
class _Scan:
    """The only scan of a gray JPEG, and what it is decoded with."""

    frame: int  # marker
    size: bytes  # bits, height and width, as in the frame's header
    steps: bytes  # table of quantization, without its number; the first byte is its precision
    dc: bytes  # tables of codes, without their numbers
    ac: bytes
    restart: bytes  # interval; empty for none
    data: bytes


def gray_jpeg(plane: Plane, quality: int) -> bytes:
    """A plane, uint8 (H, W), as a gray JPEG; empty if it is too large for one."""
    is_encoded, encoded = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes() if is_encoded else b""


def with_chroma(jpeg: bytes, cb: Plane, cr: Plane, quality: int, segments: bytes = b"") -> bytes | None:
    """A gray JPEG (H, W) with chroma, uint8 (H/2, W/2), rounded up; None if it is not `is_plain_gray`.

    `segments` are put behind its beginning.
    """
    luma, blue, red = (_scan_of(data) for data in (jpeg, gray_jpeg(cb, quality), gray_jpeg(cr, quality)))
    if luma is None or blue is None or red is None:
        return None
    parts = [
        JPEG_START,
        _segment(_JFIF_MARKER, _JFIF),
        segments,
        _segment(_STEPS, _numbered(luma.steps, _LUMA) + _numbered(blue.steps, _CHROMA)),
        _segment(luma.frame, luma.size + bytes((3, 1, 0x22, _LUMA, 2, 0x11, _CHROMA, 3, 0x11, _CHROMA))),
        _codes(luma, _LUMA),
        _codes(blue, _CHROMA),
        _segment(_RESTART, luma.restart) if luma.restart else b"",
        _segment(SCAN, bytes((1, 1, 0x11 * _LUMA)) + _WHOLE_SCAN),
        luma.data,
        _segment(_RESTART, b"\0\0") if luma.restart else b"",
        _segment(SCAN, bytes((1, 2, 0x11 * _CHROMA)) + _WHOLE_SCAN),
        blue.data,
        _segment(SCAN, bytes((1, 3, 0x11 * _CHROMA)) + _WHOLE_SCAN),
        red.data,
        JPEG_END,
    ]
    return b"".join(parts)


def is_plain_gray(jpeg: bytes) -> bool:
    """Whether data are a whole gray JPEG, sequential and of 8 bits, so that `with_chroma` keeps its luma."""
    return _scan_of(jpeg) is not None


def components_of(jpeg: bytes) -> int:
    """The number of planes of a JPEG by its header; 0 for other data."""
    for marker, start, end in segments_of(jpeg):
        if marker in _FRAMES and end - start >= 10:
            return jpeg[start + 9]
    return 0


def segments_of(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, position and end of each segment of a JPEG, to the header of its first scan; none of other data."""
    position = len(JPEG_START)
    while jpeg.startswith(JPEG_START) and position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker, end = jpeg[position + 1], position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if marker not in _WITH_LENGTH or end > len(jpeg):  # padding, or damage
            return
        yield marker, position, end
        if marker == SCAN:
            return
        position = end


def _scan_of(jpeg: bytes) -> _Scan | None:
    """What a gray JPEG consists of; None if it is none that `is_plain_gray` allows."""
    steps: dict[int, bytes] = {}
    codes: dict[int, bytes] = {}
    restart, frame, frame_marker = b"", b"", 0
    for marker, start, end in segments_of(jpeg):
        body = jpeg[start + 4 : end]
        if marker == _STEPS:
            steps |= {table[0] & 0xF: bytes((table[0] & 0xF0,)) + table[1:] for table in _step_tables(body)}
        elif marker == _CODES:
            codes |= {table[0]: table[1:] for table in _code_tables(body)}
        elif marker == _RESTART:
            restart = body if any(body) else b""
        elif marker in _FRAMES:
            frame, frame_marker = body, marker
        elif marker == SCAN:
            if frame_marker not in (_FRAME, _EXTENDED_FRAME) or len(frame) != 9 or frame[0] != _BITS or frame[5] != 1:
                return None
            after = _MARKER.search(jpeg, end)
            if after is None or after[0] != JPEG_END:
                return None
            if len(body) != 6 or body[1] != frame[6] or body[3:] != _WHOLE_SCAN or not any(frame[1:3]):
                return None
            found = steps.get(frame[8]), codes.get(body[2] >> 4), codes.get(_AC | body[2] & 0xF)
            if not all(found):
                return None
            quantization, dc, ac = (table or b"" for table in found)
            return _Scan(frame_marker, frame[:5], quantization, dc, ac, restart, jpeg[end : after.start()])
    return None


def _step_tables(body: bytes) -> Iterator[bytes]:
    """Tables of quantization, each with its precision and number."""
    while body:
        length = 1 + 64 * (1 + (body[0] >> 4 > 0))
        yield body[:length]
        body = body[length:]


def _code_tables(body: bytes) -> Iterator[bytes]:
    """Tables of codes, each with its number."""
    while body:
        length = 17 + sum(body[1:17])
        yield body[:length]
        body = body[length:]


def _numbered(steps: bytes, number: int) -> bytes:
    return bytes((steps[0] | number,)) + steps[1:]


def _codes(scan: _Scan, number: int) -> bytes:
    return _segment(_CODES, bytes((number,)) + scan.dc + bytes((_AC | number,)) + scan.ac)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
