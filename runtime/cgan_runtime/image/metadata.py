"""What an image's file says beside its pixels: EXIF, XMP and color profile.

    metadata = read_metadata(Path("in.jpg"))
    data = encode(".jpg", bgr, [], metadata)

OpenCV reads and writes them in JPEG, PNG and WebP from 4.12 on; elsewhere there is nothing to keep.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane

ORIENTATION = 0x112
"""The tag of EXIF and TIFF that says how an image lies; 1 is upright."""

_EXIF, _XMP, _PROFILE = 0, 1, 2  # OpenCV's IMAGE_METADATA_*, which older ones do not have
_UPRIGHT = 1
_SHORT = 3  # a type of TIFF
_TIFF_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[1-8]")
_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"  # before the XMP of a JPEG; OpenCV takes it for a part of it
_PNG_START, _PNG_EXIF = b"\x89PNG\r\n\x1a\n", b"eXIf"
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
_JPEG_SEGMENT = 65_000  # bytes; more of any of them OpenCV does not put into a JPEG
_PROFILE_HEADER = 128  # bytes; ICC.1:2022, section 7.2: first the size, in the middle the color space
_COLOR_SPACE = slice(16, 20)
_RGB = b"RGB "


@dataclass(frozen=True)
class Metadata:
    """Each empty where an image has none.

    Attributes:
        exif: As TIFF, upright and without a thumbnail; the size that it states is that before turning.
        xmp: The XML.
        profile: ICC, of RGB: one of gray or of ink does not fit an image in color.
    """

    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""


NONE = Metadata()


def read_metadata(path: Path) -> Metadata:
    """The metadata of an image that stay true once it is upright and in color."""
    if not hasattr(cv2, "imdecodeWithMetadata"):
        return NONE
    try:
        small = cv2.IMREAD_REDUCED_GRAYSCALE_8  # the pixels are not wanted
        data = path.read_bytes()
        _, kinds, parts = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=small)
    except (OSError, cv2.error):
        return NONE
    found = {int(kind): np.asarray(part).tobytes() for kind, part in zip(kinds, parts, strict=True)}
    profile = found.get(_PROFILE, b"")
    exif = found.get(_EXIF, b"").removeprefix(b"Exif\0\0")
    is_old = data.startswith(_PNG_START) and _PNG_EXIF not in data  # as text: nobody turns by that
    return Metadata(
        exif=exif if is_old else _upright(exif),
        xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", found.get(_XMP, b"").removeprefix(_XMP_START)),
        profile=profile if _is_whole(profile) and profile[_COLOR_SPACE] == _RGB else b"",
    )


def encode(suffix: str, bgr: Plane, how: list[int], metadata: Metadata = NONE) -> bytes | None:
    """Encode an image and what its format holds of the metadata; None where it does not hold the image.

    Raises:
        cv2.error: No such format, or OpenCV does not want the image.
    """
    parts = _parts(suffix, metadata)
    if parts and hasattr(cv2, "imencodeWithMetadata"):
        values = [np.frombuffer(part, np.uint8) for part in parts.values()]
        is_encoded, encoded = cv2.imencodeWithMetadata(suffix, bgr, list(parts), values, how)
        if is_encoded:
            return bytes(encoded.tobytes())
    is_encoded, encoded = cv2.imencode(suffix, bgr, how)
    return bytes(encoded.tobytes()) if is_encoded else None


def first_tag(tiff: bytes, number: int) -> int:
    """A 16-bit number in the first directory of a TIFF, which EXIF is, too; 0 where it is not there."""
    _, place = _places(tiff).get(number, (0, None))
    return 0 if place is None else int(struct.unpack_from(f"{_TIFF_ORDERS[tiff[:4]]}H", tiff, place)[0])


def _parts(suffix: str, metadata: Metadata) -> dict[int, bytes]:
    is_jpeg = suffix in _JPEG_SUFFIXES
    xmp = _XMP_START + metadata.xmp if is_jpeg and metadata.xmp else metadata.xmp
    if suffix == ".png" and xmp:
        xmp += b"\0"  # OpenCV takes it for a C string, and would read on behind it
    parts = {_EXIF: metadata.exif, _XMP: xmp, _PROFILE: metadata.profile}
    return {
        kind: part for kind, part in parts.items() if part and not (is_jpeg and len(part) > _JPEG_SEGMENT)
    }


def _is_whole(profile: bytes) -> bool:
    """Whether an ICC profile is as long as it says; for another, encoders refuse all metadata."""
    return len(profile) > _PROFILE_HEADER and int.from_bytes(profile[:4], "big") == len(profile)


def _upright(exif: bytes) -> bytes:
    """EXIF that says upright and points to no thumbnail, which would be gray; empty where it is none."""
    order = _TIFF_ORDERS.get(exif[:4])
    places = _places(exif)
    if order is None or not places:
        return b""
    changed = bytearray(exif)
    if ORIENTATION in places:
        kind, place = places[ORIENTATION]
        if kind != _SHORT:
            return b""  # no reader turns by it, and what it means is not known
        struct.pack_into(f"{order}H", changed, place, _UPRIGHT)
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    if (behind := start + 2 + 12 * count) + 4 <= len(exif):
        struct.pack_into(f"{order}I", changed, behind, 0)
    return bytes(changed)


def _places(tiff: bytes) -> dict[int, tuple[int, int]]:
    """Kind of the first directory's tags, and where their values lie, as far as it is whole."""
    places: dict[int, tuple[int, int]] = {}
    order = _TIFF_ORDERS.get(tiff[:4])
    if order is None:
        return places
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HH4xH", tiff, entry)
            places.setdefault(tag, (kind, entry + 8))
    except struct.error:  # it ends too early
        pass
    return places
