"""What a file is, and how large its image would be, by its first bytes, before anything decodes it.

kind = kind_of(first_bytes)                          # None: nothing that is taken
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEAD_BYTES = 1 << 18
"""So much of a file is looked at: EXIF, profile and thumbnail stand before a JPEG's size."""

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_EBML = b"\x1a\x45\xdf\xa3"
_SIZES_OF_JPEG = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15; the others are tables
_PLAIN_JPEG = frozenset({0xC0, 0xC1})  # sequential: as cameras and browsers write it
_ALONE = frozenset({0x01, 0xFF, *range(0xD0, 0xD8)})  # markers without a length


@dataclass(frozen=True)
class Kind:
    """A kind of file that is taken.

    Attributes:
        name: As in its MIME type.
        suffix: That its name gets, which decides its decoder.
        video: Whether it moves.
        width: Of the image as stated; 0 of a video.
        height: Likewise.
        plain: A JPEG that is decoded in one pass; of other kinds True.
    """

    name: str
    suffix: str
    video: bool = False
    width: int = 0
    height: int = 0
    plain: bool = True

    @property
    def pixels(self) -> int:
        """Of the image."""
        return self.width * self.height


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file, by its first `HEAD_BYTES` or all of it; None where it is not taken."""
    if head.startswith(_JPEG):
        return _jpeg(head)
    if head.startswith(_PNG) and len(head) >= 24 and head[12:16] == b"IHDR":
        width, height = struct.unpack(">II", head[16:24])
        return Kind("png", ".png", width=width, height=height)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head[4:8] == b"ftyp":
        return Kind("mp4", ".mp4", video=True)
    if head.startswith(_EBML):
        return Kind("webm", ".mkv", video=True)
    return None


def _jpeg(head: bytes) -> Kind | None:
    """By its first frame header; None where that lies too far behind."""
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _SIZES_OF_JPEG:
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return Kind("jpeg", ".jpg", width=width, height=height, plain=marker in _PLAIN_JPEG)
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return None


def _webp(head: bytes) -> Kind | None:
    """By its first chunk (RFC 9649)."""
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
    return Kind("webp", ".webp", width=width, height=height)
