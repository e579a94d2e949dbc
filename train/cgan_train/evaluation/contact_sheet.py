"""Contact sheets: gray, ours and the truth, side by side, as PNG; and what a generator is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from cgan_runtime.errors import DataError
from cgan_train.data.loader import center_fit
from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import (
    Array,
    Predict,
    Quality,
    lab_of_image,
    measure_quality,
    recolor,
    rgb_of_lab,
    without_color,
)
from cgan_train.models.base import Generator

_GAP = 4  # px
_SHOWN = 16  # images on a sheet of samples
_SHOWN_SIDE = 160  # px at most


def measure_generator(generator: Generator, images: Sequence[Image], side: int) -> tuple[Quality, Image]:
    """How well a generator in evaluation mode colors images at `side` px, and a sheet of some of them."""
    predict = predictor(generator, generator)
    multiple = generator.size_multiple
    shown = min(side, max(multiple, _SHOWN_SIDE // multiple * multiple))
    return measure_quality(predict, images, side), contact_sheet(predict, images[:_SHOWN], shown)


def predictor(generator: Generator, run: Callable[[Tensor], Tensor]) -> Predict:
    """A generator's answers to arrays, in float32 wherever its weights lie; `run` is it or its `predict`."""
    device = next(generator.parameters()).device

    @torch.inference_mode()
    def predict(lightness: Array) -> Array:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return run(torch.from_numpy(lightness).to(device)).cpu().numpy()

    return predict


def contact_sheet(predict: Predict, images: Sequence[Image], side: int, columns: int = 2) -> Image:
    """One row of (gray, ours, truth) for each image, `columns` such rows beside each other."""
    triples = []
    for image in images:
        lab = lab_of_image(center_fit(image, side))[None]
        parts = [without_color(lab), recolor(predict, lab), lab]
        triples.append(np.hstack([_gap(rgb_of_lab(part[0])) for part in parts]))
    while len(triples) % columns:
        triples.append(np.zeros_like(triples[0]))
    rows = [np.hstack(triples[i : i + columns]) for i in range(0, len(triples), columns)]
    return np.vstack(rows)


def write_png(path: Path, image: Image) -> None:
    """Write an RGB image; it appears under its name only when complete."""
    good, encoded = cv2.imencode(".png", image[..., ::-1])
    if not good:
        raise DataError(f"{path} cannot be encoded as PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(encoded.tobytes())
    draft.replace(path)


def _gap(image: Image) -> Image:
    return np.pad(image, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
