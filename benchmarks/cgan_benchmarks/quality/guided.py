"""How much hints help: colors given at random places, and how near the whole image then comes.

    check_guided(backend.manifest)
    curve = measure_guided(backend, truths.images, (0, 1, 10))

A hint is a square of 2x2 cells of the grid of a quarter of the image's resolution (8 px of 256), with the true
colors of these cells, at a random place that depends on the image's number only: more hints are these and
further ones. So Zhang et al. 2017 (arXiv 1705.02999, section 4.2) measured too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from cgan_benchmarks.quality.truths import Truth
from cgan_runtime.backends.base import Backend
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import AB_SCALE, Manifest
from cgan_train.data.loader import center_crop
from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import Array, recolor
from cgan_train.evaluation.quality import tally_images

HINTS = "hints"  # the input
HINT_STRIDE = 4  # pixels of the image for each cell of that input
SIDE = 2  # cells of a hint
_SEED = 7


@dataclass(frozen=True)
class GuidedQuality:
    """Quality with so many hints an image.

    Attributes:
        hints: Number of hints.
        nearer: How far the mean CIEDE2000 lies below the gray images', as a fraction.
        psnr: Peak signal-to-noise ratio of R, G and B in dB, the mean of the images' (`Quality.psnr_rgb`).
        chroma: Mean chroma relative to the truth's.
    """

    hints: int
    nearer: float
    psnr: float
    chroma: float


def check_guided(manifest: Manifest) -> None:
    """Raise ConfigError unless a model takes hints."""
    if HINTS not in [tensor.name for tensor in manifest.inputs]:
        raise ConfigError(f"{manifest.file} takes no hints; measure a guided model, or leave --hints out")


def measure_guided(
    backend: Backend, images: Sequence[Truth], counts: Sequence[int], on_image: Callable[[], None] = lambda: None
) -> list[GuidedQuality]:
    """Measure a guided model with each number of hints.

    Raises:
        ConfigError: The model takes no hints.
        DataError: No image has color, or one cannot be read.
    """
    check_guided(backend.manifest)
    side = backend.manifest.size
    number = -1

    def crops() -> Iterator[Image]:
        nonlocal number
        for number, image in enumerate(images):  # noqa: B007 (`color` reads it)
            yield center_crop(image.read(), side, side)
            on_image()

    def color(lab: Array) -> list[Array]:
        given = (hints_of(lab[0], count, number)[None] for count in counts)
        return [recolor(partial(_infer, backend, hints), lab) for hints in given]

    sums = tally_images(color, crops(), side)
    found = [sums.quality(index) for index in range(max(1, len(sums.ours)))]
    return [
        GuidedQuality(count, quality.gain_percent / 100, quality.psnr_rgb, quality.chroma_ratio)
        for count, quality in zip(counts, found, strict=True)
    ]


def _infer(backend: Backend, hints: Array, lightness: Array) -> Array:
    return backend.infer({backend.manifest.input.name: lightness, HINTS: hints})[backend.manifest.output.name].copy()


def hints_of(lab: Array, count: int, number: int) -> Array:
    """The hints of an image.

    Args:
        lab: L*a*b*, (H, W, 3), its true colors.
        count: How many hints.
        number: Of the image; their places depend on it.

    Returns:
        float32 (3, H/4, W/4): a*/110, b*/110 and 1 where a hint is, else zeros.
    """
    height, width = lab.shape[0] // HINT_STRIDE, lab.shape[1] // HINT_STRIDE
    chroma = cv2.resize(lab[..., 1:], (width, height), interpolation=cv2.INTER_AREA) / np.float32(AB_SCALE)
    mask = np.zeros((height, width), np.float32)
    places = np.random.default_rng((_SEED, number)).random((count, 2))
    for y, x in (places * (height - SIDE + 1, width - SIDE + 1)).astype(int):
        mask[y : y + SIDE, x : x + SIDE] = 1
    return np.stack((*np.moveaxis(chroma, -1, 0) * mask, mask)).astype(np.float32)
