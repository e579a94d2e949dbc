"""Colors the frames of one camera, in order, and keeps their color steady."""

from __future__ import annotations

from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.ycc_frame import JFIF, YccFrame
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings


class FrameColorizer:
    """One per camera. Use it only in the thread that owns the back end; several may share a colorizer."""

    def __init__(self, colorizer: Colorizer, temporal: TemporalSettings) -> None:
        """Keep the colorizer; the caller closes it."""
        self.colorizer = colorizer
        self._filter = TemporalFilter(temporal)

    def colorize(self, luma: Plane) -> YccFrame:
        """Color the next frame; `luma` is uint8 (H, W) in the encoding `JFIF` and is not copied."""
        cb, cr = self.colorizer.planes(luma, JFIF, YccFrame.chroma_shape(luma), self._filter)
        return YccFrame(luma, cb.copy(), cr.copy())  # the colorizer reuses its planes
