"""TODO."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cgan_runtime.color.rgb_image import grey_still
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import check_output
from cgan_runtime.image.metadata import read_metadata
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.results import StillResult


def colour_still(
    source: Path, target: Path, colorizer: Colorizer, *, overwrite: bool = False, compare: bool = False
) -> StillResult:
    """Colour a picture; its lightness, alpha and metadata stay. `compare` puts the grey one beside it.

    Raises:
        MediaError: The input cannot be read, or the output cannot be written.
    """
    began = time.perf_counter()
    image = read_image(source)
    check_output(target, source=source, overwrite=overwrite)
    coloured = colorizer.still(image)
    if compare:
        coloured = np.hstack([grey_still(image), coloured])
    write_image(target, coloured, read_metadata(source))
    return StillResult(
        output=target,
        bytes=target.stat().st_size,
        width=coloured.shape[1],
        height=coloured.shape[0],
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
    )
