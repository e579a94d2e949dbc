"""Metadata that OpenCV does not read or write: comments, and EXIF, XMP and profile of animations.

texts = read_texts(data)                            # of a PNG, JPEG or GIF: keywords and texts
data = with_texts(".png", data, texts)
data = with_chunks(".webp", data, exif, xmp, profile)   # of an APNG or animated WebP
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib

COMMENT = "Comment"  # keyword of a text that has none, as in JPEG and GIF
Texts = tuple[tuple[str, str], ...]

_XMP_KEYWORD = "XML:com.adobe.xmp"
_PROFILE_KEYWORD = "Raw profile type"  # of EXIF and the like as text
_MAX_TEXT = 1 << 16  # characters, of all texts; more is no comment
_IHDR_END = 33  # bytes: signature and first chunk of a PNG
_GIF_HEADER, _GIF_COLORS = 13, 10  # bytes; where the flags of the color table are
_BLOCK = 255  # bytes of a block of a GIF
_SEGMENT = 65_533  # bytes of a comment of a JPEG
_RIFF_HEADER, _VP8X = 12, 18  # bytes of a WebP before its chunks, and of its first one
_ICC, _EXIF, _XMP = 0x20, 0x08, 0x04  # flags of that chunk


def read_texts(data: bytes) -> Texts:
    """Keywords and texts in a PNG, the comment of a JPEG or GIF; none for other files."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "GIF"]) as image:
                found, comment = dict(getattr(image, "text", {})), image.info.get("comment")
    except (EOFError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ()
    if comment and COMMENT not in found:
        found[COMMENT] = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    texts = tuple(
        (str(keyword), str(text))
        for keyword, text in found.items()
        if keyword != _XMP_KEYWORD and not keyword.startswith(_PROFILE_KEYWORD)
    )
    return texts if sum(len(text) for _, text in texts) <= _MAX_TEXT else ()


def read_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """EXIF, XMP and ICC profile of an APNG, the XMP of a GIF; each empty if there is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=["PNG", "GIF"]) as image:
                info = image.info
    except (EOFError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b"", b"", b""
    parts = (info.get("exif"), info.get("xmp") or info.get(_XMP_KEYWORD), info.get("icc_profile"))
    exif, xmp, profile = (part if isinstance(part, bytes) else str(part or "").encode() for part in parts)
    return exif, xmp, profile


def with_texts(suffix: str, data: bytes, texts: Texts) -> bytes:
    """An encoded PNG, JPEG or GIF with texts; files of other formats as they are."""
    if suffix == ".png":
        return _inserted(data, _IHDR_END, *(_text_chunk(keyword, text) for keyword, text in texts))
    named = [text if keyword == COMMENT else f"{keyword}: {text}" for keyword, text in texts]
    coded = [text.encode() for text in named]
    if suffix == ".gif":
        flags = data[_GIF_COLORS]
        colors = 3 << (flags & 7) + 1 if flags & 0x80 else 0
        return _inserted(data, _GIF_HEADER + colors, *(b"\x21\xfe" + _blocks(text) for text in coded))
    if suffix in (".jpg", ".jpeg"):
        end = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == b"\xff\xe0" else 2  # after JFIF's own segment
        segments = (b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text for text in coded if len(text) <= _SEGMENT)
        return _inserted(data, end, *segments)
    return data


def with_chunks(suffix: str, data: bytes, exif: bytes, xmp: bytes, profile: bytes) -> bytes:
    """An APNG or animated WebP with EXIF, XMP and an ICC profile, as far as they are not empty."""
    if suffix == ".png":
        chunks = [_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))] if profile else []
        chunks += [_chunk(b"eXIf", exif)] if exif else []
        chunks += [_text_chunk(_XMP_KEYWORD, xmp.decode("utf-8", "replace"))] if xmp else []
        return _inserted(data, _IHDR_END, *chunks)
    if suffix != ".webp" or data[_RIFF_HEADER : _RIFF_HEADER + 4] != b"VP8X":
        return data
    flags = data[_RIFF_HEADER + 8] | _ICC * bool(profile) | _EXIF * bool(exif) | _XMP * bool(xmp)
    first = data[_RIFF_HEADER : _RIFF_HEADER + 8] + bytes([flags]) + data[_RIFF_HEADER + 9 : _RIFF_HEADER + _VP8X]
    body = first + _riff(b"ICCP", profile) + data[_RIFF_HEADER + _VP8X :] + _riff(b"EXIF", exif) + _riff(b"XMP ", xmp)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _inserted(data: bytes, place: int, *parts: bytes) -> bytes:
    return data[:place] + b"".join(parts) + data[place:]


def _text_chunk(keyword: str, text: str) -> bytes:
    """International text of a PNG, not compressed, in no named language (PNG, section 11.3.3.4)."""
    return _chunk(b"iTXt", keyword.encode("latin-1", "replace")[:79] + bytes(5) + text.encode())


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _blocks(text: bytes) -> bytes:
    parts = [text[start : start + _BLOCK] for start in range(0, len(text), _BLOCK)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) if content else b""
