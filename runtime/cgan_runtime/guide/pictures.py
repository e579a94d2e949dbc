"""Colored pictures, reduced to what the network needs of them: colors and lightness at its own size.

    picture = Picture.of(read_image(path), (256, 384))
    picture.colors                                      # (3, 128, 192), as hints that cover the whole picture

Where more than half of a picture is exactly gray, it is only partly painted: its gray places say nothing.
Transparent places say nothing either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import L_SCALE, FloatArray, lab_of_rgb
from cgan_runtime.color.rgb_image import checked_image
from cgan_runtime.guide.memory import PICTURE_STRIDE, pooled
from cgan_runtime.image.read_write import read_image
from cgan_runtime.manifest import AB_SCALE

PARTLY = 0.5  # share of a picture that is exactly gray, above which its gray counts as not painted
LEAST_CHROMA = 2.0  # hypot(a*, b*) of the most colorful percent; a picture below is gray, up to its compression


@dataclass(frozen=True)
class Picture:
    """A colored picture at the network's size.

    Attributes:
        colors: float32 (3, h/2, w/2): a*/110 and b*/110 times the share of each cell that is painted, and
            this share.
        lightness: L*/50 - 1, float32 (h, w).
        aspect: Width by height of the picture itself.
        is_gray: Whether it has no color.
        is_partial: Whether only a part of it is painted.
    """

    colors: FloatArray
    lightness: FloatArray
    aspect: float
    is_gray: bool
    is_partial: bool

    @classmethod
    def of(cls, image: Plane, shape: tuple[int, int], *, whole: bool = False) -> Picture:
        """Reduce an image, uint8 or uint16, (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, to (h, w).

        With `whole` all of it is painted but what is transparent, however much of it is gray.
        """
        image = checked_image(image)
        aspect = image.shape[1] / image.shape[0]
        if image.ndim == 2:
            image = np.dstack([image] * 3)
        painted, is_partial = _painted(image, whole=whole)
        rgb = _resized(image[..., :3], shape)
        lab = lab_of_rgb(rgb)
        share = _resized(painted, shape)
        chroma = lab[1:] / np.float32(AB_SCALE)
        if is_partial:  # the colors of painted pixels alone, not mixed with the gray around them
            kept = np.where(painted[..., None] > 0, image[..., :3], np.zeros((), image.dtype))
            near = _resized(kept, shape) / np.maximum(share, np.float32(1e-3))[..., None]
            chroma = lab_of_rgb(np.rint(near).clip(0, np.iinfo(image.dtype).max).astype(image.dtype))[1:]
            chroma = chroma / np.float32(AB_SCALE)
        planes = np.concatenate([chroma * share, share[None]]).astype(np.float32)
        colors = pooled(planes, (shape[0] // PICTURE_STRIDE, shape[1] // PICTURE_STRIDE))
        saturation = np.hypot(*(colors[:2] * AB_SCALE))
        is_gray = bool(np.percentile(saturation, 99) < LEAST_CHROMA)
        return cls(colors, lab[0] / np.float32(L_SCALE) - 1, aspect, is_gray, is_partial)


def pixels_of(source: str | Path | Plane) -> Plane:
    """The pixels of a picture, a file or an array; a MediaError if the file is no image."""
    if isinstance(source, np.ndarray):
        return source
    return read_image(Path(source) if isinstance(source, str) else source)


def _painted(image: Plane, *, whole: bool) -> tuple[FloatArray, bool]:
    """Where an image (H, W, 3 or 4) is painted, float32 (H, W) of 0 and 1, and whether that is not everywhere."""
    peak = np.iinfo(image.dtype).max
    green = image[..., 1]
    gray = (image[..., 0] == green) & (image[..., 2] == green)
    bare = gray if PARTLY < gray.mean() < 1 and not whole else np.zeros(gray.shape, bool)
    if image.shape[2] == 4:
        bare = bare | (image[..., 3] < peak // 2)
    return np.asarray(~bare, np.float32), bool(bare.any() and not bare.all())


def _resized(planes: Plane, shape: tuple[int, int]) -> Plane:
    smaller = planes.shape[0] >= shape[0] and planes.shape[1] >= shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(planes, shape[::-1], interpolation=how))
