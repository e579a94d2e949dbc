"""Colour science of the runtime: picture codes to lightness, predicted chroma back to picture codes.

encoding = Encoding("bt709", full_range=False, bits=8)
lightness = lightness_table(encoding)[luma_low]              # (h, w) in [-1, 1], the network's input
codes = chroma_codes(lightness, chroma, encoding)            # (2, h, w) Cb and Cr, still small
planes = enlarge_chroma(codes, luma_low, luma_at_chroma_size)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Matrix = Literal["bt601", "bt709", "bt2020"]


@dataclass(frozen=True)
class Encoding:
    """How the Y'CbCr codes of a picture are to be read (ITU-T H.273, section 8.3).

    Attributes:
        matrix: Luma coefficients: ITU-R BT.601, BT.709 or BT.2020 (non-constant luminance).
        full_range: Luma uses all codes (JPEG); otherwise 16..235 of 8 bit, and chroma 16..240.
        bits: Bits per sample, 8 to 16.
    """

    matrix: Matrix
    full_range: bool
    bits: int

    @property
    def peak(self) -> int:
        """Largest code."""
        return (1 << self.bits) - 1

    @property
    def black(self) -> int:
        """Luma code of black."""
        return 0 if self.full_range else 16 << (self.bits - 8)

    @property
    def white(self) -> int:
        """Luma code of white."""
        return self.peak if self.full_range else 235 << (self.bits - 8)

    @property
    def chroma_centre(self) -> int:
        """Chroma code of grey."""
        return 1 << (self.bits - 1)

    @property
    def chroma_gain(self) -> int:
        """Chroma codes for the whole span of Cb or Cr, -0.5 to 0.5."""
        return self.peak if self.full_range else 224 << (self.bits - 8)


@lru_cache
def lightness_table(encoding: Encoding) -> FloatArray:
    """Luma code -> L*/50 - 1 of the grey that has it: float32 (2**bits,) in [-1, 1]; read-only, cached.

    The grey is R' = G' = B' = Y', decoded with the sRGB transfer function, D65.
    """
    luma = (np.arange(encoding.peak + 1) - encoding.black) / (encoding.white - encoding.black)
    luma = luma.clip(0.0, 1.0)
    light = np.where(luma <= 0.04045, luma / 12.92, ((luma + 0.055) / 1.055) ** 2.4)
    lightness = np.where(light > 216 / 24389, 116 * np.cbrt(light) - 16, light * 24389 / 27)
    table = (lightness / 50 - 1).clip(-1.0, 1.0).astype(np.float32)
    table.setflags(write=False)
    return table


def chroma_codes(lightness: FloatArray, chroma: FloatArray, encoding: Encoding) -> FloatArray:
    """Cb and Cr codes of predicted colours, at the network's resolution.

    Args:
        lightness: L*/50 - 1 of the picture's luma, float32 (h, w) in [-1, 1].
        chroma: (a*, b*)/110, float32 (2, h, w) in [-1, 1].
        encoding: Matrix, range and depth of the codes.

    Returns:
        Cb and Cr code values, float32 (2, h, w), not rounded.
    """
    lab = np.dstack([(lightness + 1) * 50, chroma[0] * 110, chroma[1] * 110])
    rgb = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
    kr, kb = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}[encoding.matrix]
    luma = rgb @ np.float32([kr, 1 - kr - kb, kb])
    codes = np.stack([(rgb[..., 2] - luma) / (2 * (1 - kb)), (rgb[..., 0] - luma) / (2 * (1 - kr))])
    return codes * np.float32(encoding.chroma_gain) + np.float32(encoding.chroma_centre)


def enlarge_chroma(codes: FloatArray, guide_low: FloatArray, guide_high: FloatArray) -> FloatArray:
    """Enlarge chroma so that its edges follow those of the luma.

    Args:
        codes: Cb and Cr (or a* and b*), float32 (2, h, w).
        guide_low: Luma at the same size, float32 (h, w).
        guide_high: Luma at the size wanted, float32 (H, W).

    Returns:
        float32 (2, H, W).
    """
    height, width = guide_high.shape
    return np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in codes])
