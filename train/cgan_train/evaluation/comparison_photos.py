"""The photos that come with cgan, and photos as a generator's input.

    lightness = lightness_of(comparison_photos(), 256, 256)     # (8, 1, 256, 256)

Exports are compared and speed is measured on real photos. On noise a difference says little about images, and
a network may be faster or slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cgan_train.data.loader import center_crop
from cgan_train.data.sources import Image, evenly_spaced, open_photos
from cgan_train.evaluation.metrics import Array, lab_of_image

BUNDLED = Path(__file__).parent / "photos"
"""Eight photos, 256x256 px; their README.md names the licenses."""

_MAX_IMAGES = 32  # of a data set


def comparison_photos(path: Path | None = None) -> list[Image]:
    """Read the photos to compare on: the bundled ones, or up to 32 evenly spaced ones of a data set.

    Args:
        path: A folder or tar shard of photos; None for the bundled ones.

    Raises:
        DataError: The path is missing, holds no photos, or one cannot be read.
    """
    photos = open_photos(BUNDLED if path is None else path)
    return [photos.read(index) for index in evenly_spaced(_MAX_IMAGES, len(photos))]


def lightness_of(images: Sequence[Image], height: int, width: int) -> Array:
    """The middle of each image as L*/50 - 1, float32 (N, 1, height, width) in [-1, 1]."""
    planes = [lab_of_image(center_crop(image, height, width))[..., 0] for image in images]
    return np.stack(planes)[:, None] / np.float32(50) - np.float32(1)
