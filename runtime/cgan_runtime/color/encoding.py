"""How Y'CbCr codes are read: matrix, range, depth, transfer function and primaries.

encoding = Encoding("bt709", full_range=False, bits=8)
encoding.black, encoding.white                 # 16, 235
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cgan_runtime.color.transfer import Primaries, Transfer
from cgan_runtime.errors import ConfigError

Plane = npt.NDArray[Any]
"""Codes of one plane, (H, W): uint8, or uint16 above 8 bits. Also images, (H, W, channels)."""

Matrix = Literal["bt601", "bt709", "bt2020"]

LUMA_WEIGHTS: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}
"""Kr and Kb of ITU-R BT.601-7, BT.709-6 and BT.2020-2; Kg = 1 - Kr - Kb."""


@dataclass(frozen=True)
class Encoding:
    """How the Y'CbCr codes of an image are read (ITU-T H.273, section 8.3).

    Attributes:
        matrix: Luma coefficients: ITU-R BT.601, BT.709 or BT.2020 (non-constant luminance).
        full_range: Luma uses all codes, as in JPEG; otherwise 16..235 of 8 bits, and chroma 16..240.
        bits: Bits per sample, 8 to 16.
        transfer: From light to codes; video that does not say counts as sRGB.
        primaries: The colors of pure R, G and B.

    Raises:
        ConfigError: The matrix is unknown, or bits are out of range.
    """

    matrix: Matrix
    full_range: bool
    bits: int
    transfer: Transfer = "srgb"
    primaries: Primaries = "bt709"

    def __post_init__(self) -> None:
        if self.matrix not in get_args(Matrix):
            raise ConfigError(f"matrix {self.matrix!r} is unknown; take one of {', '.join(get_args(Matrix))}")
        if not 8 <= self.bits <= 16:
            raise ConfigError(f"{self.bits} bits per sample are not supported; take 8 to 16")

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
    def luma_span(self) -> int:
        """Luma codes from black to white."""
        return self.white - self.black

    @property
    def chroma_center(self) -> int:
        """Chroma code of gray."""
        return 1 << (self.bits - 1)

    @property
    def chroma_gain(self) -> int:
        """Chroma codes from -0.5 to 0.5 of Cb or Cr."""
        return self.peak if self.full_range else 224 << (self.bits - 8)

    @property
    def chroma_limits(self) -> tuple[int, int]:
        """Smallest and largest legal chroma code."""
        return (0, self.peak) if self.full_range else (16 << (self.bits - 8), 240 << (self.bits - 8))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of arrays of codes: uint8, or uint16 above 8 bits."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)
