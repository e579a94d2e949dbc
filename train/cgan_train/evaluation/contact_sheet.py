"""Contact sheets as PNG: gray, colored and the truth, side by side; and a generator measured with one.

quality, sheet = measure_generator(generator, images, 256)
write_png(Path("sheet.png"), sheet)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from cgan_runtime.errors import DataError
from cgan_runtime.files.atomic import write_file
from cgan_train.data.loader import center_crop
from cgan_train.data.sources import Image
from cgan_train.evaluation import metrics
from cgan_train.evaluation.metrics import Array, Predict
from cgan_train.evaluation.quality import Quality, measure_quality
from cgan_train.models.base import Generator

_MARGIN = ((0, 4), (0, 4), (0, 0))  # px below and right of an image
_MAX_IMAGES = 16  # on a sheet of samples
_MAX_SIDE = 160  # px, of its images


def measure_generator(
    generator: Generator, images: Sequence[Image], side: int, batch: int = 1
) -> tuple[Quality | None, Image]:
    """Measure a generator in evaluation mode on images at `side` px, `batch` at once; draw a sheet of some.

    There is no quality if no image has color.
    """
    predict = predictor(generator, generator)
    multiple = generator.size_multiple
    shown = min(side, max(multiple, _MAX_SIDE // multiple * multiple))
    sheet = contact_sheet(predict, images[:_MAX_IMAGES], shown)
    try:
        return measure_quality(predict, images, side, batch=batch), sheet
    except DataError:
        return None, sheet


def predictor(generator: Generator, run: Callable[[Tensor], Tensor]) -> Predict:
    """Make a function of arrays from a generator or its `predict` (`run`), in float32 on its device."""
    device = next(generator.parameters()).device

    @torch.inference_mode()
    def predict(lightness: Array) -> Array:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return run(torch.from_numpy(lightness).to(device)).cpu().numpy()

    return predict


def contact_sheet(predict: Predict, images: Sequence[Image], side: int, columns: int = 2) -> Image:
    """A sheet of (gray, colored, truth) for each image, uint8 RGB; `columns` images side by side."""
    triples = []
    for image in images:
        lab = metrics.lab_of_image(center_crop(image, side, side))[None]
        parts = [metrics.without_color(lab), metrics.recolor(predict, lab), lab]
        shown = [np.pad(metrics.rgb_of_lab(part[0]), _MARGIN, constant_values=255) for part in parts]
        triples.append(np.hstack(shown))
    while len(triples) % columns:
        triples.append(np.zeros_like(triples[0]))
    rows = [np.hstack(triples[i : i + columns]) for i in range(0, len(triples), columns)]
    return np.vstack(rows)


def write_png(path: Path, image: Image) -> None:
    """Write an image; it appears under its name only when complete."""
    good, encoded = cv2.imencode(".png", image[..., ::-1])
    if not good:
        raise DataError(f"{path} cannot be encoded as PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, encoded.tobytes())
