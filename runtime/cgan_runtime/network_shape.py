"""The height and width in which the network sees an image: near the image's aspect, of a chosen area."""

from __future__ import annotations

import math

MAX_ASPECT = 4.0
"""Longer images are squeezed to this for the network, which was trained on nothing like them."""

_DECIMALS = 4
"""Shapes that differ by less than this are equally good, so that the choice is the same on every machine."""


def network_shape(aspect: float, side: int, multiple: int) -> tuple[int, int]:
    """Height and width of the network's input for images of an aspect, width by height.

    Args:
        aspect: Of the image; beyond `MAX_ASPECT` the image is squeezed.
        side: Square root of the area wanted, pixels.
        multiple: Height and width are multiples of this.
    """
    aspect = min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT)

    def choices(pixels: float) -> set[int]:
        count = round(pixels / multiple, _DECIMALS)
        return {max(1, math.floor(count)) * multiple, max(1, math.ceil(count)) * multiple}

    def distance(shape: tuple[int, int]) -> tuple[float, int]:
        area = shape[0] * shape[1]
        far = abs(math.log(shape[1] / shape[0] / aspect)) + abs(math.log(area / side**2))
        return round(far, _DECIMALS), area  # the smaller of two that are equally good

    heights, widths = choices(side / math.sqrt(aspect)), choices(side * math.sqrt(aspect))
    return min(((h, w) for h in sorted(heights) for w in sorted(widths)), key=distance)
