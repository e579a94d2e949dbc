"""RGB images: to lightness for the network, and back with the color that it predicts.

lightness = lightness_of(image)
image = image_of(lightness, a, b, image)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import L_SCALE, FloatArray, lab_of_rgb, lightness_table, rgb_of_lab
from cgan_runtime.errors import InputShapeError
from cgan_runtime.manifest import AB_SCALE

JPEG = Encoding("bt601", full_range=True, bits=8)
"""How a JPEG stores colors (JFIF 1.02)."""

_BAND_ROWS = 64
"""Rows of an image that are converted at a time, which limits the memory that a large photo needs."""


def gray_image(image: Plane) -> Plane:
    """The image without its color; argument and result as of `Colorizer.image`."""
    image = checked_image(image)
    lightness = lightness_of(image)
    none = np.broadcast_to(np.float32(0), lightness.shape)
    return image_of(lightness, none, none, image)


def lightness_of(image: Plane) -> FloatArray:
    """L*/50 - 1 of an image, float32 (H, W)."""
    if image.ndim == 2:
        return lightness_table(Encoding("bt709", full_range=True, bits=image.itemsize * 8))[image]
    lightness = np.empty(image.shape[:2], np.float32)
    for rows in _bands(len(image)):
        lightness[rows] = lab_of_rgb(image[rows, :, :3])[0] / np.float32(L_SCALE) - 1
    return lightness


def image_of(lightness: FloatArray, a: FloatArray, b: FloatArray, image: Plane) -> Plane:
    """An image of this lightness and chroma, each float32 (H, W), with the depth and alpha of `image`."""
    has_alpha = image.ndim == 3 and image.shape[2] == 4
    result = np.empty((*lightness.shape, 4 if has_alpha else 3), image.dtype)
    for rows in _bands(len(image)):
        lab = np.stack([(lightness[rows] + 1) * L_SCALE, a[rows] * AB_SCALE, b[rows] * AB_SCALE])
        result[rows, :, :3] = rgb_of_lab(lab, image.dtype)
    if has_alpha:
        result[..., 3] = image[..., 3]
    return result


def _bands(height: int) -> list[slice]:
    return [slice(top, top + _BAND_ROWS) for top in range(0, height, _BAND_ROWS)]


def checked_image(image: npt.NDArray[Any]) -> Plane:
    """An image in the byte order of this machine; copied only where it has another.

    Raises:
        InputShapeError: No array, neither (H, W), (H, W, 3) nor (H, W, 4), or neither uint8 nor uint16.
    """
    if isinstance(image, (str, Path)):
        raise InputShapeError(f"got the file name {str(image)!r}; give an array, or color files with colorize_image()")
    if not isinstance(image, np.ndarray):
        raise InputShapeError(
            f"got {type(image).__name__}, which is no NumPy array; give one of uint8 or uint16, such as "
            "np.asarray(image) of a PIL image"
        )
    image = image.astype(image.dtype.newbyteorder("="), copy=False)
    channels = image.shape[2] if image.ndim == 3 else None
    if image.ndim not in (2, 3) or channels not in (None, 3, 4) or image.size == 0:
        raise InputShapeError(f"got an image of shape {image.shape}; expected (H, W), (H, W, 3) or (H, W, 4)")
    if image.dtype not in (np.uint8, np.uint16):
        raise InputShapeError(f"got an image of {image.dtype}; expected uint8 or uint16")
    return image
