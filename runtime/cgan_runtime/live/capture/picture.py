"""What is done to the pictures of a camera before they are colored: cropped, turned, flipped, and their levels.

    picture = Picture(PictureSettings(levels=Levels("auto"), rotate=90))
    frame = picture.frame(luma, encoding, time)          # a RawFrame

A camera looks out of a window upside down, sees its own frame, or delivers 16 bits of which it uses a few percent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.level_tracker import LevelTracker
from cgan_runtime.color.levels import UNCHANGED, Levels
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.ycc_frame import JFIF

_QUARTER = 90  # degrees


@dataclass(frozen=True)
class RawFrame:
    """One frame of a feed."""

    luma: Plane  # Y' of JFIF (BT.601, full range), uint8 (H, W); it belongs to the caller
    time: float | None = None  # when to show it, seconds from the start of the file; None means now
    seen: Plane | None = None  # what the network sees in its place, likewise; None: the same


@dataclass(frozen=True)
class PictureSettings:
    """What is done to the pictures of a camera, in this order.

    Attributes:
        levels: What becomes black and white.
        crop: The part that is kept: x, y, width and height in pixels of the camera's picture.
        rotate: Degrees clockwise, 0, 90, 180 or 270.
        flip: Whether left and right change places then.
    """

    levels: Levels = UNCHANGED
    crop: tuple[int, int, int, int] | None = None
    rotate: int = 0
    flip: bool = False


AS_IT_IS = PictureSettings()


class Picture:
    """Changes the pictures of one camera. Used in one thread."""

    def __init__(self, settings: PictureSettings) -> None:
        self._settings, self._tracker = settings, LevelTracker(settings.levels)

    def frame(self, luma: Plane, encoding: Encoding, time: float | None, shown_at: float | None = None) -> RawFrame:
        """The next picture, changed.

        Args:
            luma: Codes, uint8 or uint16 (H, W), of `encoding`, which has full range.
            encoding: How they are read.
            time: When it was taken, seconds of any clock; levels follow the picture by that.
            shown_at: The time of the frame that is returned.

        Raises:
            ConfigError: The picture is smaller than the part that is kept.
        """
        levels = self._settings.levels
        if (crop := self._settings.crop) is not None:
            x, y, width, height = crop
            if luma.shape[0] < y + height or luma.shape[1] < x + width:
                part, whole = f"{width}x{height}+{x}+{y}", f"{luma.shape[1]}x{luma.shape[0]}"
                raise ConfigError(f"--crop {part} is not within the camera's picture of {whole}; give a smaller part")
            luma = luma[y : y + height, x : x + width]
        stretched = None if levels.off else self._turned(self._tracker.stretch(luma, encoding, time, bits=8))
        if stretched is not None and levels.for_picture:
            return RawFrame(stretched, shown_at)
        return RawFrame(self._turned(eight_bits(luma, encoding)), shown_at, stretched)

    def _turned(self, plane: Plane) -> Plane:
        turned = np.rot90(plane, -self._settings.rotate // _QUARTER)
        return np.ascontiguousarray(turned[:, ::-1] if self._settings.flip else turned)


def eight_bits(luma: Plane, encoding: Encoding) -> Plane:
    """Codes of full range as those of JFIF, uint8."""
    return luma if encoding.bits == JFIF.bits else (luma >> (encoding.bits - JFIF.bits)).astype(np.uint8)
