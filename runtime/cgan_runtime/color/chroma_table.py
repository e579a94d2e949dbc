"""Cb and Cr codes of a video by a table, in half the time of `chroma_codes`.

    codes = quick_chroma_codes(luma, lightness, chroma, encoding)      # (2, h, w)

A color minus its gray is a smooth function of chroma at each luma code, so the table holds that at a grid of
chroma. Only what lies between the nodes is an estimate: 0.03 codes off on average, below 1 in nearly all places.
Colors outside the gamut are reduced afterwards, as in `chroma_codes`.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from cgan_runtime.color.encoding import LUMA_WEIGHTS, Encoding, Plane
from cgan_runtime.color.lab import FloatArray, chroma_codes, color_differences, lightness_table
from cgan_runtime.color.planes import clipped

REACH = 0.625  # greatest (a*, b*)/110 of the table
_NODES = 33  # along a* and along b*; with an odd number gray is one of them, and exact
_STEP = np.float32(2 * REACH / (_NODES - 1))
_MIDDLE = np.float32(_NODES // 2)
_AT_ONCE = 8  # luma codes of the table that are calculated together: one after the other takes five times as long
_TINY = 1e-6
_IN_ORDER = [0, 0, 1, 1, 2, 2, 3, 3]  # each plane of an image becomes the one of that number


def quick_chroma_codes(luma: Plane, lightness: FloatArray, chroma: FloatArray, encoding: Encoding) -> FloatArray:
    """Cb and Cr codes, float32 (2, h, w), not rounded; `luma` are the codes (h, w) that `lightness` belongs to.

    More than 8 bits, other transfer functions and colors beyond `REACH` go to `chroma_codes`.
    """
    if encoding.bits != 8 or encoding.transfer != "srgb" or max(chroma.max(), -chroma.min()) > REACH:
        return chroma_codes(lightness, chroma, encoding)
    table, rows = _table(encoding)
    kr, kb = LUMA_WEIGHTS[encoding.matrix]
    x = chroma[1] * (1 / _STEP)
    x += _MIDDLE
    y = cv2.scaleAdd(chroma[0], float(1 / _STEP), cv2.LUT(luma, rows))
    found = cv2.remap(table, x, y, cv2.INTER_LINEAR)
    blue, red, green, gray = planes = np.empty((4, *luma.shape), np.float32)
    cv2.mixChannels([found], list(planes), _IN_ORDER)
    factor = _room(gray, blue, red, green)
    codes = np.empty(chroma.shape, np.float32)
    for difference, weight, code in ((blue, kb, codes[0]), (red, kr, codes[1])):
        cv2.multiply(difference, factor, dst=code, scale=encoding.chroma_gain / (2 * (1 - weight)))
        code += np.float32(encoding.chroma_center)
    return codes


@lru_cache(4)
def _table(encoding: Encoding) -> tuple[FloatArray, FloatArray]:
    """B', R' and G' minus Y', and the Y' of the gray, by luma code and a* (rows) and b*, (codes * nodes, nodes, 4);
    and the row of each code's zero a*.
    """
    axis = (np.arange(_NODES, dtype=np.float32) - _MIDDLE) * _STEP
    chroma = np.stack(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)
    chroma = np.tile(chroma, _AT_ONCE)
    table = np.empty((encoding.peak + 1, _NODES**2, 4), np.float32)
    for first in range(0, encoding.peak + 1, _AT_ONCE):
        codes = slice(first, first + _AT_ONCE)
        differences, gray = color_differences(lightness_table(encoding)[codes].repeat(_NODES**2), chroma, encoding)
        for channel, plane in enumerate((differences[2], differences[0], differences[1], gray)):
            table[codes, :, channel] = plane.reshape(_AT_ONCE, -1)
    rows = np.arange(encoding.peak + 1, dtype=np.float32) * _NODES + _MIDDLE
    return table.reshape(-1, _NODES, 4), rows


def _room(gray: FloatArray, blue: FloatArray, red: FloatArray, green: FloatArray) -> FloatArray:
    """As `gamut.room`, of single planes; overwrites `gray`."""
    most, least = cv2.max(cv2.max(blue, red), green), cv2.min(cv2.min(blue, red), green)
    most = clipped(most, _TINY, np.inf)
    least = clipped(least, -np.inf, -_TINY)
    np.divide(np.subtract(1, gray, dtype=np.float32), most, out=most)
    np.divide(np.negative(gray, out=gray), least, out=least)
    return clipped(cv2.min(most, least), 0, 1)
