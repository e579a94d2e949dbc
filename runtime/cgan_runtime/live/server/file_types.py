"""Detects what an uploaded file is and how large its image, from its first bytes, before any decoder runs."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEAD_BYTES = 1 << 18  # of a file to look at: EXIF data, profile and thumbnail precede the size of a JPEG
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# How videos begin, with the name and the suffix for them.
_VIDEO_STARTS = {
    b"\x1a\x45\xdf\xa3": ("webm", ".mkv"),
    b"\x00\x00\x01\xba": ("mpeg", ".mpg"),
    b"FLV\x01": ("x-flv", ".flv"),
    b"OggS": ("ogg", ".ogv"),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": ("x-ms-wmv", ".wmv"),
}
_TS_SYNC, _TS_PACKETS = 0x47, ((0, 188), (4, 192))  # place of the first byte of a packet, and packet length
_TIFFS = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT, _TIFF_ENTRY = 256, 257, 3, 12
_MOST_TIFF_ENTRIES = 4096
KINDS = "JPEG, PNG, WebP, TIFF, BMP or GIF; MP4, MOV, MKV, WebM, AVI, TS, MPEG, WMV, FLV or OGV"
"""What is accepted, for people."""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15; the others are tables
_SEQUENTIAL_JPEG = frozenset({0xC0, 0xC1})  # as cameras and browsers write it
_NO_LENGTH = frozenset({0x01, 0xFF, *range(0xD0, 0xD8)})  # markers without a length


@dataclass(frozen=True)
class FileType:
    """The type of an accepted file."""

    name: str  # as in its MIME type
    suffix: str  # that the file gets; it selects the decoder
    video: bool = False
    width: int = 0  # as stated by an image; 0 for a video
    height: int = 0
    sequential: bool = True  # whether a JPEG is decoded in one pass; True for other types

    @property
    def pixels(self) -> int:
        """Number of pixels of the image."""
        return self.width * self.height


def detect_file_type(head: bytes) -> FileType | None:
    """Detect the type from the first `HEAD_BYTES` of a file, or all of it; None when it is not accepted."""
    if head.startswith(_JPEG):
        return _jpeg(head)
    if head.startswith(_PNG) and len(head) >= 24 and head[12:16] == b"IHDR":
        width, height = struct.unpack(">II", head[16:24])
        return FileType("png", ".png", width=width, height=height)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head[4:8] == b"ftyp":
        return FileType("mp4", ".mp4", video=True)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return FileType("x-msvideo", ".avi", video=True)
    if head[:4] in _TIFFS:
        return _tiff(head)
    if head[:2] == b"BM" and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        return FileType("bmp", ".bmp", width=abs(width), height=abs(height))
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return FileType("gif", ".gif", video=True)
    for start, (name, suffix) in _VIDEO_STARTS.items():
        if head.startswith(start):
            return FileType(name, suffix, video=True)
    if any(len(head) > at + length and head[at] == head[at + length] == _TS_SYNC for at, length in _TS_PACKETS):
        return FileType("mp2t", ".ts", video=True)
    return None


def _tiff(head: bytes) -> FileType:
    """Read the first directory (TIFF 6.0, section 2); the size stays 0 where that is not within `head`."""
    order = _TIFFS[head[:4]]
    sides = {_TIFF_WIDTH: 0, _TIFF_HEIGHT: 0}
    (at,) = struct.unpack(f"{order}I", head[4:8]) if len(head) >= 8 else (len(head),)
    (count,) = struct.unpack(f"{order}H", head[at : at + 2]) if at + 2 <= len(head) else (0,)
    for entry in range(at + 2, at + 2 + _TIFF_ENTRY * min(count, _MOST_TIFF_ENTRIES), _TIFF_ENTRY):
        if entry + _TIFF_ENTRY > len(head):
            break
        tag, kind = struct.unpack(f"{order}HH", head[entry : entry + 4])
        if tag in sides:
            code, length = ("H", 2) if kind == _TIFF_SHORT else ("I", 4)
            (sides[tag],) = struct.unpack(f"{order}{code}", head[entry + 8 : entry + 8 + length])
    return FileType("tiff", ".tif", width=sides[_TIFF_WIDTH], height=sides[_TIFF_HEIGHT])


def _jpeg(head: bytes) -> FileType | None:
    """Find the first frame header (ITU-T T.81); None when it is not within `head`."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return FileType("jpeg", ".jpg", width=width, height=height, sequential=marker in _SEQUENTIAL_JPEG)
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _webp(head: bytes) -> FileType | None:
    """Read the first chunk (RFC 9649)."""
    chunk, body = head[12:16], head[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        width, height = (1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7))
    elif chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        return None
    return FileType("webp", ".webp", width=width, height=height)
