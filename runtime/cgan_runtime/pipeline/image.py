"""Color one image, from file to file."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cgan_runtime.checks import check_type
from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.hues import is_colored
from cgan_runtime.color.rgb_image import JPEG, gray_image
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import check_output
from cgan_runtime.guide.settings import Guide
from cgan_runtime.guide.still import guidance_of
from cgan_runtime.image.frames import ANIMATED, PAGED, Frames, read_frames, write_frames
from cgan_runtime.image.jpeg_file import Photo, read_jpeg, write_jpeg
from cgan_runtime.image.metadata import JPEG_SUFFIXES, Metadata, lost_metadata, read_metadata
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

    A JPEG keeps its luma, as a video does, in place of the lightness L*: nothing else can be stored as fast. Of a
    gray JPEG that is stored as one the luma stays as it is coded, bit for bit.

    Args:
        source: The image.
        target: Its suffix chooses the format.
        colorizer: None opens the model that ships for this image.
        overwrite: Allow `target` to exist.
        compare: Put the gray image beside the colored one, on its left.
        guide: Colors that are known, as hints and references.

    Raises:
        ConfigError: The model takes no guide, the guide is one for videos, or an argument is of a wrong type.
        MediaError: The input cannot be read, or the output cannot be written.
        CganError: The color cannot be predicted.
    """
    check_type("guide", guide, Guide | None)
    check_type("colorizer", colorizer, Colorizer | None)
    if colorizer is None:
        with Colorizer.open() as colorizer:
            return colorize_image(source, target, colorizer, overwrite=overwrite, compare=compare, guide=guide)
    began = time.perf_counter()
    source, target = Path(source), Path(target)
    photo, frames, notes = _read(source, target, compare=compare)
    check_output(target, source=source, overwrite=overwrite)
    has_colors = is_colored(frames.images[0]) if photo is None else photo.is_colored
    notes += ["this image has colors already; they are replaced"] if has_colors else []
    metadata = read_metadata(source)
    notes += lost_metadata(metadata, written_suffix(target))
    if photo is not None:
        height, width = photo.size
        size = write_jpeg(target, photo, *_chroma(photo, colorizer, guide), metadata)
    else:
        height, width, size = _color_all(frames, target, metadata, colorizer, guide, compare=compare)
    return ImageResult(
        output=target,
        bytes=size,
        width=width,
        height=height,
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        notes=tuple(notes),
    )


def _color_all(
    frames: Frames, target: Path, metadata: Metadata, colorizer: Colorizer, guide: Guide | None, *, compare: bool
) -> tuple[int, int, int]:
    """Color all images of a file and write them; returns height and width of the first, and the number of bytes."""
    steady = TemporalFilter() if frames.durations and (guide is None or guide.is_empty) else None
    results = []
    for image in frames.images:
        colored = colorizer.animation_frame(image, guide, steady)
        results.append(np.hstack([gray_image(image), colored]) if compare else colored)
    if len(results) > 1:
        size = write_frames(target, replace(frames, images=results), metadata)
    else:
        size = write_image(target, results[0], metadata)
    return *results[0].shape[:2], size


def _chroma(photo: Photo, colorizer: Colorizer, guide: Guide | None) -> tuple[Plane, Plane]:
    """The chroma planes of a JPEG: a tenth of the work of other formats."""
    guidance = None
    if guide is not None and not guide.is_empty:
        colorizer.check_guide()
        guidance = guidance_of(guide, photo.size, colorizer.input_shape(*photo.luma.shape), colorizer)
    return colorizer.enlarge(colorizer.predict(photo.luma, JPEG, photo.chroma_shape, guidance=guidance))


def _read(source: Path, target: Path, *, compare: bool) -> tuple[Photo | None, Frames, list[str]]:
    """What becomes a JPEG, or all images of a file that fit into the output, and what is to be said about it."""
    is_jpeg = written_suffix(target) in JPEG_SUFFIXES and not compare
    photo = read_jpeg(source) if is_jpeg else None
    if photo is not None:
        return photo, Frames([]), []
    frames, notes = _read_frames(source, target)
    image = frames.images[0]
    if is_jpeg and image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
        photo = Photo.of(image)
    return photo, frames, notes


def _read_frames(source: Path, target: Path) -> tuple[Frames, list[str]]:
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
