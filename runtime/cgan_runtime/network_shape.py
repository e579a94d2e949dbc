"""The height and width in which the network sees an image: near the image's aspect, of a chosen area."""

from __future__ import annotations

import math

MAX_ASPECT = 4.0  # longer images are squeezed to this for the network, which was trained on nothing like them
_DECIMALS = 4  # smaller differences count as none, so that every machine chooses the same shape


def network_shape(aspect: float, side: int, multiple: int) -> tuple[int, int]:
    """Height and width of the network's input: multiples of `multiple`, about side * side pixels in all.

    `aspect` is width by height of the image, which is squeezed beyond `MAX_ASPECT`.
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
