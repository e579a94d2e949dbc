"""Color science of the runtime: image codes to lightness, predicted chroma back to image codes.

    encoding = Encoding("bt709", full_range=False, bits=8)
    lightness = lightness_table(encoding)[luma_low]              # (h, w) in [-1, 1], the network's input
    codes = chroma_codes(lightness, chroma, encoding)            # (2, h, w) Cb and Cr, still small
                                                                 # upsampling.py enlarges them

Lab is CIE 1976 with the white point of sRGB (D65). L* of HDR video is relative to its reference white: what
is brighter counts as white.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.encoding import LUMA_WEIGHTS, Encoding, Plane
from cgan_runtime.color.gamut import room, subtract_luma, within_gamut
from cgan_runtime.color.transfer import (
    GAMMA,
    OFFSET,
    TOE_END,
    TOE_SLOPE,
    Primaries,
    decode,
    decode_color,
    encode_color,
    xyz_of_rgb,
)
from cgan_runtime.errors import InputShapeError
from cgan_runtime.manifest import AB_SCALE

FloatArray = npt.NDArray[np.float32]

# CIE 1976 L*a*b* (CIE 15:2004): L* = 116 f(Y) - 16, a* = 500 (f(X) - f(Y)), b* = 200 (f(Y) - f(Z)), where
# f is the cube root above KNEE**3 and its tangent below.
L_GAIN, L_OFFSET, A_GAIN, B_GAIN = 116.0, 16.0, 500.0, 200.0
KNEE = 6 / 29
L_SCALE = 50.0
"""The network sees L*/50 - 1."""

_SRGB = xyz_of_rgb("bt709")
_XYZ_OF_RGB = _SRGB / _SRGB.sum(axis=1, keepdims=True)  # with X, Y and Z relative to white

_BLOCK = 1 << 14
"""Pixels converted at a time; intermediate results fit the cache, which is more than twice as fast."""


@lru_cache
def lightness_table(encoding: Encoding) -> FloatArray:
    """Table from luma code to L*/50 - 1 of that gray: float32 (2**bits,) in [-1, 1], read-only, cached.

    The gray is R' = G' = B' = Y', decoded with the encoding's transfer function. Codes outside black..white
    count as black or white.
    """
    luma = (np.arange(encoding.peak + 1) - encoding.black) / encoding.luma_span
    lightness = L_GAIN * _root(decode(encoding.transfer, luma.clip(0.0, 1.0))) - L_OFFSET
    table: FloatArray = (lightness / L_SCALE - 1).clip(-1.0, 1.0).astype(np.float32)
    table.setflags(write=False)
    return table


def chroma_codes(lightness: FloatArray, chroma: FloatArray, encoding: Encoding) -> FloatArray:
    """Cb and Cr codes of predicted colors, at the network's resolution.

    The codes are those of the color with this lightness and chroma. They are shown with the luma of the
    video, which for strong colors is up to a tenth higher than that of the color. A search for a lightness
    that removes the difference is not worth it (0.1 CIEDE2000 on average, docs/experiments.md). Out of gamut
    Cb and Cr are reduced together, so that the hue stays. Zero chroma gives exactly the neutral code.

    Args:
        lightness: L*/50 - 1 of the luma, float32 (h, w) in [-1, 1].
        chroma: (a*, b*)/110, float32 (2, h, w) in [-1, 1].
        encoding: Of the codes.

    Returns:
        Cb and Cr code values, float32 (2, h, w), not rounded.
    """
    kr, kb = LUMA_WEIGHTS[encoding.matrix]
    codes = np.empty(chroma.shape, np.float32)
    flat_codes, flat_l, flat_ab = codes.reshape(2, -1), lightness.reshape(-1), chroma.reshape(2, -1)
    for part in _blocks(flat_l.size):
        differences, gray = color_differences(flat_l[part], flat_ab[:, part], encoding)
        factor = room(gray, differences)
        for row, channel, weight in ((0, 2, kb), (1, 0, kr)):
            difference = differences[channel]
            difference *= factor
            difference *= np.float32(encoding.chroma_gain / (2 * (1 - weight)))
            np.add(difference, np.float32(encoding.chroma_center), out=flat_codes[row, part])
    return codes


def color_differences(lightness: FloatArray, chroma: FloatArray, encoding: Encoding) -> tuple[FloatArray, FloatArray]:
    """R', G' and B' minus Y' of colors, (3, n), also outside the gamut, and the Y' of their gray, (n,).

    Arguments as of `chroma_codes`, flat: (n,) and (2, n).
    """
    encoded = _encode(_linear_rgb(lightness, chroma, encoding.primaries), encoding)
    _, differences = subtract_luma(encoded[:3], *LUMA_WEIGHTS[encoding.matrix])
    return differences, encoded[3]


def lab_of_rgb(rgb: Plane) -> FloatArray:
    """L*, a* and b* of an sRGB image.

    Args:
        rgb: uint8 or uint16, (H, W, 3).

    Returns:
        float32 (3, H, W): L* in 0..100, a* and b* within -128..128.

    Raises:
        InputShapeError: Not such an array.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype not in (np.uint8, np.uint16):
        raise InputShapeError(f"got {rgb.dtype} {rgb.shape}; expected an RGB image, uint8 or uint16 (H, W, 3)")
    light = _decode_table(rgb.dtype.itemsize * 8)
    flat = rgb.reshape(-1, 3)
    lab = np.empty((3, len(flat)), np.float32)
    weights = _XYZ_OF_RGB.astype(np.float32)
    for part in _blocks(len(flat)):
        red, green, blue = (light[flat[part, channel]] for channel in range(3))
        # Y is written around green so that equal channels give equal X, Y and Z.
        fx, fy, fz = (_root(green + row[0] * (red - green) + row[2] * (blue - green)) for row in weights)
        lab[0, part] = L_GAIN * fy - L_OFFSET
        lab[1, part] = A_GAIN * (fx - fy)
        lab[2, part] = B_GAIN * (fy - fz)
    return lab.reshape(3, *rgb.shape[:2])


def rgb_of_lab(lab: FloatArray, dtype: npt.DTypeLike = np.uint8) -> Plane:
    """The sRGB image of L*, a* and b*.

    A color outside the gamut is mixed with the gray of its luminance, in linear light, until it fits. So L*
    stays exactly, and only chroma is reduced.

    Args:
        lab: float32 (3, H, W); L* in 0..100.
        dtype: uint8 or uint16.

    Returns:
        (H, W, 3) of `dtype`.
    """
    peak = np.float32(np.iinfo(dtype).max)
    flat = lab.reshape(3, -1)
    rgb = np.empty((flat.shape[1], 3), dtype)
    for part in _blocks(flat.shape[1]):
        light = _linear_rgb(flat[0, part] / L_SCALE - 1, flat[1:, part] / AB_SCALE)[:3]
        luminance, light = subtract_luma(light, _XYZ_OF_RGB[1, 0], _XYZ_OF_RGB[1, 2])
        light *= room(luminance, light)
        light += luminance
        rgb[part] = np.rint(_srgb_encode(light).clip(0, 1) * peak).T
    return rgb.reshape(*lab.shape[1:], 3)


def rgb_of_codes(luma: Plane, cb: Plane, cr: Plane, encoding: Encoding) -> Plane:
    """The R'G'B' image of Y'CbCr codes.

    A color outside the gamut is mixed with the gray of its luma until it fits. So luma between black and
    white stays, and only chroma is reduced.

    Args:
        luma: Codes, uint8 or uint16 (H, W). So are `cb` and `cr`.
        encoding: How they are read.

    Returns:
        (H, W, 3), full range: uint8 for 8 bits, else uint16.
    """
    kr, kb = LUMA_WEIGHTS[encoding.matrix]
    red, blue = (np.float32(2 * (1 - weight) / encoding.chroma_gain) for weight in (kr, kb))
    peak = np.float32(np.iinfo(encoding.dtype).max)
    planes = [plane.reshape(-1) for plane in (luma, cb, cr)]
    rgb = np.empty((luma.size, 3), encoding.dtype)
    for part in _blocks(luma.size):
        gray, *chroma = (plane[part].astype(np.float32) for plane in planes)
        gray -= np.float32(encoding.black)
        gray /= np.float32(encoding.luma_span)
        np.clip(gray, 0, 1, out=gray)
        differences = np.empty((3, gray.size), np.float32)
        for channel, code, gain in ((2, chroma[0], blue), (0, chroma[1], red)):
            np.subtract(code, np.float32(encoding.chroma_center), out=differences[channel])
            differences[channel] *= gain
        differences[1] = (kr * differences[0] + kb * differences[2]) / np.float32(kr + kb - 1)
        differences *= room(gray, differences)
        differences += gray
        differences *= peak
        rgb[part] = np.rint(differences, out=differences).T
    return rgb.reshape(*luma.shape, 3)


def srgb_of_rgb(rgb: Plane, encoding: Encoding) -> Plane:
    """The sRGB image of an R'G'B' image of another transfer function or primaries, for showing it.

    Highlights above reference white become white; colors outside sRGB are mixed with their gray.

    Args:
        rgb: Full-range codes, uint8 or uint16 (H, W, 3).
        encoding: Its transfer function and primaries are those of `rgb`.

    Returns:
        (H, W, 3) of the same dtype.
    """
    peak = np.iinfo(rgb.dtype).max
    light = decode_color(encoding.transfer, rgb / peak, encoding.primaries)
    light = cv2.transform(light, np.linalg.inv(_SRGB) @ xyz_of_rgb(encoding.primaries))
    light = within_gamut(np.ascontiguousarray(light.reshape(-1, 3).T, np.float32), _SRGB[1])
    codes = np.rint(_srgb_encode(light).clip(0, 1) * peak).T
    return np.ascontiguousarray(codes, rgb.dtype).reshape(rgb.shape)


@lru_cache
def _rgb_of_xyz(primaries: Primaries) -> FloatArray:
    """With X, Y and Z relative to white, R = Y + m0 (X - Y) + m2 (Z - Y), which keeps gray exactly gray."""
    matrix = xyz_of_rgb(primaries)
    relative: FloatArray = (np.linalg.inv(matrix) * matrix.sum(axis=1)).astype(np.float32)
    return relative


def _linear_rgb(lightness: FloatArray, chroma: FloatArray, primaries: Primaries = "bt709") -> FloatArray:
    """Linear light of L*/50 - 1 (n,) and (a*, b*)/110 (2, n): R, G, B, not clipped, and Y; (4, n)."""
    roots = np.empty((3, lightness.size), np.float32)
    np.multiply(lightness, np.float32(L_SCALE / L_GAIN), out=roots[1])
    roots[1] += np.float32((L_SCALE + L_OFFSET) / L_GAIN)
    np.multiply(chroma[0], np.float32(AB_SCALE / A_GAIN), out=roots[0])
    np.multiply(chroma[1], np.float32(-AB_SCALE / B_GAIN), out=roots[2])
    roots[0::2] += roots[1]
    x, y, z = _cube(roots)
    x -= y
    z -= y
    light = np.empty((4, lightness.size), np.float32)
    light[3] = y
    for channel, (of_x, _, of_z) in zip(light[:3], _rgb_of_xyz(primaries), strict=True):
        np.multiply(x, of_x, out=channel)
        channel += of_z * z
        channel += y
    return light


def _encode(light: FloatArray, encoding: Encoding) -> FloatArray:
    """R', G' and B', and the luma of the gray, of what `_linear_rgb` gives; (4, n). Overwrites `light`.

    sRGB goes on below 0, so that `room` sees how far a color is outside the gamut. The other curves are too
    steep there, so the color is mixed with its gray first.
    """
    if encoding.transfer == "srgb":
        return _srgb_encode(light)
    np.maximum(light[3], 0, out=light[3])
    light[:3] = within_gamut(light[:3], xyz_of_rgb(encoding.primaries)[1], highlights=True)
    encoded: FloatArray = encode_color(encoding.transfer, light, light[3])
    return encoded


def _cube(root: FloatArray) -> FloatArray:
    """The inverse of `_root`, float32: f**3 above KNEE and its tangent below, without a branch."""
    above = np.maximum(root, np.float32(KNEE))
    result = above * above
    result *= above
    below = np.minimum(root, np.float32(KNEE), out=above)
    below -= np.float32(KNEE)
    below *= np.float32(3 * KNEE**2)
    result += below
    return result


def _root(light: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The f of L*a*b*: the cube root, and its tangent for dark colors."""
    return np.where(light > KNEE**3, np.cbrt(light), (light - KNEE**3) / (3 * KNEE**2) + KNEE).astype(light.dtype)


def _srgb_encode(light: FloatArray) -> FloatArray:
    """Linear light to R'G'B', float32; below 0 the linear part goes on. Overwrites `light`."""
    above = np.maximum(light, np.float32(TOE_END))
    cv2.pow(above, 1 / GAMMA, dst=above)  # without AVX-512 several times faster than NumPy
    above *= np.float32(1 + OFFSET)
    above -= np.float32(OFFSET)
    np.minimum(light, np.float32(TOE_END), out=light)
    light -= np.float32(TOE_END)
    light *= np.float32(TOE_SLOPE)
    above += light
    return above


@lru_cache
def _decode_table(bits: int) -> FloatArray:
    codes = np.arange(1 << bits) / ((1 << bits) - 1)
    table: FloatArray = decode("srgb", codes).astype(np.float32)
    return table


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))
