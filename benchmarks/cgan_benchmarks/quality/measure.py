"""How well a model colors images that it has not seen: the figures of the model card.

Each image's middle square is resized to the model's size, colored from its own L*, and compared with itself
in color. The measures are defined in cgan_train.evaluation.quality.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cgan_benchmarks.quality.grays import gray_as
from cgan_benchmarks.quality.truths import Truth, Way
from cgan_runtime.backends.base import Backend
from cgan_train.data.loader import center_crop, is_gray
from cgan_train.data.sources import Image, evenly_spaced
from cgan_train.evaluation.contact_sheet import contact_sheet, write_png
from cgan_train.evaluation.metrics import Array, recolor, rgb_of_lab
from cgan_train.evaluation.quality import Frechet, Quality, Tallies, tally_images
from cgan_train.evaluation.tally import Features

_SHEET = 24  # images on a contact sheet
_BATCH_PIXELS = 2**16  # of the small images that PyTorch gets at once


@dataclass(frozen=True)
class QualityReport:
    """Quality of one model on a set of images, or on one group of it.

    Attributes:
        model: Its file, or the recipe of a checkpoint.
        sha256: Of that file, or of the checkpoint's weights.
        backend: What ran it.
        side: Of the measured squares, px.
        quality: None if no image of the group has color.
        data: The set's name.
        group: Empty for the whole set.
        without: Images whose names fit this pattern were left out.
        gray: What the colors were predicted from, of `GRAYS`; empty for lightness.
        frechet: None for few images, for another gray, or without the network whose features it compares.
    """

    model: str
    sha256: str
    backend: str
    side: int
    quality: Quality | None
    data: str = ""
    group: str = ""
    without: str = ""
    gray: str = ""
    frechet: Frechet | None = None


def measure_model(
    backend: Backend, way: Way, features: Features | None = None, on_image: Callable[[], None] = lambda: None
) -> list[QualityReport]:
    """Measure a model on a set: in all, and then each group, if it has several.

    Raises:
        DataError: No image has color, or one cannot be read.
    """
    manifest, in_pytorch = backend.manifest, backend.name == "pytorch"
    # An engine may have been built for single images.
    batch = max(1, _BATCH_PIXELS // manifest.size**2) if in_pytorch else 1
    name = f"{manifest.recipe} (PyTorch)" if in_pytorch else manifest.file

    def read(images: Iterable[Truth]) -> Iterator[Image]:
        for image in images:
            yield image.read()
            on_image()

    def report(tallies: Tallies, group: str) -> QualityReport:
        quality = tallies.quality() if tallies.ours or not group else None
        frechet = tallies.frechet() if quality else None
        return QualityReport(
            name, manifest.sha256, backend.name, manifest.size, quality, way.truths.name, group, way.without, way.gray,
            frechet,
        )  # fmt: skip

    every, groups, color = Tallies(), {}, _colorer(backend, way.gray)
    for group, images in way.truths.groups().items():
        crops: Iterable[Image] = (center_crop(image, manifest.size, manifest.size) for image in read(images))
        in_color = False
        if images[0].is_frame:  # a gray frame of a video in color is true, one of a gray video says nothing
            crops = list(crops)
            in_color = not all(map(is_gray, crops))
        groups[group] = tally_images(
            color, crops, manifest.size, batch=batch, features=None if way.gray else features, skip_gray=not in_color
        )
        every.add(groups[group])
    apart = groups if len(groups) > 1 and not way.gray else {}
    return [report(every, ""), *(report(tallies, group) for group, tallies in apart.items())]


def _colorer(backend: Backend, gray: str) -> Callable[[Array], list[Array]]:
    """A function from L*a*b* (N, H, W, 3) to a coloring of it, predicted from `gray` (lightness if it is empty)."""
    numbers = itertools.count()

    def color(lab: Array) -> list[Array]:
        seen = lab
        if gray:
            seen = lab.copy()
            for one, image in zip(seen, rgb_of_lab(lab), strict=True):
                one[..., 0] = (gray_as(gray, image, next(numbers)) + 1) * 50
        return [np.concatenate((lab[..., :1], recolor(backend.chroma, seen)[..., 1:]), axis=-1)]

    return color


def write_sheet(backend: Backend, truths: Sequence[Truth], path: Path) -> None:
    """Write a contact sheet of some images, evenly spaced: gray, colored, truth."""
    images = [truths[index].read() for index in evenly_spaced(_SHEET, len(truths))]
    write_png(path, contact_sheet(backend.chroma, images, backend.manifest.size))
