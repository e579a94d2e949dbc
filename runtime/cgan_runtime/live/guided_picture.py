"""One picture whose colors a person places, colored anew at each change in a fraction of a second.

    picture = GuidedPicture(View.of_image(image, colorizer))        # a photo; or View.of_luma(luma, colorizer)
    frame = picture.color(colorizer, hints)                         # as it is shown, a YccFrame
    guidance = picture.memory(colorizer, hints)                     # for what a camera sees from now on

What does not depend on hints is made once: the picture at the size that is shown, what the network sees of it, and
what the network knows its places by.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray, lightness_table
from cgan_runtime.color.planes import resized
from cgan_runtime.color.rgb_image import lightness_of
from cgan_runtime.colorizer import Colorizer, Prediction
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.guide.hints import rasterized
from cgan_runtime.guide.memory import HINT_STRIDE, Guidance, rows_of
from cgan_runtime.guide.settings import Hint
from cgan_runtime.live.ycc_frame import JFIF, YccFrame

SHOWN = 1280  # pixels of the longer side, at most, of what the page shows meanwhile


@dataclass(frozen=True)
class View:
    """A picture as the page and the network see it.

    Attributes:
        luma: In the encoding `JFIF`, uint8 (h, w), neither side above `SHOWN`.
        lightness: What the network sees: L*/50 - 1, float32.
        picture: Height and width of the picture itself.
    """

    luma: Plane
    lightness: FloatArray
    picture: tuple[int, int]

    @classmethod
    def of_luma(cls, luma: Plane, colorizer: Colorizer) -> View:
        """Of a frame, uint8 (H, W) in the encoding `JFIF`."""
        small = resized(luma, colorizer.input_shape(*luma.shape))
        shown = resized(luma, _shown(*luma.shape))
        return cls(shown, np.take(lightness_table(JFIF), small), _sides(luma))

    @classmethod
    def of_image(cls, image: Plane, colorizer: Colorizer) -> View:
        """Of a photo, as `Colorizer.image` takes it: the network sees exactly what it sees there."""
        whole = lightness_of(image)
        shown = resized(whole, _shown(*whole.shape))
        codes = np.interp(shown, lightness_table(JFIF), np.arange(JFIF.peak + 1))
        small = resized(whole, colorizer.input_shape(*whole.shape))
        return cls(np.rint(codes).astype(np.uint8), small, _sides(whole))

    def to_bytes(self) -> bytes:
        """All of it, to be read by `from_bytes`."""
        file = io.BytesIO()
        np.savez(file, luma=self.luma, lightness=self.lightness, picture=np.array(self.picture))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> View:
        """Read what `to_bytes` wrote; a MediaError if it is damaged."""
        try:
            with np.load(io.BytesIO(content)) as file:
                height, width = (int(side) for side in file["picture"])
                return cls(file["luma"], file["lightness"], (height, width))
        except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
            raise MediaError("what is kept of the picture is damaged; send it again") from error


class GuidedPicture:
    """Use it in the thread that owns the back end. The size of `view` decides that of what is shown."""

    def __init__(self, view: View, strength: float = 1.0) -> None:
        """Make what does not depend on hints; `strength` multiplies the chroma."""
        self.size = _sides(view.luma)
        self._view, self._strength = view, strength
        self._chroma_shape = YccFrame.chroma_shape(view.luma)
        self._guide = resized(view.luma, self._chroma_shape)
        height, width = self._shape = _sides(view.lightness)
        self._small = resized(view.luma, self._shape)
        self._grid = height // HINT_STRIDE, width // HINT_STRIDE
        self._keys: FloatArray | None = None

    def color(self, colorizer: Colorizer, hints: Sequence[Hint]) -> YccFrame:
        """The picture with these colors; without any, as the model guesses it.

        Raises:
            ConfigError: The model takes no hints.
            BackendUnavailable: The color cannot be predicted.
        """
        guidance = None
        if hints:
            colorizer.check_guide()
            guidance = Guidance(self._planes(hints), is_judged=False)
        chroma = colorizer.chroma(self._view.lightness, guidance) * np.float32(self._strength)
        prediction = Prediction(JFIF, self._guide, self._small, self._view.lightness, chroma)
        cb, cr = colorizer.enlarge(prediction)
        return YccFrame(self._view.luma, cb.copy(), cr.copy())  # the colorizer reuses its planes

    def memory(self, colorizer: Colorizer, hints: Sequence[Hint]) -> Guidance | None:
        """What further frames of the same scene may recall of it; None without hints.

        Raises:
            ConfigError: The model takes no hints.
        """
        if not hints:
            return None
        colorizer.check_guide()
        if self._keys is None:
            self._keys = colorizer.keys(self._view.lightness)
        rows = rows_of(self._keys, self._planes(hints), nearness=1)
        return Guidance(parts=((rows, 1.0),), is_judged=False)

    def _planes(self, hints: Sequence[Hint]) -> FloatArray:
        return rasterized(hints, self._view.picture, self._grid)


def check_still(hints: Sequence[Hint]) -> None:
    """Refuse hints that belong to a moment of a video; a ConfigError."""
    for number, hint in enumerate(hints, 1):
        if hint.in_time:
            raise ConfigError(f"hint {number} has a time or frame, which is for videos; this is an image: leave it out")


def _sides(plane: np.ndarray[Any, Any]) -> tuple[int, int]:
    return plane.shape[0], plane.shape[1]


def _shown(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture as it is shown: of the same aspect, not enlarged."""
    factor = min(1.0, SHOWN / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))
