"""Colour for one camera: its frames in order, kept steady along its motion.

painter = Painter(colorizer, TemporalSettings("high"))
picture = painter.paint(luma)
"""

from __future__ import annotations

from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.ycc_image import JFIF, Picture
from cgan_runtime.temporal.filter import TemporalFilter, TemporalSettings


class Painter:
    """One for each camera, all in the thread that owns the back end; they may share a colouriser."""

    def __init__(self, colorizer: Colorizer, temporal: TemporalSettings) -> None:
        """Take the colouriser, which stays its owner's."""
        self.colorizer = colorizer
        self._temporal = TemporalFilter(temporal)

    def paint(self, luma: Plane) -> Picture:
        """Colour the next frame.

        Args:
            luma: uint8 (H, W), in the encoding `JFIF`; kept in the picture as it is.
        """
        shape = Picture.chroma_shape(luma)
        cb, cr = self.colorizer.planes(luma, JFIF, shape, self._temporal)
        return Picture(luma, cb.copy(), cr.copy())  # the planes are the colouriser's own
