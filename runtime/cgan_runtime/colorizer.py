"""The colorizer: an image's own luma in, its chroma planes (videos) or the colored image (stills) out.

    with Colorizer(open_backend(bundled_model())) as colorizer:
        cb, cr = colorizer.planes(luma, encoding, chroma_shape)
        image = colorizer.still(image)

The network sees the whole image made small; only its color is enlarged, and the luma stays as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.backends.base import Backend
from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import FloatArray, chroma_codes, lightness_table
from cgan_runtime.color.rgb_image import check_image, image_of, lightness_of
from cgan_runtime.color.upsampling import enlarge_chroma
from cgan_runtime.errors import BackendUnavailable, ConfigError, InputShapeError
from cgan_runtime.temporal.filter import TemporalFilter

MAX_ASPECT = 4.0
"""Longer images are squeezed to this for the network, which has seen nothing like them."""

MAX_SIDE = 2048
"""Largest `side`, pixels; far above what a colorizer is trained for."""

MAX_SATURATION = 3.0
"""Largest `saturation`: from here on most colors are drawn in to the gamut's edge."""

_DECIMALS = 4
"""Of the choice of the network's shape: what differs less is as good, whatever the last bits say."""

_MOST_CHROMA = 2.0
"""Beyond twice the span of (a*, b*)/110 an answer is no color."""


@dataclass(frozen=True)
class Small:
    """An image's color at the network's size.

    Attributes:
        encoding: Of the image's codes.
        guide: Its luma at the size of the chroma planes, (h, w).
        low: Its luma at the network's size.
        lightness: L*/50 - 1 at that size, float32.
        chroma: (a*, b*)/110 there, float32 (2, h, w).
    """

    encoding: Encoding
    guide: Plane
    low: Plane
    lightness: FloatArray
    chroma: FloatArray


class Colorizer:
    """Colors gray images with a back end, which it owns. One thread opens, uses and closes it.

    Attributes:
        backend: What predicts the color.
        side: The network's input has about side * side pixels, in the aspect of the image.
        saturation: What the chroma is multiplied by.
    """

    def __init__(self, backend: Backend, *, side: int | None = None, saturation: float = 1.0) -> None:
        """Take a back end over.

        Args:
            backend: Closed with the colorizer.
            side: Square root of the network's input area in pixels; by default the size that the model was
                made for. Smaller is faster and coarser.
            saturation: What the chroma is multiplied by: 0 leaves the image gray, 1 is what the model says.

        Raises:
            ConfigError: A value is out of range, the model takes one size only and `side` is another, or it
                takes several images at once.
        """
        if not 0 <= saturation <= MAX_SATURATION:
            raise ConfigError(f"saturation {saturation} is out of range; take 0 (gray) to {MAX_SATURATION:g}")
        manifest = backend.manifest
        count, _, height, width = manifest.input.shape
        if isinstance(count, int) and count != 1:
            raise ConfigError(
                f"{manifest.file} takes {count} images at once, and is given one; export the model "
                "with free axes, or without --batch"
            )
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        if side is not None and not manifest.size_multiple <= side <= MAX_SIDE:
            raise ConfigError(
                f"side {side} is out of range; take {manifest.size_multiple} to {MAX_SIDE} pixels"
            )
        if side is not None and self._fixed and self._fixed != (side, side):
            raise ConfigError(
                f"{manifest.file} takes {width}x{height} pixels only, side {side} was asked for; "
                "leave the side out, or export the model with free axes"
            )
        self.backend = backend
        self.side = side or manifest.size
        self.saturation = saturation
        self._out: tuple[Plane, Plane] | None = None
        self._scratch: tuple[FloatArray, FloatArray] | None = None

    def planes(
        self,
        luma: Plane,
        encoding: Encoding,
        chroma_shape: tuple[int, int],
        temporal: TemporalFilter | None = None,
    ) -> tuple[Plane, Plane]:
        """Predict the chroma planes of an image whose luma plane is given; the luma is only read.

        Args:
            luma: Y' codes, uint8 or uint16 (H, W); any size from one pixel.
            encoding: How these codes are to be read, and how those of the chroma shall be written.
            chroma_shape: (h, w) of the chroma planes, (H/2, W/2) rounded up for 4:2:0.
            temporal: Keeps the color of a video steady; it is given every frame of one video, in order. None
                colors each image by itself.

        Returns:
            Cb and Cr, each (h, w), dtype as `luma`, rounded and within the legal codes. They belong to
            the colorizer and are valid until its next call.

        Raises:
            InputShapeError: `luma` is no plane, its dtype does not fit the encoding, or a size is 0.
        """
        return self.enlarge(self.predict(luma, encoding, chroma_shape, temporal))

    def predict(
        self,
        luma: Plane,
        encoding: Encoding,
        chroma_shape: tuple[int, int],
        temporal: TemporalFilter | None = None,
    ) -> Small:
        """The first half of `planes`, all that needs the network; arguments and errors as there.

        Returns:
            What `enlarge` takes. It owns its arrays: the next prediction may begin meanwhile.
        """
        _check_planes(luma, encoding, chroma_shape)
        guide = _resize(luma, chroma_shape)
        low = self._low(luma, guide)
        lightness = np.take(lightness_table(encoding), low, mode="clip")
        chroma = self.chroma(lightness) if temporal is None else temporal.step(lightness, self.chroma)
        if temporal is None or temporal.settings.passes_through:
            chroma = chroma.copy()  # it may be the back end's own array
        return Small(encoding, guide, low, lightness, chroma)

    def enlarge(self, small: Small) -> tuple[Plane, Plane]:
        """The second half of `planes`, without the network: may run in another thread than `predict`."""
        encoding = small.encoding
        self._make_buffers(small.guide.shape, encoding.dtype)
        codes = chroma_codes(small.lightness, small.chroma, encoding)
        cb, cr = enlarge_chroma(
            codes, small.low, small.guide, span=encoding.luma_span, out=self._out, scratch=self._scratch
        )
        np.clip(cb, *encoding.chroma_limits, out=cb)
        np.clip(cr, *encoding.chroma_limits, out=cr)
        return cb, cr

    def lightness(self, luma: Plane, encoding: Encoding, chroma_shape: tuple[int, int]) -> FloatArray:
        """What the network sees of an image; arguments as of `planes`.

        Returns:
            L*/50 - 1, float32 (h, w) in [-1, 1].
        """
        _check_planes(luma, encoding, chroma_shape)
        low = self._low(luma, _resize(luma, chroma_shape))
        return np.take(lightness_table(encoding), low, mode="clip")

    def chroma(self, lightness: FloatArray) -> FloatArray:
        """Chroma (2, h, w) of lightness (h, w), as colorful as was asked for; valid until the next call.

        Raises:
            BackendUnavailable: The engine failed, or its answer holds what is no color.
        """
        chroma: FloatArray = self.backend.infer(lightness[None, None])[0]
        if not (chroma.max() <= _MOST_CHROMA and chroma.min() >= -_MOST_CHROMA):  # nor with a NaN in it
            raise BackendUnavailable(
                f"{self.backend.name} answered with values that are no numbers or no colors; take "
                "--precision fp32, or another --backend or --model"
            )
        if self.saturation != 1:
            chroma = chroma * np.float32(self.saturation)
        return chroma

    def image(self, array: Plane) -> Plane:
        """Color an image from its own lightness.

        Args:
            array: uint8 or uint16, (H, W) gray, or (H, W, 3) RGB, or (H, W, 4) RGBA; sRGB.

        Returns:
            A new array (H, W, 3), or (H, W, 4) with the alpha given; dtype as `array`. Its lightness L* is
            that of the input but for the rounding.

        Raises:
            InputShapeError: Not such an array.
        """
        check_image(array)
        lightness = lightness_of(array)
        low = _resize(lightness, self.input_shape(*lightness.shape))
        chroma = self.chroma(low)
        a, b = enlarge_chroma(chroma, low, lightness, span=2.0)
        return image_of(lightness, a, b, array)

    def input_shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for an image of this size.

        Both are multiples of the model's `size_multiple`, their product is about side * side, and their
        ratio is near the image's, so that things keep their shape.
        """
        if self._fixed:
            return self._fixed
        aspect = float(np.float32(width) / np.float32(height))  # as a model made by --end-to-end has it
        return network_shape(aspect, self.side, self.backend.manifest.size_multiple)

    def close(self) -> None:
        """Close the back end. Calling it twice is harmless."""
        self.backend.close()

    def __enter__(self) -> Colorizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _low(self, luma: Plane, guide: Plane) -> Plane:
        """Luma codes at the size of the network's input; `guide` is the luma as large as the chroma."""
        shape = self.input_shape(*luma.shape)
        # From the guide where that is large enough: halving first makes the odd ratio three times cheaper.
        coarse = guide if guide.shape[0] >= shape[0] and guide.shape[1] >= shape[1] else luma
        # Codes are made small before the lookup, not after: 30 times less to look up. The mean of codes is
        # the mean of lightness but for the curve of the table within one small pixel.
        return _resize(coarse, shape)

    def _make_buffers(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        if self._out is None or self._out[0].shape != shape or self._out[0].dtype != dtype:
            self._out = np.empty(shape, dtype), np.empty(shape, dtype)
            self._scratch = np.empty(shape, np.float32), np.empty(shape, np.float32)


def network_shape(aspect: float, side: int, multiple: int) -> tuple[int, int]:
    """Height and width of the network's input for images of an aspect, width by height.

    Args:
        aspect: Of the image; beyond `MAX_ASPECT` the image is squeezed.
        side: Square root of the area wanted, pixels.
        multiple: Height and width are multiples of this.
    """
    aspect = min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT)

    def choices(pixels: float) -> set[int]:
        count = round(pixels / multiple, _DECIMALS)
        return {max(1, math.floor(count)) * multiple, max(1, math.ceil(count)) * multiple}

    def distance(shape: tuple[int, int]) -> tuple[float, int]:
        area = shape[0] * shape[1]
        far = abs(math.log(shape[1] / shape[0] / aspect)) + abs(math.log(area / side**2))
        return round(far, _DECIMALS), area  # the smaller of two that are as good

    heights, widths = choices(side / math.sqrt(aspect)), choices(side * math.sqrt(aspect))
    return min(((h, w) for h in sorted(heights) for w in sorted(widths)), key=distance)


def _resize(plane: Plane, shape: tuple[int, int]) -> Plane:
    """Resize to (h, w): mean over the area along an axis that shrinks, linear along one that grows."""
    smaller = min(plane.shape[0], shape[0]), min(plane.shape[1], shape[1])
    if smaller != plane.shape:
        plane = cv2.resize(plane, smaller[::-1], interpolation=cv2.INTER_AREA)
    if shape != plane.shape:
        plane = cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return plane


def _check_planes(luma: npt.NDArray[Any], encoding: Encoding, chroma_shape: tuple[int, int]) -> None:
    if luma.ndim != 2 or luma.size == 0 or luma.dtype != encoding.dtype:
        raise InputShapeError(
            f"got luma {luma.dtype} {luma.shape}; expected a plane (H, W) of {encoding.dtype} "
            f"for {encoding.bits} bits, at least one pixel"
        )
    if len(chroma_shape) != 2 or min(chroma_shape) < 1:
        raise InputShapeError(f"got chroma shape {chroma_shape}; expected (h, w) of at least one pixel")
