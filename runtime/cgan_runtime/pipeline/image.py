"""Color one image, from file to file."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.hues import is_colored
from cgan_runtime.color.rgb_image import JPEG, gray_image, jpeg_luma, rgb_of_jpeg
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import check_output
from cgan_runtime.guide.settings import Guide
from cgan_runtime.guide.still import guidance_of
from cgan_runtime.image.frames import ANIMATED, PAGED, Frames, read_frames, write_frames
from cgan_runtime.image.metadata import JPEG_SUFFIXES, lost_metadata, read_metadata
from cgan_runtime.image.read_write import read_image, write_image, written_suffix
from cgan_runtime.pipeline.results import ImageResult
from cgan_runtime.temporal.filter import TemporalFilter


def colorize_image(
    source: str | Path,
    target: str | Path,
    colorizer: Colorizer | None = None,
    *,
    overwrite: bool = False,
    compare: bool = False,
    guide: Guide | None = None,
) -> ImageResult:
    """Color an image, or all pages or frames of one; its lightness, alpha and metadata stay as they were.

    A JPEG keeps its luma, as a video does, in place of the lightness L*: nothing else can be stored as fast.

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
    frames, notes = _read(source, target)
    check_output(target, source=source, overwrite=overwrite)
    notes += ["this image has colors already; they are replaced"] if is_colored(frames.images[0]) else []
    steady = TemporalFilter() if frames.durations and (guide is None or guide.is_empty) else None
    results = []
    for image in frames.images:
        if written_suffix(target) in JPEG_SUFFIXES and image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
            colored = _jpeg(image, colorizer, guide)
        else:
            colored = colorizer.animation_frame(image, guide, steady)
        results.append(np.hstack([gray_image(image), colored]) if compare else colored)
    metadata = read_metadata(source)
    notes += lost_metadata(metadata, written_suffix(target))
    if len(results) > 1:
        size = write_frames(target, replace(frames, images=results), metadata)
    else:
        size = write_image(target, results[0], metadata)
    return ImageResult(
        output=target,
        bytes=size,
        width=results[0].shape[1],
        height=results[0].shape[0],
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        notes=tuple(notes),
    )


def _jpeg(image: Plane, colorizer: Colorizer, guide: Guide | None) -> Plane:
    """A colored image (H, W, 3) for a JPEG, from uint8 (H, W) or (H, W, 3): a tenth of the work of other formats."""
    luma = jpeg_luma(image)
    height, width = luma.shape
    guidance = None
    if guide is not None and not guide.is_empty:
        colorizer.check_guide()
        guidance = guidance_of(guide, luma.shape, colorizer.input_shape(height, width), colorizer)
    half = (height + 1) // 2, (width + 1) // 2
    return rgb_of_jpeg(luma, *colorizer.enlarge(colorizer.predict(luma, JPEG, half, guidance=guidance)))


def _read(source: Path, target: Path) -> tuple[Frames, list[str]]:
    """All images of a file that fit into the output, and what is to be said about it."""
    frames, suffix = read_frames(source), written_suffix(target)
    if frames is None:
        return Frames([read_image(source)]), []
    count, kind = len(frames.images), frames.kind
    if frames.fit(suffix):
        return frames, [f"all {count} {kind} are colored"]
    others = ", ".join(sorted(PAGED if frames.are_pages else ANIMATED))
    note = f"only the first of {count} {kind} is colored: {suffix} holds one image; {others} hold all"
    return replace(frames, images=frames.images[:1], durations=()), [note]
