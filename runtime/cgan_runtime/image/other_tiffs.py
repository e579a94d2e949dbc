"""TIFFs that OpenCV does not read, by Pillow: ZSTD, LZMA, 32 bits a sample, 12 bits.

image = read_by_pillow(data)                       # None if Pillow does not read it, either
"""

from __future__ import annotations

import io
import warnings

import numpy as np

from cgan_runtime.color.encoding import Plane

_MODES = {"1": "L", "P": "RGBA", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "LA": "RGBA", "RGBX": "RGB"}
_DEEP = 65_535  # largest value of 16 bits
_DIRECT = ("L", "RGB", "RGBA")


def read_by_pillow(data: bytes, page: int = 0) -> Plane | None:
    """A page, turned upright: uint8 or uint16, (H, W), (H, W, 3) RGB or (H, W, 4) RGBA.

    Whole numbers above 16 bits and fractions outside 0 to 1 have no known white: they count as not readable.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            warnings.simplefilter("ignore")
            image.seek(page)
            shown = ImageOps.exif_transpose(image)
            shown = shown.convert(_MODES.get(shown.mode, shown.mode))
            samples: Plane = np.array(shown)
    except (EOFError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if shown.mode in _DIRECT:
        return samples
    if samples.dtype.kind == "f" and samples.min() >= 0 and samples.max() <= 1:
        samples = np.rint(samples * _DEEP)
        return samples.astype(np.uint16)
    if samples.dtype.kind in "iu" and samples.min() >= 0 and samples.max() <= _DEEP:
        return samples.astype(np.uint16)
    return None
