"""Tags of TIFF, which EXIF has, too: what describes an image, taken out of one file and put into another.

    exif = describing_tags(data)                        # of a TIFF: as the EXIF of a JPEG
    value = tag_value(data, XMP)
    data = with_tags(data, exif, {XMP: xmp})            # into the first directory of a TIFF

TIFF 6.0, section 2, and EXIF 3.0 (CIPA DC-008), section 4.6. Files above 4 GB (BigTIFF) have no such tags here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

XMP, PROFILE = 700, 34675
ORIENTATION = 0x112
"""The tag of EXIF and TIFF that tells how an image is turned and mirrored; 1 is upright."""

_UPRIGHT = 1
_SHORT = 3  # a type
_MAX_PAGES = 1 << 16

ORDERS = {b"II*\0": "<", b"MM\0*": ">"}

_EXIF, _GPS = 34665, 34853  # tags that hold the position of another directory
_DESCRIBING = frozenset({
    269, 270, 271, 272, 282, 283, 285, 296, 305, 306, 315, 316, 18246, 33432, 33723, 34377,
    40091, 40092, 40093, 40094, 40095,
})  # fmt: skip
"""Names, places, dates, rights, resolution, rating, IPTC: nothing about how the pixels are stored."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes, by type
_BYTE, _LONG, _UNDEFINED = 1, 4, 7
_UNITS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}  # bytes that change places, by type
_MAX_VALUE = 1 << 24  # bytes of one tag


@dataclass(frozen=True)
class _Value:
    """The value of a tag, or a directory that it points to."""

    type: int
    data: bytes  # in the byte order of the file
    inner: dict[int, _Value] | None = None


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as a TIFF, also as one above 4 GB."""
    return data[:4] in ORDERS or data[:4] in (b"II+\0", b"MM\0+")


def describing_tags(tiff: bytes) -> bytes:
    """The describing tags of a TIFF as a file of its own, which is what EXIF is; empty if there are none."""
    order = ORDERS.get(tiff[:4])
    kept = _kept(_directory(tiff))
    return tiff[:4] + struct.pack(f"{order}I", 8) + _packed(kept, order, 8, 0) if kept and order else b""


def tag_value(tiff: bytes, number: int) -> bytes:
    """The bytes of a tag in the first directory; empty if it is missing."""
    found = _directory(tiff).get(number)
    return found.data if found is not None else b""


def with_tags(tiff: bytes, exif: bytes, more: dict[int, bytes]) -> bytes:
    """A TIFF with the describing tags of an EXIF, and others as bytes, in its first directory."""
    order, other = ORDERS.get(tiff[:4]), ORDERS.get(exif[:4])
    added = _kept(_directory(exif))
    if order != other:
        added = _swapped(added)
    added |= {number: _Value(_BYTE if number == XMP else _UNDEFINED, data) for number, data in more.items() if data}
    if order is None or not added:
        return tiff
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    (following,) = struct.unpack_from(f"{order}I", tiff, start + 2 + 12 * count)
    padded = tiff + bytes(len(tiff) % 2)
    directory = _packed(_directory(tiff) | added, order, len(padded), following)
    return padded[:4] + struct.pack(f"{order}I", len(padded)) + padded[8:] + directory


def without_orientation(tiff: bytes) -> tuple[bytes, list[int]]:
    """A TIFF whose pages all count as upright, and their orientations. OpenCV turns some kinds wrongly."""
    order = ORDERS.get(tiff[:4])
    changed, orientations = bytearray(tiff), []
    for start in directories(tiff) if order is not None else ():
        orientations.append(_UPRIGHT)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            number, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if (number, kind) == (ORIENTATION, _SHORT):
                orientations[-1] = struct.unpack_from(f"{order}H", tiff, entry + 8)[0]
                struct.pack_into(f"{order}H", changed, entry + 8, _UPRIGHT)
    return bytes(changed), orientations


def directories(tiff: bytes) -> list[int]:
    """Positions of the directories of a TIFF, also of one above 4 GB: one for each page that is whole."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    found: list[int] = []
    try:
        version = struct.unpack_from(f"{order}H", tiff, 2)[0] if order is not None else 0
        if version not in (42, 43):
            return found
        count, entry, link, at = ("H", 12, "I", 4) if version == 42 else ("Q", 20, "Q", 8)
        (at,) = struct.unpack_from(f"{order}{link}", tiff, at)
        while at and at not in found and len(found) < _MAX_PAGES:
            (entries,) = struct.unpack_from(f"{order}{count}", tiff, at)
            start, at = at, at + struct.calcsize(f"{order}{count}") + entry * entries
            (at,) = struct.unpack_from(f"{order}{link}", tiff, at)
            found.append(start)
    except struct.error:  # it is cut off
        pass
    return found


def _directory(tiff: bytes, start: int | None = None) -> dict[int, _Value]:
    """A directory, as far as it is complete; the first one without `start`."""
    order = ORDERS.get(tiff[:4])
    found: dict[int, _Value] = {}
    if order is None:
        return found
    try:
        at = struct.unpack_from(f"{order}I", tiff, 4)[0] if start is None else start
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            number, kind, values = struct.unpack_from(f"{order}HHI", tiff, entry)
            size = _SIZES.get(kind, 0) * values
            place = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", tiff, entry + 8)[0]
            if not 0 < size <= _MAX_VALUE or place + size > len(tiff):
                continue
            inner = None
            if number in (_EXIF, _GPS) and start is None:
                inner = _directory(tiff, struct.unpack_from(f"{order}I", tiff, entry + 8)[0])
            found.setdefault(number, _Value(kind, tiff[place : place + size], inner))
    except struct.error:  # it ends too early
        pass
    return found


def _kept(directory: dict[int, _Value]) -> dict[int, _Value]:
    return {
        number: value
        for number, value in directory.items()
        if number in _DESCRIBING or (number in (_EXIF, _GPS) and value.inner)
    }


def _swapped(directory: dict[int, _Value]) -> dict[int, _Value]:
    """The same in the other byte order."""
    return {
        number: _Value(
            value.type,
            np.frombuffer(value.data, f"u{_UNITS.get(value.type, 1)}").byteswap().tobytes(),
            None if value.inner is None else _swapped(value.inner),
        )
        for number, value in directory.items()
    }


def _packed(directory: dict[int, _Value], order: str, at: int, following: int) -> bytes:
    """A directory that begins at a position of a file, and the values that it points to."""
    entries, values = [], b""
    after = at + 2 + 12 * len(directory) + 4
    for number, value in sorted(directory.items()):
        kind, data = value.type, value.data
        if value.inner is not None:
            kind, place = _LONG, after + len(values)
            data = struct.pack(f"{order}I", place)
            values += _packed(value.inner, order, place, 0)
        count = len(data) // _SIZES[kind]
        if len(data) > 4:
            values += bytes(len(values) % 2)
            place, data = after + len(values), data + bytes(len(data) % 2)
            values, data = values + data, struct.pack(f"{order}I", place)
        entries.append(struct.pack(f"{order}HHI", number, kind, count) + data.ljust(4, b"\0"))
    return struct.pack(f"{order}H", len(entries)) + b"".join(entries) + struct.pack(f"{order}I", following) + values
