"""Metadata of image files: EXIF, XMP, color profile and comments.

    metadata = read_metadata(Path("in.jpg"))
    data = encode(".jpg", bgr, [], metadata)

OpenCV from 4.12 on reads and writes them in JPEG, PNG and WebP, without comments; in TIFF they are tags. GIF
holds comments only, and BMP nothing.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.image.chunks import Texts, read_parts, read_texts, with_texts
from cgan_runtime.image.gray_profile import rgb_profile
from cgan_runtime.image.jpeg_planes import JPEG_START, SCAN, segments_of
from cgan_runtime.image.tiff_tags import ORDERS, ORIENTATION, PROFILE, XMP, describing_tags, tag_value, with_tags

_EXIF, _XMP, _PROFILE = 0, 1, 2  # OpenCV's IMAGE_METADATA_*, missing in older versions
_UPRIGHT = 1
_SHORT = 3  # a type of TIFF
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[1-8]")
_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"  # precedes the XMP of a JPEG; OpenCV does not strip it
PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_EXIF = b"eXIf"
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
_EXIF_SEGMENT, _EXIF_START = 0xE1, b"Exif\0\0"
_DESCRIBING = frozenset({0xE1, 0xE2, 0xFE})  # segments of a JPEG: APP1 (EXIF, XMP), APP2 (profile), comments
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_PLAIN = frozenset({".gif", ".bmp"})  # formats without EXIF, XMP and profile
_COMMENTED = JPEG_SUFFIXES | {".png", ".gif"}  # formats with comments
_JPEG_SEGMENT = 65_000  # bytes; OpenCV puts no more of any kind into a JPEG
_PROFILE_HEADER = 128  # bytes; ICC.1:2022, section 7.2: begins with the size, holds the color space
_COLOR_SPACE = slice(16, 20)
_RGB, _GRAY = b"RGB ", b"GRAY"


@dataclass(frozen=True)
class Metadata:
    """The metadata of an image; each part is empty if the image has none.

    Attributes:
        exif: A TIFF with upright orientation and no thumbnail. Its size may be that before turning.
        xmp: The XML.
        profile: An ICC profile of RGB, made from one of gray if need be. Profiles of CMYK do not fit.
        texts: Keywords and texts.
        untrue: What the image has and is not true of a colored one, for people.
    """

    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""
    texts: Texts = ()
    untrue: tuple[str, ...] = ()


NONE = Metadata()


def read_metadata(path: Path) -> Metadata:
    """The metadata of an image that are still true when it is upright and colored."""
    try:
        data = path.read_bytes()
        if data[:4] in ORDERS:
            profile, untrue = _profile(tag_value(data, PROFILE))
            exif, xmp = _upright(describing_tags(data)), _upright_xmp(tag_value(data, XMP))
            return Metadata(exif, xmp, profile, untrue=untrue)
        if not hasattr(cv2, "imdecodeWithMetadata"):
            return NONE
        data, described = _without_pixels(data)
        if not described:
            return NONE
        small = cv2.IMREAD_REDUCED_GRAYSCALE_8  # the pixels are not needed
        _, kinds, parts = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=small)
    except (OSError, cv2.error):
        return NONE
    found = {int(kind): np.asarray(part).tobytes() for kind, part in zip(kinds, parts, strict=True)}
    if not found:
        found = dict(enumerate(read_parts(data)))  # of an animation
    exif = found.get(_EXIF, b"").removeprefix(b"Exif\0\0")
    as_text = data.startswith(PNG_START) and _PNG_EXIF not in data  # an old form; no program turns by it
    profile, untrue = _profile(found.get(_PROFILE, b""))
    return Metadata(
        exif=exif if as_text else _upright(exif),
        xmp=_upright_xmp(found.get(_XMP, b"").removeprefix(_XMP_START)),
        profile=profile,
        texts=read_texts(data),
        untrue=untrue,
    )


def _without_pixels(data: bytes) -> tuple[bytes, bool]:
    """A JPEG of one pixel with the segments of another that may hold metadata, and whether it has any.

    To decode the pixels would take half as long as `read_image`. Any other data stay as they are.
    """
    if not data.startswith(JPEG_START):
        return data, True
    kept = [JPEG_START]
    for marker, start, end in segments_of(data):
        if marker == SCAN:
            return b"".join([*kept, _pixel()[len(JPEG_START) :]]), len(kept) > 1
        if marker in _DESCRIBING:
            kept.append(data[start:end])
    return data, True


def jpeg_segments(metadata: Metadata) -> bytes:
    """The segments of a JPEG that hold as much of the metadata as fits into one."""
    pixel = np.zeros((1, 1, 3), np.uint8)
    described = encode(".jpg", pixel, [], metadata) or b""
    return b"".join(described[start:end] for marker, start, end in segments_of(described) if marker in _DESCRIBING)


def jpeg_orientation(data: bytes) -> int:
    """The EXIF orientation of a JPEG; 0 if it has none."""
    for marker, start, end in segments_of(data):
        exif = data[start + 4 : end]
        if marker == _EXIF_SEGMENT and exif.startswith(_EXIF_START) and exif[len(_EXIF_START) :][:4] in ORDERS:
            return first_tag(exif[len(_EXIF_START) :], ORIENTATION)
    return 0


def _pixel() -> bytes:
    """A JPEG of one pixel."""
    return cv2.imencode(".jpg", np.zeros((1, 1), np.uint8))[1].tobytes()


def lost_metadata(metadata: Metadata, suffix: str) -> list[str]:
    """What a file of this format does not hold, or should not, one sentence each."""
    parts = {"EXIF": metadata.exif, "XMP": metadata.xmp, "the color profile": metadata.profile}
    lost = [name for name, part in parts.items() if len(part) > _most(suffix)]
    lost += ["comments"] if metadata.texts and suffix not in _COMMENTED else []
    notes = [f"{suffix} cannot hold this, which is left out: {', '.join(lost)}"] if lost else []
    return notes + [f"{name} is left out" for name in metadata.untrue]


def _most(suffix: str) -> float:
    """Bytes of each kind that a format holds."""
    if suffix in _PLAIN:
        return 0
    return _JPEG_SEGMENT if suffix in JPEG_SUFFIXES else math.inf


def _profile(profile: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A profile that is true of a colored image, and what it is not true of."""
    if not _is_whole(profile):
        return b"", ("a damaged color profile",) if profile else ()
    if profile[_COLOR_SPACE] == _GRAY:
        profile = rgb_profile(profile) or profile
    if profile[_COLOR_SPACE] == _RGB:
        return profile, ()
    return b"", (f"the color profile of {profile[_COLOR_SPACE].decode('latin-1').strip()}",)


def _upright_xmp(xmp: bytes) -> bytes:
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp.rstrip(b"\0"))


def encode(suffix: str, bgr: Plane, how: list[int], metadata: Metadata = NONE) -> bytes | None:
    """Encode an image with as much of the metadata as its format holds; None if it cannot hold the image.

    Raises:
        cv2.error: No such format, or OpenCV refuses the image.
    """
    parts = _parts(suffix, metadata)
    if parts and suffix not in TIFF_SUFFIXES and hasattr(cv2, "imencodeWithMetadata"):
        values = [np.frombuffer(part, np.uint8) for part in parts.values()]
        is_encoded, encoded = cv2.imencodeWithMetadata(suffix, bgr, list(parts), values, how)
        if is_encoded:
            return with_texts(suffix, bytes(encoded.tobytes()), metadata.texts)
    is_encoded, encoded = cv2.imencode(suffix, bgr, how)
    if not is_encoded:
        return None
    data = with_texts(suffix, bytes(encoded.tobytes()), metadata.texts)
    return with_metadata(data, metadata) if suffix in TIFF_SUFFIXES else data


def with_metadata(tiff: bytes, metadata: Metadata) -> bytes:
    """A TIFF with metadata in its first directory."""
    return with_tags(tiff, metadata.exif, {XMP: metadata.xmp, PROFILE: metadata.profile})


def first_tag(tiff: bytes, number: int) -> int:
    """A 16-bit value in the first directory of a TIFF or EXIF; 0 if the tag is missing."""
    _, position = _positions(tiff).get(number, (0, None))
    return 0 if position is None else int(struct.unpack_from(f"{ORDERS[tiff[:4]]}H", tiff, position)[0])


def _parts(suffix: str, metadata: Metadata) -> dict[int, bytes]:
    is_jpeg = suffix in JPEG_SUFFIXES
    xmp = _XMP_START + metadata.xmp if is_jpeg and metadata.xmp else metadata.xmp
    if suffix == ".png" and xmp:
        xmp += b"\0"  # OpenCV reads it as a C string
    parts = {_EXIF: metadata.exif, _XMP: xmp, _PROFILE: metadata.profile}
    return {kind: part for kind, part in parts.items() if 0 < len(part) <= _most(suffix)}


def _is_whole(profile: bytes) -> bool:
    """Whether an ICC profile is as long as it states. Encoders refuse all metadata with one that is not."""
    return len(profile) > _PROFILE_HEADER and int.from_bytes(profile[:4], "big") == len(profile)


def _upright(exif: bytes) -> bytes:
    """EXIF with upright orientation and without the thumbnail, which is gray; empty for invalid EXIF."""
    order = ORDERS.get(exif[:4])
    positions = _positions(exif)
    if order is None or not positions:
        return b""
    changed = bytearray(exif)
    if ORIENTATION in positions:
        kind, position = positions[ORIENTATION]
        if kind != _SHORT:
            return b""  # no program turns by it, so its meaning is unknown
        struct.pack_into(f"{order}H", changed, position, _UPRIGHT)
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    if (next_directory := start + 2 + 12 * count) + 4 <= len(exif):
        struct.pack_into(f"{order}I", changed, next_directory, 0)
    return bytes(changed)


def _positions(tiff: bytes) -> dict[int, tuple[int, int]]:
    """Type and position of the values in the first directory of a TIFF, as far as it is complete."""
    positions: dict[int, tuple[int, int]] = {}
    order = ORDERS.get(tiff[:4])
    if order is None:
        return positions
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HH4xH", tiff, entry)
            positions.setdefault(tag, (kind, entry + 8))
    except struct.error:  # it ends too early
        pass
    return positions
