"""TODO."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane

_FONT, _LINE, _MARGIN = cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0.6  # of the letters' height


_LETTERS = 0.035  # of the image's height


_WHITE, _SHADE = (245, 245, 245), 0.35


def draw_words(image: Plane, lines: Sequence[str]) -> None:
    """Write lines into the corner of an image, on a darker ground; those that are too long go on below."""
    if not lines:
        return
    height, width = image.shape[:2]
    letters = max(10.0, height * _LETTERS)  # pixels high
    scale = cv2.getFontScaleFromHeight(_FONT, round(letters), 1)
    thickness = max(1, round(letters / 14))
    margin, step = round(_MARGIN * letters), round(_LINE * letters)

    def length(line: str) -> int:
        return int(cv2.getTextSize(line, _FONT, scale, thickness)[0][0])

    lines = [
        part for line in lines for part in _broken(line, lambda text: length(text) + 3 * margin <= width)
    ]
    widest = max(map(length, lines))
    ground = image[: min(height, step * len(lines) + 2 * margin), : min(width, widest + 3 * margin)]
    np.multiply(ground, _SHADE, out=ground, casting="unsafe")
    for row, line in enumerate(lines):
        foot = (round(1.5 * margin), margin + round(letters) + row * step)
        cv2.putText(image, line, foot, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)


def _broken(line: str, fits: Callable[[str], bool]) -> list[str]:
    """A line as several that fit, as far as its words allow."""
    parts = [""]
    for word in line.split(" "):
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if parts[-1] and not fits(longer):
            parts.append(word)
        else:
            parts[-1] = longer
    return parts
