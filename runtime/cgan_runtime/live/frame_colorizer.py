"""Colors the frames of one camera, in order, and keeps their color steady."""

from __future__ import annotations

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.level_tracker import BRIGHTEST, DARKEST
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.guide.memory import Guidance
from cgan_runtime.live.ycc_frame import JFIF, YccFrame
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings

DIM_SHARE = 0.15  # of the range from black to white: with less in use, colors are poor
_LOOK_FRAMES = 50  # between two looks at how much is in use
_STEP = 8  # pixels that are looked at: each eighth of each eighth row


class FrameColorizer:
    """One per camera. Use it only in the thread that owns the back end; several may share a colorizer.

    Attributes:
        size: The network's input for this camera, pixels as of `Colorizer.size`. May be set at any time.
        dim: Whether its pictures use little of the range from black to white, as those of infrared cameras.
    """

    def __init__(self, colorizer: Colorizer, temporal: TemporalSettings, size: int | None = None) -> None:
        """Keep the colorizer, which the caller closes, and take its size or another."""
        self.colorizer, self.size = colorizer, size or colorizer.size
        self._temporal, self._filter = temporal, TemporalFilter(temporal)
        self._guidance: Guidance | None = None
        self.dim = False
        self._frames = 0

    @property
    def guidance(self) -> Guidance | None:
        """Colors that are known of the scene. When they change, the frames before count no more."""
        return self._guidance

    @guidance.setter
    def guidance(self, guidance: Guidance | None) -> None:
        if guidance is not self._guidance:
            self._guidance, self._filter = guidance, TemporalFilter(self._temporal)

    def colorize(self, luma: Plane, seen: Plane | None = None) -> YccFrame:
        """Color the next frame; `luma` is uint8 (H, W) in the encoding `JFIF` and is not copied.

        `seen` is what the network sees in its place, likewise.
        """
        self.colorizer.size = self.size
        self._frames += 1
        if self._frames % _LOOK_FRAMES == 0:
            low, high = np.percentile((luma if seen is None else seen)[::_STEP, ::_STEP], (DARKEST, BRIGHTEST))
            self.dim = bool(high - low < DIM_SHARE * JFIF.luma_span)
        shape = YccFrame.chroma_shape(luma)
        view = None if seen is None else (seen, JFIF)
        prediction = self.colorizer.predict(luma, JFIF, shape, self._filter, self._guidance, view)
        cb, cr = self.colorizer.enlarge(prediction)
        return YccFrame(luma, cb.copy(), cr.copy())  # the colorizer reuses its planes
