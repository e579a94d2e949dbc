"""TODO."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cgan_runtime.color.rgb_image import gray_image
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import check_output
from cgan_runtime.image.metadata import read_metadata
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.results import ImageResult


def colorize_image(
    source: Path, target: Path, colorizer: Colorizer, *, overwrite: bool = False, compare: bool = False
) -> ImageResult:
    """Color an image; its lightness, alpha and metadata stay. `compare` puts the gray one beside it.

    Raises:
        MediaError: The input cannot be read, or the output cannot be written.
    """
    began = time.perf_counter()
    image = read_image(source)
    check_output(target, source=source, overwrite=overwrite)
    colored = colorizer.image(image)
    if compare:
        colored = np.hstack([gray_image(image), colored])
    write_image(target, colored, read_metadata(source))
    return ImageResult(
        output=target,
        bytes=target.stat().st_size,
        width=colored.shape[1],
        height=colored.shape[0],
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
    )
