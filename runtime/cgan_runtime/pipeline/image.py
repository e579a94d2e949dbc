"""Color one image, from file to file."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cgan_runtime.color.hues import is_colored
from cgan_runtime.color.rgb_image import gray_image
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import check_output
from cgan_runtime.guide.settings import Guide
from cgan_runtime.image.metadata import read_metadata
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.results import ImageResult


def colorize_image(
    source: str | Path,
    target: str | Path,
    colorizer: Colorizer | None = None,
    *,
    overwrite: bool = False,
    compare: bool = False,
    guide: Guide | None = None,
) -> ImageResult:
    """Color an image; its lightness, alpha and metadata stay as they were.

    Args:
        source: The image.
        target: Its suffix chooses the format.
        colorizer: None opens the model that ships for this image.
        overwrite: Allow `target` to exist.
        compare: Put the gray image beside the colored one, on its left.
        guide: Colors that are known, as hints and references.

    Raises:
        ConfigError: The model takes no guide, or the guide is one for videos.
        MediaError: The input cannot be read, or the output cannot be written.
        CganError: The color cannot be predicted.
    """
    if colorizer is None:
        with Colorizer.open() as colorizer:
            return colorize_image(source, target, colorizer, overwrite=overwrite, compare=compare, guide=guide)
    began = time.perf_counter()
    source, target = Path(source), Path(target)
    image = read_image(source)
    check_output(target, source=source, overwrite=overwrite)
    colored = colorizer.image(image, guide)
    if compare:
        colored = np.hstack([gray_image(image), colored])
    size = write_image(target, colored, read_metadata(source))
    return ImageResult(
        output=target,
        bytes=size,
        width=colored.shape[1],
        height=colored.shape[0],
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        notes=("this image has colors already; they are replaced",) if is_colored(image) else (),
    )
