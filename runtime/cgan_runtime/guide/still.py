"""What is known of the colors of a single image: its hints, and what it recalls of reference pictures.

guidance = guidance_of(guide, picture=(1080, 1920), shape=(192, 352), network=colorizer)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.errors import ConfigError
from cgan_runtime.guide.hints import rasterized
from cgan_runtime.guide.memory import COLUMNS, HINT_STRIDE, Guidance, HalfArray, rows_of
from cgan_runtime.guide.pictures import Picture, pixels_of
from cgan_runtime.guide.settings import Guide


class Network(Protocol):
    """What a guide asks of a colorizer."""

    def keys(self, lightness: FloatArray) -> FloatArray:
        """What places are known by, (32, h/8, w/8), given a lightness (h, w)."""

    def input_shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in which the network sees a picture."""


def guidance_of(guide: Guide, picture: tuple[int, int], shape: tuple[int, int], network: Network) -> Guidance:
    """What a guide says about one image, whose height and width are `picture`, and `shape` for the network.

    Raises:
        ConfigError: The guide has keys, or hints with a time.
        MediaError: A reference cannot be read.
    """
    if guide.keys is not None:
        raise ConfigError("keys are for videos, and this is an image; leave them out")
    if timed := next((number for number, hint in enumerate(guide.hints, 1) if hint.in_time), None):
        raise ConfigError(f"hint {timed} has a time or frame, as for a video, and this is an image; leave that out")
    height, width = shape
    grid = height // HINT_STRIDE, width // HINT_STRIDE
    planes = rasterized(guide.hints, picture, grid) if guide.hints else None
    return Guidance(planes, ((rows_of_references(guide.references, network), 1.0),))


def rows_of_references(references: Sequence[str | Path | Plane], network: Network) -> HalfArray:
    """The memory of reference pictures, (rows, 38).

    Raises:
        MediaError: One cannot be read.
        ConfigError: One has no color.
    """
    rows = [np.zeros((0, COLUMNS), np.float16)]
    for number, reference in enumerate(references, 1):
        image = pixels_of(reference)
        picture = Picture.of(image, network.input_shape(*image.shape[:2]), whole=True)
        if picture.is_gray:
            name = f"reference {number}" if isinstance(reference, np.ndarray) else f"the reference {reference}"
            raise ConfigError(f"{name} has no color; give a colored picture")
        found = rows_of(network.keys(picture.lightness), picture.colors, nearness=0)
        rows.append(found.astype(np.float16))
    return np.concatenate(rows)
