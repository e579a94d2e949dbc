"""Text drawn into the corner of an image.

draw_text(image, ["12 frames/s", "recording"])     # changes the image, uint8 (H, W, 3)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTERS = 0.035  # height of the letters, of that of the image
_LINE, _MARGIN = 1.6, 0.6  # of the height of the letters
_WHITE, _SHADE = (245, 245, 245), 0.35


def draw_text(image: Plane, lines: Sequence[str]) -> None:
    """Write lines into the corner of an image, on a darkened background. Long lines are wrapped."""
    if not lines:
        return
    height, width = image.shape[:2]
    letters = max(10.0, height * _LETTERS)  # pixels high
    scale = cv2.getFontScaleFromHeight(_FONT, round(letters), 1)
    thickness = max(1, round(letters / 14))
    margin, step = round(_MARGIN * letters), round(_LINE * letters)

    def length(line: str) -> int:
        return int(cv2.getTextSize(line, _FONT, scale, thickness)[0][0])

    lines = [part for line in lines for part in _wrap(line, lambda text: length(text) + 3 * margin <= width)]
    widest = max(map(length, lines))
    background = image[: min(height, step * len(lines) + 2 * margin), : min(width, widest + 3 * margin)]
    np.multiply(background, _SHADE, out=background, casting="unsafe")
    for row, line in enumerate(lines):
        start = (round(1.5 * margin), margin + round(letters) + row * step)
        cv2.putText(image, line, start, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)


def _wrap(line: str, fits: Callable[[str], bool]) -> list[str]:
    """Break a line between words so that its parts fit; a long word stays whole."""
    parts = [""]
    for word in line.split(" "):
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if parts[-1] and not fits(longer):
            parts.append(word)
        else:
            parts[-1] = longer
    return parts
