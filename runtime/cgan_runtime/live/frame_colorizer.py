"""Color for one camera: its frames in order, kept steady along its motion.

painter = Painter(colorizer, TemporalSettings("high"))
image = painter.paint(luma)
"""

from __future__ import annotations

from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.ycc_image import JFIF, Image
from cgan_runtime.temporal.filter import TemporalFilter, TemporalSettings


class Painter:
    """One for each camera, all in the thread that owns the back end; they may share a colorizer."""

    def __init__(self, colorizer: Colorizer, temporal: TemporalSettings) -> None:
        """Take the colorizer, which stays its owner's."""
        self.colorizer = colorizer
        self._temporal = TemporalFilter(temporal)

    def paint(self, luma: Plane) -> Image:
        """Color the next frame.

        Args:
            luma: uint8 (H, W), in the encoding `JFIF`; kept in the image as it is.
        """
        shape = Image.chroma_shape(luma)
        cb, cr = self.colorizer.planes(luma, JFIF, shape, self._temporal)
        return Image(luma, cb.copy(), cr.copy())  # the planes are the colorizer's own
