"""Transfer functions and primaries: code values in [0, 1] to linear light and back.

    light = decode("pq", codes)                          # relative to reference white, float64
    codes = encode("pq", light)
    matrix = xyz_of_rgb("bt2020")

Light is relative to the white of SDR: 1 is L* = 100. In HDR that is the reference white of ITU-R BT.2408-7,
203 cd/m2, and highlights lie above it. Video that says BT.709 or a relative is read as the displays show it that it
is made for (ITU-R BT.1886), whatever the camera's curve was. Video that says nothing counts as sRGB.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Transfer = Literal["srgb", "bt1886", "gamma22", "gamma28", "dcinema", "linear", "log", "log_sqrt", "pq", "hlg"]
Primaries = Literal["bt709", "bt2020", "p3"]
Array = npt.NDArray[Any]

UNCONVERTED: frozenset[Transfer] = frozenset({"srgb", "bt1886"})
"""Curves of codes that go to screens and into images as they are, as players do it."""

TRANSFERS: dict[int, Transfer] = {
    1: "bt1886", 4: "gamma22", 5: "gamma28", 6: "bt1886", 7: "bt1886", 8: "linear", 9: "log", 10: "log_sqrt",
    14: "bt1886", 15: "bt1886", 16: "pq", 17: "dcinema", 18: "hlg",
}  # fmt: skip
"""By the numbers of ITU-T H.273, table 3; all others count as sRGB."""

PRIMARIES: dict[int, Primaries] = {9: "bt2020", 11: "p3", 12: "p3"}
"""By the numbers of ITU-T H.273, table 2; all others count as those of BT.709, which are sRGB's."""

REFERENCE_WHITE = 203.0
"""Luminance of diffuse white in HDR, cd/m2 (ITU-R BT.2408-7, table 1)."""

# IEC 61966-2-1 (sRGB): slope, end of the linear part, gamma and offset.
TOE_SLOPE, TOE_END, GAMMA, OFFSET = 12.92, 0.0031308, 2.4, 0.055

# SMPTE ST 2084, ITU-R BT.2100-2 table 4 (PQ).
PQ_PEAK = 10_000.0  # cd/m2
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

# ARIB STD-B67, ITU-R BT.2100-2 table 5 (HLG), for a display of nominal peak luminance.
HLG_PEAK = 1000.0  # cd/m2
HLG_GAMMA = 1.2  # of the display's OOTF at that peak
_A = 0.17883277
_B, _C = 1 - 4 * _A, 0.5 - _A * math.log(4 * _A)

_EXPONENTS: dict[Transfer, float] = {"bt1886": 2.4, "gamma22": 2.2, "gamma28": 2.8, "linear": 1.0, "dcinema": 2.6}
_DCINEMA = 52.37 / 48  # SMPTE ST 428-1: light of the full code, relative to white
_DECADES: dict[Transfer, float] = {"log": 2.0, "log_sqrt": 2.5}  # of light that the codes span (H.273)

_WHITE = (0.3127, 0.3290)  # x and y of D65
_CHROMATICITIES: dict[Primaries, tuple[tuple[float, float], ...]] = {
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # ITU-R BT.2020-2, table 3
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # SMPTE EG 432-1 (Display P3)
}
_SRGB_TO_XYZ = np.array(  # IEC 61966-2-1
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


@lru_cache
def xyz_of_rgb(primaries: Primaries) -> Array:
    """The matrix from linear R, G, B to X, Y, Z: float64 (3, 3), read-only; white has Y = 1."""
    if primaries == "bt709":
        matrix = _SRGB_TO_XYZ.copy()
    else:
        columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in _CHROMATICITIES[primaries]]).T
        x, y = _WHITE
        matrix = columns * np.linalg.solve(columns, (x / y, 1.0, (1 - x - y) / y))
    matrix.setflags(write=False)
    return matrix


def decode(transfer: Transfer, codes: Array) -> Array:
    """Linear light of a gray, or of one channel, from codes in [0, 1]; 0 and up, dtype as `codes`.

    For HLG this is the light of a gray on the display. Of a color, `hlg_display` gives it.
    """
    if transfer == "srgb":
        above = ((codes + OFFSET) / (1 + OFFSET)) ** GAMMA
        light = np.where(codes <= TOE_SLOPE * TOE_END, codes / TOE_SLOPE, above)
    elif transfer == "pq":
        light = pq_luminance(codes) / REFERENCE_WHITE
    elif transfer == "hlg":
        light = hlg_scene(codes) ** HLG_GAMMA * (HLG_PEAK / REFERENCE_WHITE)
    elif transfer in _DECADES:
        light = np.where(codes > 0, 10 ** (_DECADES[transfer] * (codes - 1)), 0.0)
    else:
        light = codes ** _EXPONENTS[transfer] * (_DCINEMA if transfer == "dcinema" else 1.0)
    return light.astype(codes.dtype)


def encode(transfer: Transfer, light: Array) -> Array:
    """Codes of linear light that is not negative, the inverse of `decode`; dtype as `light`."""
    if transfer == "srgb":
        above = (1 + OFFSET) * light ** (1 / GAMMA) - OFFSET
        codes = np.where(light <= TOE_END, light * TOE_SLOPE, above)
    elif transfer == "pq":
        codes = pq_code(light * REFERENCE_WHITE)
    elif transfer == "hlg":
        codes = hlg_code((light * (REFERENCE_WHITE / HLG_PEAK)) ** (1 / HLG_GAMMA))
    elif transfer in _DECADES:
        decades = _DECADES[transfer]
        codes = 1 + np.log10(np.maximum(light, 10**-decades)) / decades
    else:
        codes = (light / (_DCINEMA if transfer == "dcinema" else 1.0)) ** (1 / _EXPONENTS[transfer])
    return codes.astype(light.dtype)


def encode_color(transfer: Transfer, rgb: Array, luminance: Array) -> Array:
    """Codes of colors: linear R, G, B (3, n), not negative, of this luminance (n,)."""
    if transfer != "hlg":
        return encode(transfer, rgb)
    # BT.2100-2 table 5: the display's light is the scene's times its luminance to the power of gamma - 1.
    display = np.maximum(luminance, 1e-9) * (REFERENCE_WHITE / HLG_PEAK)
    scene = rgb * (REFERENCE_WHITE / HLG_PEAK) * display ** (1 / HLG_GAMMA - 1)
    return hlg_code(scene).astype(rgb.dtype)


def decode_color(transfer: Transfer, codes: Array, primaries: Primaries) -> Array:
    """Linear R, G, B (..., 3) of codes (..., 3) in [0, 1]; the inverse of `encode_color`."""
    if transfer != "hlg":
        return decode(transfer, codes)
    scene = hlg_scene(codes)
    luminance = scene @ xyz_of_rgb(primaries)[1]
    display: Array = scene * luminance[..., None] ** (HLG_GAMMA - 1) * (HLG_PEAK / REFERENCE_WHITE)
    return display


def pq_luminance(codes: Array) -> Array:
    """Luminance in cd/m2, 0 to 10000, of PQ codes in [0, 1] (BT.2100-2 table 4, EOTF)."""
    root = codes ** (1 / _M2)
    luminance: Array = PQ_PEAK * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return luminance


def pq_code(luminance: Array) -> Array:
    """PQ codes in [0, 1] of luminance in cd/m2 (BT.2100-2 table 4, inverse EOTF)."""
    root = np.clip(luminance / PQ_PEAK, 0, 1) ** _M1
    codes: Array = ((_C1 + _C2 * root) / (1 + _C3 * root)) ** _M2
    return codes


def hlg_scene(codes: Array) -> Array:
    """Light of the scene in [0, 1] of HLG codes in [0, 1] (BT.2100-2 table 5, inverse OETF)."""
    return np.where(codes <= 0.5, codes * codes / 3, (np.exp((codes - _C) / _A) + _B) / 12)


def hlg_code(scene: Array) -> Array:
    """HLG codes of the scene's light, 0 to 1 (BT.2100-2 table 5, OETF)."""
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C)
