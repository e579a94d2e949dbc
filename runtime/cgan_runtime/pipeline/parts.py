"""One video in parts that are made apart from each other, on one machine or many, and then put together.

    plan = plan_parts(source, target, colorizer, settings)
    for part in plan.parts:                                       # in any order, several at once, anywhere
        colorize_part(source, target, colorizer, settings, part)
    colorize_video(source, target, colorizer, ..., resume=True)      # all is kept: nothing is left to color

A part is a run of whole segments. What its frames look like depends on the frames since the last cut, so a
part begins to look there, a little before its first segment: its frames are, bit for bit, those of one go.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import replacing
from cgan_runtime.files.output import check_output
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, annotate_position, seen
from cgan_runtime.pipeline.identity import video_identity
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.pipeline.video import QUEUE_DEPTH
from cgan_runtime.temporal.filter import FLASH_FRAMES, TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.items import Skipped
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES
from cgan_runtime.video.resume.work_folder import Work, work_folder
from cgan_runtime.video.write.writer import VideoWriter

PART_SEGMENTS = 4
"""Segments of a part, at least: what is lost with a worker is half a minute of video or so."""

MAX_PARTS = 8
"""Parts of a video: each reads the video from its start, which at this number costs four readings."""

MAX_WARM_UP = SEGMENT_FRAMES
"""Frames that a part may look at before its first; where a scene is longer, no part begins in it."""

_PLAN = "parts.json"


@dataclass(frozen=True)
class Part:
    """A run of a video's segments.

    Attributes:
        first: Its first segment.
        end: The one behind its last.
        warm_from: First frame that the filter against flicker has to see.
    """

    first: int
    end: int
    warm_from: int


@dataclass(frozen=True)
class Plan:
    """How a video is divided: its frames, and its parts in their order."""

    frames: int
    parts: tuple[Part, ...]


def plan_parts(
    source: Path,
    target: Path,
    colorizer: Colorizer,
    settings: VideoSettings,
    *,
    segments: int = PART_SEGMENTS,
    overwrite: bool = False,
    resume: bool = False,
    alive: Callable[[], object] = lambda: None,
) -> Plan:
    """Read a video once, look for its cuts, and begin the work on it; arguments as of `colorize_video`.

    Args:
        segments: Of a part, at least.
        alive: Called after each frame that the work goes on.

    Raises:
        MediaError: The video cannot be read, or the output cannot be written.
    """
    with VideoReader(source, stream=settings.stream, deinterlace=settings.deinterlace) as reader:
        check_output(target, source=source, overwrite=overwrite)
        identity = video_identity(reader, target, colorizer, settings)
        Work.begin(target, identity, resume=resume, overwrite=overwrite).let_go()
        if plan := _kept_plan(target):
            return plan
        with Work.share(target, identity) as work:
            with VideoWriter(work.video, reader, settings.encoder, compare=settings.compare) as writer:
                layout = writer.layout
            frames = _told(alive, (item for item in reader if isinstance(item, av.VideoFrame)))
            if settings.temporal.passes_through:  # each frame is for itself
                count = sum(1 for _ in frames)
                starts = list(range(0, count, SEGMENT_FRAMES))
            else:
                looks = (seen(frame, layout, colorizer) for frame in frames)
                count, starts = independent_starts(looks, settings.temporal)
            if settings.strict and reader.damage:
                raise MediaError(
                    f"{source} is damaged: {reader.damage}; leave --strict out to color what can be read"
                )
        plan = Plan(count, tuple(divide(count, starts, segments)))
        with replacing(work_folder(target.resolve()) / _PLAN) as temporary:
            temporary.write_text(json.dumps(asdict(plan)), encoding="utf-8")
    return plan


def colorize_part(
    source: Path,
    target: Path,
    colorizer: Colorizer,
    settings: VideoSettings,
    part: Part,
    *,
    progress: ProgressCallback | None = None,
) -> int:
    """Make the segments of a part that are not there already, in the work folder of a video that is planned.

    Args:
        source: The video.
        target: What is to become of it; as given to `plan_parts`.
        colorizer: Used in the calling thread.
        settings: As given to `plan_parts`.
        part: Of the plan.
        progress: Called after each frame, also those before the part, how many of it are done, of how many.

    Returns:
        The number of frames that were colored.

    Raises:
        CganError: Whatever ends it; the message says at which frame.
    """
    with VideoReader(source, stream=settings.stream, deinterlace=settings.deinterlace) as reader:
        identity = video_identity(reader, target, colorizer, settings)
        with (
            Work.share(target, identity) as work,
            VideoWriter(work.video, reader, settings.encoder, work, compare=settings.compare) as writer,
        ):
            steady = TemporalFilter(settings.temporal)
            first = next((index for index in range(part.first, part.end) if not work.has(index)), part.end)
            warm_from = part.warm_from
            if first > part.first and (memory := work.memory_after(first - 1)) is not None:
                warm_from = first * SEGMENT_FRAMES
                steady.memory = memory
            frames = range(first * SEGMENT_FRAMES, part.end * SEGMENT_FRAMES)
            border = part.first * SEGMENT_FRAMES
            stage = _PartColorStage(colorizer, steady, writer, frames, warm_from, border, progress)
            if frames:
                with annotate_position(stage, target):
                    run_stages(
                        _until(frames.stop, reader),
                        stage,
                        lambda item: writer.keep(stage.finish(item)),
                        depth=QUEUE_DEPTH,
                    )
                    writer.finish_keeping(steady.memory)
            return max(0, stage.frames - frames.start)


def independent_starts(looks: Iterable[FloatArray], settings: TemporalSettings) -> tuple[int, list[int]]:
    """How many frames there are, and from which on a video looks the same whatever came before.

    These are its first, and those at cuts after which the scene stays: one that lasts no longer than a flash
    may go back to the colors of the scene before it. Cuts are found by the filter itself, in the lightness.

    Args:
        looks: What the network sees of each frame, (h, w).
        settings: Of the filter against flicker.
    """
    steady, starts, candidate, count = TemporalFilter(settings), [0], None, 0
    for number, lightness in enumerate(looks):
        cuts_before = steady.cuts
        steady.step(lightness, lambda seen: np.zeros((2, *seen.shape), np.float32))
        if not steady.followed:
            candidate = number if steady.cuts > cuts_before else None
        elif candidate is not None and number - candidate >= FLASH_FRAMES:
            starts.append(candidate)
            candidate = None
        count = number + 1
    return count, starts


def divide(frames: int, starts: list[int], segments: int = PART_SEGMENTS) -> Iterator[Part]:
    """Divide a video where parts need little that lies before them.

    Args:
        frames: Of the video.
        starts: Frames that need nothing that lies before them, rising from 0.
        segments: Of a part, at least.
    """
    count = -(-frames // SEGMENT_FRAMES)
    least = max(segments, -(-count // MAX_PARTS))
    first = warm_from = 0
    for index in range(least, count - least + 1):
        border = index * SEGMENT_FRAMES
        start = starts[bisect_right(starts, border) - 1]
        if index - first >= least and border - start <= MAX_WARM_UP:
            yield Part(first, index, warm_from)
            first, warm_from = index, start
    yield Part(first, count, warm_from)


class _PartColorStage(ColorStage):
    """Colors some of a video's frames; before them it looks at as many as the filter must have seen."""

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        writer: VideoWriter,
        own: range,
        warm_from: int,
        border: int,
        progress: ProgressCallback | None,
    ) -> None:
        super().__init__(colorizer, temporal, writer.layout, 0, own.stop - border, progress)
        self._own, self._warm_from, self._border = own, warm_from, border

    def _done_with(self, item: av.VideoFrame) -> Predicted | Skipped:
        if self.frames >= self._own.start:
            return self._predicted(item)
        if self.frames >= self._warm_from:
            self._temporal.step(seen(item, self._layout, self._colorizer), self._colorizer.chroma)
        return Skipped(item.pts or 0)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.frames - self._border if self.frames > self._own.start else 0, self._total)


def _kept_plan(target: Path) -> Plan | None:
    """The plan of an earlier run, whose settings are known to be the same."""
    try:
        plan = json.loads((work_folder(target.resolve()) / _PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Plan(plan["frames"], tuple(Part(**part) for part in plan["parts"]))


def _told(alive: Callable[[], object], frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    for frame in frames:
        alive()
        yield frame


def _until(end: int, reader: VideoReader) -> Iterator[av.VideoFrame | av.Packet[Any]]:
    """What a video holds before its frame `end`."""
    frames = 0
    for item in reader:
        if isinstance(item, av.VideoFrame):
            if frames == end:
                return
            frames += 1
        yield item
