"""The photographs that come with cgan, and photographs as a generator's input.

    lightness = lightness_of(comparison_photos(), 256, 256)     # (8, 1, 256, 256)

Exports are compared and speed is measured on real photographs: on noise a difference says little about
images, and a network may even be faster or slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cgan_train.data.sources import Image, evenly, open_photos
from cgan_train.evaluation.metrics import Array, lab_of_image

BUNDLED = Path(__file__).parent / "photos"
"""Eight photographs, 256x256 px; licenses in the README.md beside them."""

_MOST = 32  # images of a data set that are taken


def comparison_photos(path: Path | None = None) -> list[Image]:
    """Some images to compare on: those that come with cgan, or up to 32 spread evenly over a data set.

    Args:
        path: A folder or tar shard of photos; None for the bundled ones.

    Raises:
        DataError: The path is missing, holds no photos, or one cannot be read.
    """
    photos = open_photos(BUNDLED if path is None else path)
    return [photos.read(index) for index in evenly(_MOST, len(photos))]


def lightness_of(images: Sequence[Image], height: int, width: int) -> Array:
    """The middle of each image as L*/50 - 1, float32 (N, 1, height, width) in [-1, 1]."""
    planes = [lab_of_image(_middle(image, height, width))[..., 0] for image in images]
    return np.stack(planes)[:, None] / np.float32(50) - np.float32(1)


def _middle(image: Image, height: int, width: int) -> Image:
    """The largest part of that aspect around the middle of an image, resized to (height, width, 3)."""
    tall, wide = image.shape[:2]
    scale = min(tall / height, wide / width)
    cut_h, cut_w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (tall - cut_h) // 2, (wide - cut_w) // 2
    part = image[top : top + cut_h, left : left + cut_w]
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)
