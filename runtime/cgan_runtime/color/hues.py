"""Whether an image has colors. A tint over everything, as of sepia, counts as gray.

if is_colored(image): ...
"""

from __future__ import annotations

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane

_SIDE = 48  # pixels; the mean over an area takes the noise out of the color
_GLANCES = 16  # pixels along each side of these, at least, that count
_LEAST = 2.0  # 8-bit codes of Cb and Cr, root mean square, that a tint does not explain


def is_colored(image: Plane) -> bool:
    """Whether an image has more than one hue: uint8 or uint16 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA."""
    if image.ndim == 2:
        return False
    step = max(1, min(image.shape[:2]) // (_SIDE * _GLANCES))
    small = cv2.resize(
        np.ascontiguousarray(image[::step, ::step, :3]), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
    ).astype(np.float64)
    small *= 255 / np.iinfo(image.dtype).max
    luma = small @ (0.299, 0.587, 0.114)
    chroma = np.stack([(small[..., 2] - luma) * 0.564, (small[..., 0] - luma) * 0.713], axis=-1).reshape(-1, 2)
    level = luma.ravel() / 255
    tint = np.stack([np.ones_like(level), level, level**2], axis=1)  # one color for each lightness
    rest = chroma - tint @ np.linalg.lstsq(tint, chroma, rcond=None)[0]
    return bool(np.sqrt(np.mean(np.sum(rest**2, axis=1))) > _LEAST)
