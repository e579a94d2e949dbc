"""Colour one film or one still, from file to file.

    with Colorizer(open_backend(bundled_model())) as colorizer:
        result = colour_film(Path("in.mp4"), Path("out.mp4"), colorizer)
        colour_still(Path("in.jpg"), Path("out.jpg"), colorizer)

A film runs through three stages on three threads: decode, colour, encode. No frame is dropped, and the luma
that is written is the luma that was decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from cgan_runtime.color import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.media.frame import FrameLayout, luma_plane
from cgan_runtime.media.image import read_image, write_image
from cgan_runtime.media.reader import FilmReader
from cgan_runtime.media.target import EncoderSettings, check_output, replacing
from cgan_runtime.media.writer import FilmWriter
from cgan_runtime.stages import run_stages
from cgan_runtime.temporal import TemporalFilter, TemporalSettings

QUEUE_DEPTH = 6
"""Frames and packets that wait between two stages: enough to ride out a slow frame, 20 MB at 1080p."""

Progress = Callable[[int, int | None], None]
"""Told after each coloured frame: how many are done, and of how many, where the film says."""


@dataclass(frozen=True)
class FilmResult:
    """What became of a film.

    Attributes:
        output: The coloured film.
        bytes: Its size.
        width: In pixels.
        height: In pixels.
        frames: Coloured and written.
        seconds: From opening the input to the finished output.
        backend: Name of the back end that predicted the colour.
        lost_frames: Known to be missing in the output because the input is damaged.
        damage: What is wrong with the input; None if nothing is known to be.
        notes: What could not be kept as it was, one sentence each.
    """

    output: Path
    bytes: int
    width: int
    height: int
    frames: int
    seconds: float
    backend: str
    lost_frames: int = 0
    damage: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Frames per second, all stages together."""
        return self.frames / self.seconds


@dataclass(frozen=True)
class StillResult:
    """What became of a still: the coloured picture, its size in bytes and pixels, the seconds it took."""

    output: Path
    bytes: int
    width: int
    height: int
    seconds: float
    backend: str


def colour_film(
    source: Path,
    target: Path,
    colorizer: Colorizer,
    *,
    encoder: EncoderSettings | None = None,
    temporal: TemporalSettings | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FilmResult:
    """Colour a film; its sound, subtitles, timing and luma stay as they were.

    Args:
        source: The film.
        target: Its suffix chooses the container. It appears when it is complete, or not at all.
        colorizer: Used in the calling thread.
        encoder: Codec and quality; None takes the defaults of the container.
        temporal: How steady the colour is kept; None takes the defaults.
        strict: Refuse a damaged film instead of colouring what can be read of it.
        overwrite: Allow `target` to exist.
        progress: Called in the calling thread.

    Raises:
        MediaError: The input cannot be read, the output cannot be written, or `strict` refuses.
        ConfigError: A setting that the encoder does not have.
    """
    began = time.perf_counter()
    settings = encoder or EncoderSettings()
    settings.options(settings.codec_for(target))  # wrong settings are told before any file is touched
    with FilmReader(source) as reader:
        check_output(target, source=source, overwrite=overwrite)
        with replacing(target) as temporary, FilmWriter(temporary, reader, settings) as writer:
            steady = TemporalFilter(temporal)
            painter = _Painter(colorizer, steady, writer.layout, reader.stated_frames, progress)
            run_stages(reader, painter, writer.write, depth=QUEUE_DEPTH)
            if strict and reader.damage:
                raise MediaError(
                    f"{source} is damaged: {reader.damage}; leave --strict out to colour what can be read"
                )
            writer.finish()
    notes = list(writer.notes)
    if reader.retimed_frames:
        notes.append(
            f"{reader.retimed_frames} frames had no time of their own or went back in time: put right"
        )
    return FilmResult(
        output=target,
        bytes=target.stat().st_size,
        width=writer.layout.width,
        height=writer.layout.height,
        frames=painter.frames,
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        lost_frames=reader.lost_frames,
        damage=reader.damage,
        notes=tuple(notes),
    )


def colour_still(source: Path, target: Path, colorizer: Colorizer, *, overwrite: bool = False) -> StillResult:
    """Colour a picture; its lightness and its alpha stay as they were.

    Raises:
        MediaError: The input cannot be read, or the output cannot be written.
    """
    began = time.perf_counter()
    image = read_image(source)
    check_output(target, source=source, overwrite=overwrite)
    write_image(target, colorizer.still(image))
    return StillResult(
        output=target,
        bytes=target.stat().st_size,
        width=image.shape[1],
        height=image.shape[0],
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
    )


class _Painter:
    """The middle stage: frames get their colour, packets pass."""

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        layout: FrameLayout,
        total: int | None,
        progress: Progress | None,
    ) -> None:
        self.frames = 0
        self._colorizer = colorizer
        self._temporal = temporal
        self._layout = layout
        self._total = total
        self._progress = progress

    def __call__(self, item: av.VideoFrame | av.Packet[Any]) -> av.VideoFrame | av.Packet[Any]:
        if not isinstance(item, av.VideoFrame):
            return item
        quarter_turns = round(item.rotation / 90) % 4
        frame = self._layout.prepare(item)
        cb, cr = self._predict(luma_plane(frame), quarter_turns)
        coloured = self._layout.coloured(frame, cb, cr)
        self.frames += 1
        if self._progress is not None:
            self._progress(self.frames, self._total)
        return coloured

    def _predict(self, luma: Plane, quarter_turns: int) -> tuple[Plane, Plane]:
        """Chroma planes; a film that is shown turned is shown to the network upright."""
        shape = self._layout.chroma_shape
        if quarter_turns == 0:
            return self._colorizer.planes(luma, self._layout.encoding, shape, self._temporal)
        upright = np.ascontiguousarray(np.rot90(luma, quarter_turns))
        turned_shape = shape[::-1] if quarter_turns % 2 else shape
        cb, cr = self._colorizer.planes(upright, self._layout.encoding, turned_shape, self._temporal)
        return np.rot90(cb, -quarter_turns), np.rot90(cr, -quarter_turns)
