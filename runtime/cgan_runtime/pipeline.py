"""Colour one film or one still, from file to file.

    with Colorizer(open_backend(bundled_model())) as colorizer:
        result = colour_film(Path("in.mp4"), Path("out.mp4"), colorizer)
        colour_still(Path("in.jpg"), Path("out.jpg"), colorizer)

A film runs through three stages on three threads: decode, colour, encode. No frame is dropped, and the luma
that is written is the luma that was decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from cgan_runtime import __version__
from cgan_runtime.color import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.media.deinterlace import Deinterlace
from cgan_runtime.media.frame import FrameLayout, luma_plane
from cgan_runtime.media.image import read_image, write_image
from cgan_runtime.media.reader import FilmReader
from cgan_runtime.media.segments import SEGMENT_FRAMES, Coloured, Kept, Work, fingerprint, kept_frames
from cgan_runtime.media.target import EncoderSettings, check_output
from cgan_runtime.media.writer import FilmWriter
from cgan_runtime.stages import run_stages
from cgan_runtime.stats import StageTimes
from cgan_runtime.temporal import TemporalFilter, TemporalSettings, TemporalState

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
        frames: Coloured and written, those of an earlier run included.
        seconds: From opening the input to the finished output.
        backend: Name of the back end that predicted the colour.
        lost_frames: Known to be missing in the output because the input is damaged.
        damage: What is wrong with the input; None if nothing is known to be.
        notes: What could not be kept as it was, one sentence each.
        kept_frames: Taken over from an earlier run that was cut off.
        settings: All that decides what the film looks like, by names for people.
        stages: Median and 99th percentile of what a frame takes in each stage, milliseconds; kept frames
            count, and take next to nothing.
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
    kept_frames: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Frames per second that this run coloured, all stages together."""
        return (self.frames - self.kept_frames) / self.seconds


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
    resume: bool = False,
    stream: int | None = None,
    deinterlace: Deinterlace = "auto",
    progress: Progress | None = None,
) -> FilmResult:
    """Colour a film; its sound, subtitles, timing and luma stay as they were.

    What is done is kept beside the target in segments until the film is complete, whatever ends the run. A
    run that resumes goes on behind the last segment; the film is, frame for frame, the one made in one go.

    Args:
        source: The film.
        target: Its suffix chooses the container. It appears when it is complete, or not at all.
        colorizer: Used in the calling thread.
        encoder: Codec and quality; None takes the defaults of the container.
        temporal: How steady the colour is kept; None takes the defaults.
        strict: Stop at the first flaw of a damaged film instead of colouring what can be read of it.
        overwrite: Allow `target` to exist and, without `resume`, work that is kept to be thrown away.
        resume: Go on with what an earlier run with the same input and settings has kept, if there is any.
        stream: Index in the file of the video stream to colour; None takes the default one.
        deinterlace: Which frames are made whole first: those that say they are interlaced, none, or all.
        progress: Called in the calling thread.

    Raises:
        MediaError: The input cannot be read, the output cannot be written, `strict` refuses, or what is kept
            cannot be gone on with.
        ConfigError: A setting that the encoder does not have.
        CganError: Whatever else ends the run; the message says at which frame.
    """
    began = time.perf_counter()
    settings, filter_settings = encoder or EncoderSettings(), temporal or TemporalSettings()
    settings.options(settings.codec_for(target))  # wrong settings are told before any file is touched
    with FilmReader(source, stream=stream, deinterlace=deinterlace) as reader:
        check_output(target, source=source, overwrite=overwrite)
        identity = _identity(source, colorizer, settings, target)
        identity |= {"stream": str(reader.stream.index), "deinterlacing": deinterlace}
        identity |= {"temporal": filter_settings.strength, "every": str(filter_settings.every)}
        with (
            Work.begin(target, identity, resume=resume, overwrite=overwrite) as work,
            FilmWriter(work.film, reader, settings, work) as writer,
        ):
            steady = TemporalFilter(filter_settings)
            painter = _Painter(colorizer, steady, writer.layout, reader.stated_frames, progress, work)
            times = StageTimes(lambda item: isinstance(item, (av.VideoFrame, Coloured)))
            with _told_where(painter, target):
                run_stages(
                    times.source("decode", _whole(reader) if strict else reader),
                    times.work("colour", painter),
                    times.work("encode", writer.write),
                    depth=QUEUE_DEPTH,
                )
                if strict and reader.damage:
                    raise _refused(source, reader.damage)
                writer.finish()
                work.publish()
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
        notes=(*writer.notes, *_notes_of(reader)),
        kept_frames=painter.kept_frames,
        settings=identity,
        stages=times.summary(),
    )


def _notes_of(reader: FilmReader) -> Iterator[str]:
    """What was put right in an input, one sentence each."""
    if reader.deinterlaced_frames:
        yield (
            f"{reader.deinterlaced_frames} interlaced frames were made whole pictures; "
            "--deinterlace off keeps their lines as they are"
        )
    if reader.retimed_frames:
        yield f"{reader.retimed_frames} frames had no time of their own or went back in time: put right"


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


def _identity(source: Path, colorizer: Colorizer, encoder: EncoderSettings, target: Path) -> dict[str, str]:
    """All that decides what the coloured film looks like, by names for people."""
    codec = encoder.codec_for(target)
    backend = colorizer.backend
    versions = ".".join(str(part) for version in av.library_versions.values() for part in version)
    return {
        "input": fingerprint(source),
        "model": backend.manifest.sha256,
        "back end": f"{backend.name} on {backend.device}",
        "size": str(colorizer.side),
        "saturation": str(colorizer.saturation),
        "encoder": " ".join([codec, *(f"{key}={value}" for key, value in encoder.options(codec).items())]),
        "version of cgan": __version__,
        "version of FFmpeg": versions,
    }


def _whole(reader: FilmReader) -> Iterator[av.VideoFrame | av.Packet[Any]]:
    """All of a film, up to the first flaw."""
    for item in reader:
        if reader.flaws:
            raise _refused(reader.path, reader.flaws)
        yield item


def _refused(source: Path, damage: str) -> MediaError:
    return MediaError(f"{source} is damaged: {damage}; leave --strict out to colour what can be read")


@contextmanager
def _told_where(painter: _Painter, target: Path) -> Iterator[None]:
    """Say in an error that ends a film where that was, and what is kept."""
    try:
        yield
    except CganError as error:
        kept = kept_frames(target)
        mend = f"; {kept} frames are kept, --resume goes on with them" if kept else ""
        raise type(error)(f"{error}; it stopped {painter.place}{mend}") from error


class _Painter:
    """The middle stage: frames get their colour, packets pass."""

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        layout: FrameLayout,
        total: int | None,
        progress: Progress | None,
        work: Work,
    ) -> None:
        self.frames, self.kept_frames = 0, work.kept_frames
        self._colorizer = colorizer
        self._temporal = temporal
        self._layout = layout
        self._total = total
        self._progress = progress
        self._time: float | None = None
        if memory := work.memory:
            temporal.state = TemporalState.from_bytes(memory)

    def __call__(self, item: av.VideoFrame | av.Packet[Any]) -> Coloured | Kept | av.Packet[Any]:
        if not isinstance(item, av.VideoFrame):
            return item
        self._time = item.time
        done = Kept() if self.frames < self.kept_frames else self._coloured(item)
        self.frames += 1
        if self._progress is not None:
            self._progress(self.frames, self._total)
        return done

    @property
    def place(self) -> str:
        """Where in the film it is, for people."""
        if self._time is None:
            return "before the first frame"
        minutes, seconds = divmod(self._time, 60)
        return f"after {self.frames} frames, at {minutes:.0f}:{seconds:05.2f}"

    def _coloured(self, item: av.VideoFrame) -> Coloured:
        state = self._temporal.state if self.frames % SEGMENT_FRAMES == 0 else None
        memory = b"" if state is None else state.to_bytes()
        quarter_turns = round(item.rotation / 90) % 4
        frame = self._layout.prepare(item)
        cb, cr = self._predict(luma_plane(frame), quarter_turns)
        return Coloured(self._layout.coloured(frame, cb, cr), memory)

    def _predict(self, luma: Plane, quarter_turns: int) -> tuple[Plane, Plane]:
        """Chroma planes; a film that is shown turned is shown to the network upright."""
        shape = self._layout.chroma_shape
        if quarter_turns == 0:
            return self._colorizer.planes(luma, self._layout.encoding, shape, self._temporal)
        upright = np.ascontiguousarray(np.rot90(luma, quarter_turns))
        turned_shape = shape[::-1] if quarter_turns % 2 else shape
        cb, cr = self._colorizer.planes(upright, self._layout.encoding, turned_shape, self._temporal)
        return np.rot90(cb, -quarter_turns), np.rot90(cr, -quarter_turns)
