"""The colorizer: takes the luma of a video frame and returns its chroma planes, or colors an image array.

    with Colorizer.open() as colorizer:
        colored = colorizer.image(array)                                # an image
        cb, cr = colorizer.planes(luma, encoding, chroma_shape)         # a frame of a video

The network sees the whole image at a small size. Only its color is enlarged; the luma stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgan_runtime.backends.base import Backend
from cgan_runtime.backends.registry import AUTO, open_backend
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.checks import check_type
from cgan_runtime.color.chroma_table import quick_chroma_codes
from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.color.planes import check_planes, lightness_of_codes, resized
from cgan_runtime.color.rgb_image import checked_image, image_of, lightness_of
from cgan_runtime.color.upsampling import enlarge_chroma
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.guide.memory import KEYS, Guidance, check_takes_guide
from cgan_runtime.guide.settings import Guide
from cgan_runtime.guide.still import guidance_of
from cgan_runtime.models import find_model
from cgan_runtime.network_shape import network_shape
from cgan_runtime.temporal.filter import TemporalFilter

MAX_SIZE = 2048  # largest `size`, pixels; far above what a colorizer is trained for
MAX_SATURATION = 3.0  # largest `saturation`: above it most colors lie at the edge of the gamut anyway
_MAX_CHROMA = 2.0  # largest value of (a*, b*)/110, twice its span, that may still be a color


@dataclass(frozen=True)
class Prediction:
    """An image's color at the network's size, to be enlarged by `Colorizer.enlarge`."""

    encoding: Encoding  # of the image's luma codes
    guide: Plane  # luma at the size of the chroma planes, uint8 or uint16 (h, w)
    luma: Plane  # luma at the network's size, likewise
    lightness: FloatArray  # L*/50 - 1 at the network's size, float32
    chroma: FloatArray  # (a*, b*)/110 at the network's size, float32 (2, h, w)
    similarity: float | None = None  # to the memory that was given, 0 to 1; None without, or if the network did not run


class Colorizer:
    """Colors gray images with a back end, which it owns. One thread opens, uses and closes it.

    Attributes:
        backend: What predicts the color.
        size: The network's input has about size * size pixels, in the aspect of the image. May be set at any time
            if `any_size`.
        saturation: Factor of the chroma. May be set at any time.
    """

    def __init__(self, backend: Backend, *, size: int | None = None, saturation: float = 1.0) -> None:
        """Take over an open back end; `Colorizer.open` opens one too.

        Args:
            backend: Closed with the colorizer.
            size: Square root of the network's input area in pixels; by default the size that the model was
                made for. Smaller is faster and coarser.
            saturation: Factor of the chroma: 0 leaves the image gray, 1 is what the model predicts.

        Raises:
            ConfigError: A value is no such number or out of range, the model takes one size only and `size` is
                another, or it takes several images at once.
        """
        check_type("size", size, int | None)
        check_type("saturation", saturation, float)
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
        if size is not None and not manifest.size_multiple <= size <= MAX_SIZE:
            raise ConfigError(f"size {size} is out of range; take {manifest.size_multiple} to {MAX_SIZE} pixels")
        if size is not None and self._fixed and self._fixed != (size, size):
            raise ConfigError(
                f"{manifest.file} takes {width}x{height} pixels only, size {size} was asked for; "
                "leave the size out, or export the model with free axes"
            )
        self.backend = backend
        self.size = size or manifest.size
        self.saturation = saturation
        self._keys: FloatArray | None = None  # of the last inference
        self._out: tuple[Plane, Plane] | None = None
        self._scratch: FloatArray | None = None

    @property
    def any_size(self) -> bool:
        """Whether the model takes images of any size; otherwise all are colored at one."""
        return self._fixed is None

    @classmethod
    def open(
        cls,
        model: str | Path | None = None,
        backend: str = AUTO,
        *,
        precision: str = AUTO,
        threads: int | None = None,
        size: int | None = None,
        saturation: float = 1.0,
        on_build: BuildCallback | None = None,
    ) -> Colorizer:
        """Open a model.

        Args:
            model: File made by cgan-export, or its folder; None or "edge" takes the model that ships.
            backend: What runs the model: "auto" takes the best that works here, or a name ("tensorrt",
                "cuda", "openvino", "onnxruntime").
            precision: What a CPU computes in: "fp32", "bf16", or "auto", which takes bfloat16 where the
                processor is faster with it.
            threads: CPU threads of the back end; None leaves the choice to it.
            size: As of `Colorizer`.
            saturation: As of `Colorizer`.
            on_build: Called while TensorRT builds an engine, which takes minutes once.

        Raises:
            ModelFileError: The model or its manifest is missing, damaged or foreign.
            BackendUnavailable: The back end is not installed, or does not work here.
            ConfigError: A value is of a wrong type or out of range, or the model does not allow it.
        """
        check_type("model", model, str | Path | None)
        opened = open_backend(find_model(model), backend, threads=threads, precision=precision, progress=on_build)
        try:
            return cls(opened, size=size, saturation=saturation)
        except ConfigError:
            opened.close()
            raise

    def image(self, array: Plane, guide: Guide | None = None) -> Plane:
        """Color an image from its own lightness.

        Args:
            array: uint8 or uint16, (H, W) gray, or (H, W, 3) RGB, or (H, W, 4) RGBA; sRGB.
            guide: Colors that are known, as hints and references.

        Returns:
            A new array (H, W, 3), or (H, W, 4) with the alpha given; dtype as `array`. Its lightness L* is
            that of the input, up to rounding.

        Raises:
            InputShapeError: Not such an array.
            ConfigError: The model takes no guide, or the guide is none, or one for videos.
            MediaError: A reference cannot be read.
        """
        return self.animation_frame(array, guide)

    def animation_frame(
        self, array: Plane, guide: Guide | None = None, temporal: TemporalFilter | None = None
    ) -> Plane:
        """Color a frame of an animation as `image` does; `temporal` keeps its color steady, without a guide."""
        array = checked_image(array)
        check_type("guide", guide, Guide | None)
        lightness = lightness_of(array)
        small = resized(lightness, self.input_shape(*lightness.shape))
        guidance = None
        if guide is not None and not guide.is_empty:
            self.check_guide()
            guidance = guidance_of(guide, lightness.shape, small.shape, self)
        chroma = self.chroma(small, guidance) if temporal is None else temporal.step(small, self.chroma)
        a, b = enlarge_chroma(chroma, small, lightness, span=2.0)
        return image_of(lightness, a, b, array)

    def planes(
        self, luma: Plane, encoding: Encoding, chroma_shape: tuple[int, int], temporal: TemporalFilter | None = None
    ) -> tuple[Plane, Plane]:
        """Predict the chroma planes of an image whose luma plane is given; the luma is only read.

        Args:
            luma: Y' codes, uint8 or uint16 (H, W); any size from one pixel.
            encoding: How these codes are read, and how those of the chroma are written.
            chroma_shape: (h, w) of the chroma planes, (H/2, W/2) rounded up for 4:2:0.
            temporal: Keeps the color of a video steady; it sees every frame of one video, in order. None
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
        guidance: Guidance | None = None,
        seen: tuple[Plane, Encoding] | None = None,
    ) -> Prediction:
        """The first half of `planes`, all that needs the network; arguments and errors as there.

        `guidance` is what is known of the colors of this image; its certain colors replace the past. `seen` is
        what the network sees in place of `luma`: such codes of the same size, and how they are read. The
        prediction owns its arrays: the next one may begin while `enlarge` takes this one.
        """
        guide, small = self._small(luma, encoding, chroma_shape)
        lightness = lightness_of_codes(small, encoding)
        self._keys = None
        view = lightness if seen is None else self.lightness(*seen, chroma_shape)
        chroma = self.step(view, temporal, guidance)
        if temporal is None or temporal.settings.passes_through:
            chroma = chroma.copy()  # it may be the back end's own array
        similarity = None if guidance is None or self._keys is None else guidance.similarity(self._keys)
        return Prediction(encoding, guide, small, lightness, chroma, similarity)

    def step(
        self, lightness: FloatArray, temporal: TemporalFilter | None, guidance: Guidance | None = None
    ) -> FloatArray:
        """The chroma of the next frame of a video, (2, h, w), given its lightness (h, w)."""
        if temporal is None:
            return self.chroma(lightness, guidance)
        certain = None if guidance is None else guidance.certain(lightness.shape, self.saturation)
        lasts = 0 if guidance is None else guidance.lasts
        return temporal.step(lightness, lambda seen: self.chroma(seen, guidance), certain, lasts)

    def enlarge(self, prediction: Prediction) -> tuple[Plane, Plane]:
        """The second half of `planes`, without the network: may run in another thread than `predict`."""
        encoding, guide = prediction.encoding, prediction.guide
        self._make_buffers(guide.shape, encoding.dtype)
        codes = quick_chroma_codes(prediction.luma, prediction.lightness, prediction.chroma, encoding)
        return enlarge_chroma(
            codes, prediction.luma, guide, span=encoding.luma_span, limits=encoding.chroma_limits,
            out=self._out, scratch=self._scratch,
        )  # fmt: skip

    def lightness(self, luma: Plane, encoding: Encoding, chroma_shape: tuple[int, int]) -> FloatArray:
        """What the network sees: L*/50 - 1, float32 (h, w) in [-1, 1]; arguments as of `planes`."""
        _, small = self._small(luma, encoding, chroma_shape)
        return lightness_of_codes(small, encoding)

    def chroma(self, lightness: FloatArray, guidance: Guidance | None = None) -> FloatArray:
        """Predict chroma (2, h, w) from lightness (h, w), times the saturation; valid until the next call.

        Raises:
            BackendUnavailable: The engine failed, or its answer is no color.
        """
        manifest = self.backend.manifest
        inputs = {manifest.input.name: lightness[None, None]}
        if guidance is not None:
            inputs |= guidance.inputs(manifest)
        outputs = self.backend.infer(inputs)
        chroma: FloatArray = outputs[manifest.output.name][0]
        self._keys = outputs[KEYS][0] if KEYS in outputs else None
        if not (chroma.max() <= _MAX_CHROMA and chroma.min() >= -_MAX_CHROMA):  # false for NaN, too
            raise BackendUnavailable(
                f"{self.backend.name} answered with values that are no numbers or no colors; take "
                "--precision fp32, or another --backend or --model"
            )
        return chroma if self.saturation == 1 else chroma * np.float32(self.saturation)

    def keys(self, lightness: FloatArray) -> FloatArray:
        """What the network knows places by, float32 (32, h/8, w/8), given the lightness (h, w) of an image."""
        self.chroma(lightness)
        assert self._keys is not None  # `check_guide` has been asked
        return self._keys.copy()

    def check_guide(self) -> None:
        """Refuse to take a guide with a model that has no inputs for it; a ConfigError."""
        check_takes_guide(self.backend.manifest)

    def input_shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for an image of this size.

        Both are multiples of the model's `size_multiple`, their product is about size * size, and their
        ratio is near the image's, so that things keep their shape.
        """
        if self._fixed:
            return self._fixed
        aspect = float(np.float32(width) / np.float32(height))  # as a model made by --end-to-end has it
        return network_shape(aspect, self.size, self.backend.manifest.size_multiple)

    def close(self) -> None:
        """Close the back end. Calling it twice is harmless."""
        self.backend.close()

    def __enter__(self) -> Colorizer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _small(self, luma: Plane, encoding: Encoding, chroma_shape: tuple[int, int]) -> tuple[Plane, Plane]:
        """Luma codes at the size of the chroma planes, and at the size of the network's input."""
        check_planes(luma, encoding, chroma_shape)
        guide = resized(luma, chroma_shape)
        shape = self.input_shape(*luma.shape)
        # From the guide where that is large enough: halving first makes the odd ratio three times cheaper.
        coarse = guide if guide.shape[0] >= shape[0] and guide.shape[1] >= shape[1] else luma
        # Codes are resized before the lookup, not after: 30 times fewer lookups. The mean of codes is the
        # mean of lightness except for the curve of the table within one small pixel.
        return guide, resized(coarse, shape)

    def _make_buffers(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        if self._out is None or self._out[0].shape != shape or self._out[0].dtype != dtype:
            self._out = np.empty(shape, dtype), np.empty(shape, dtype)
            self._scratch = np.empty((3, *shape), np.float32)
