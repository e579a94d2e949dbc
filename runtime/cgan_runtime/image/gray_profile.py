"""The color profile of a gray image as one of RGB, so that its grays look the same when it is colored.

    profile = rgb_profile(gray_profile)                # empty if it cannot be made

The curve of the gray becomes that of R, G and B, and the primaries are those of sRGB (ICC.1:2022).
"""

from __future__ import annotations

import struct

_HEADER = 128  # bytes
_COLOR_SPACE, _CONNECTION_SPACE = slice(16, 20), slice(20, 24)
_CURVES = (b"curv", b"para")
# X, Y and Z of sRGB's red, green and blue, adapted to D50, and of D50 itself.
_XYZ = {
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
    b"wtpt": (0.96420, 1.0, 0.82491),
}


def rgb_profile(gray: bytes) -> bytes:
    """A profile of RGB with the curve of one of gray; empty if that has no curve of a kind that is known."""
    curve = _tag(gray, b"kTRC")
    if curve[:4] not in _CURVES or gray[_CONNECTION_SPACE] not in (b"XYZ ", b"Lab "):
        return b""
    tags = {name: b"XYZ " + bytes(4) + b"".join(_fixed(each) for each in xyz) for name, xyz in _XYZ.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= {name: data for name in (b"desc", b"cprt") if (data := _tag(gray, name))}
    table, body = struct.pack(">I", len(tags)), b""
    start = _HEADER + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for name, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    header = bytearray(gray[:_HEADER])
    header[_COLOR_SPACE], header[_CONNECTION_SPACE] = b"RGB ", b"XYZ "
    header[0:4] = struct.pack(">I", start + len(body))
    header[12:16] = b"mntr"
    header[84:100] = bytes(16)  # the checksum of the old one
    return bytes(header) + table + body


def _tag(profile: bytes, name: bytes) -> bytes:
    try:
        (count,) = struct.unpack_from(">I", profile, _HEADER)
        for entry in range(_HEADER + 4, _HEADER + 4 + 12 * min(count, 100), 12):
            found, start, size = struct.unpack_from(">4sII", profile, entry)
            if found == name:
                return profile[start : start + size]
    except struct.error:  # it ends too early
        pass
    return b""


def _fixed(value: float) -> bytes:
    """A number as s15Fixed16Number."""
    return struct.pack(">i", round(value * 65_536))
