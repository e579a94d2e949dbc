"""TIFFs that OpenCV does not read, or not as they are, by Pillow: ZSTD, LZMA, 32 bits a sample, 12 bits, alpha.

image = read_by_pillow(data)                       # None if Pillow does not read it, either
"""

from __future__ import annotations

import io
import warnings

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.image.tiff_tags import tag_value

_MODES = {
    "1": "L", "P": "RGBA", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "LA": "RGBA", "RGBX": "RGB",
    "RGBa": "RGBA",
}  # fmt: skip
_DEEP = 65_535  # largest value of 16 bits
_BITS, _PLANES, _APART = 258, 284, 2  # tags: bits of each sample, how colors are kept; and a value of the latter
_DIRECT = ("L", "RGB", "RGBA")


def is_for_pillow(image: Plane) -> bool:
    """Whether Pillow reads a page better than OpenCV, whose result is given: it multiplies colors by their alpha."""
    has_alpha = image.ndim == 3 and image.shape[2] == 4
    return image.dtype not in (np.uint8, np.uint16) or (has_alpha and image.dtype == np.uint8)


def are_planes_deep(tiff: bytes) -> bool:
    """Whether a TIFF has more than 8 bits and a plane for each color, which no library here reads rightly."""
    little = tiff[:2] == b"II"
    bits, planes = (int.from_bytes(tag_value(tiff, tag)[:2], "little" if little else "big") for tag in (_BITS, _PLANES))
    return planes == _APART and bits > 8 and len(tag_value(tiff, _BITS)) > 2


def read_by_pillow(data: bytes, page: int = 0) -> Plane | None:
    """A page, turned upright: uint8 or uint16, (H, W), (H, W, 3) RGB or (H, W, 4) RGBA.

    Whole numbers above 16 bits and fractions outside 0 to 1 have no known white: they count as not readable.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
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
