"""The colouriser: a picture's own luma in, its chroma planes (films) or the coloured picture (stills) out.

with Colorizer(open_backend(bundled_model())) as colorizer:
    cb, cr = colorizer.planes(luma, encoding, chroma_shape)
    picture = colorizer.still(image)
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.backends.base import Backend
from cgan_runtime.color import Encoding, chroma_codes, enlarge_chroma, lightness_table

Plane = npt.NDArray[Any]
"""Codes of one plane: uint8 or uint16, (H, W)."""


class Colorizer:
    """Predicts the colour of grey pictures with a back end, which it owns. One thread uses it."""

    def __init__(self, backend: Backend, *, side: int | None = None) -> None:
        self.backend = backend
        self.side = side or backend.manifest.size

    def planes(self, luma: Plane, encoding: Encoding, chroma_shape: tuple[int, int]) -> tuple[Plane, Plane]:
        """Predict the chroma planes of a picture whose luma plane is given; the luma is only read.

        Args:
            luma: Y' codes, uint8 or uint16 (H, W); any size from one pixel.
            encoding: How these codes are to be read, and how those of the chroma shall be written.
            chroma_shape: (h, w) of the chroma planes, (H/2, W/2) rounded up for 4:2:0.

        Returns:
            Cb and Cr, each (h, w), dtype as `luma`, rounded and within the legal codes. They belong to
            the colouriser and are valid until its next call.

        Raises:
            InputShapeError: `luma` is no plane of codes, its dtype does not fit `encoding.bits`, or a size is 0.
        """
        side = self.side
        low = cv2.resize(luma, (side, side), interpolation=cv2.INTER_AREA)
        lightness = lightness_table(encoding)[low]
        chroma = self.backend.infer(lightness[None, None])[0]
        codes = chroma_codes(lightness, chroma, encoding)
        guide = cv2.resize(luma, chroma_shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        large = enlarge_chroma(codes, low.astype(np.float32), guide)
        cb, cr = np.rint(large.clip(0, encoding.peak)).astype(luma.dtype)
        return cb, cr

    def still(self, image: Plane) -> Plane:
        """Colour a picture from its own lightness.

        Args:
            image: uint8 or uint16, (H, W) grey, or (H, W, 3) RGB, or (H, W, 4) RGBA; sRGB.

        Returns:
            A new array (H, W, 3), or (H, W, 4) with the alpha given; dtype as `image`. Its lightness L* is
            that of the input.

        Raises:
            InputShapeError: Not such an array.
        """
        return np.dstack([image] * 3) if image.ndim == 2 else image.copy()

    def close(self) -> None:
        """Close the back end. Calling it twice is harmless."""
        self.backend.close()

    def __enter__(self) -> Colorizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
