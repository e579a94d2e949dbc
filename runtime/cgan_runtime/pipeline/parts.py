"""One video in parts: workers color them apart from each other, anywhere; then they are put together.

    plan = plan_parts(source, target, colorizer, settings)
    for part in plan.parts:                                       # in any order, several at once, anywhere
        colorize_part(source, target, colorizer, settings, part)
    colorize_video(source, target, colorizer, settings=settings, resume=True)    # colors nothing any more

A part is a run of whole segments. A frame depends on the frames since the last cut, so a part looks at frames
from there on, a little before its first segment: its frames are, bit for bit, those of a single run.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.json_file import read_json
from cgan_runtime.files.output import output_for
from cgan_runtime.guide.plan import GuidePlan
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, annotate_position, network_view
from cgan_runtime.pipeline.guide_pass import GuidePass
from cgan_runtime.pipeline.guiding import PLAN, plan_guide, video_frames
from cgan_runtime.pipeline.identity import video_identity
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.pipeline.video import QUEUE_DEPTH, refused
from cgan_runtime.temporal.filter import FLASH_FRAMES, TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.work_folder import WorkFolder, work_folder
from cgan_runtime.video.segments import SEGMENT_FRAMES, Skipped
from cgan_runtime.video.write.open_writer import plan_layout, settle_encoder
from cgan_runtime.video.write.writer import VideoWriter

PART_SEGMENTS = 4  # of a part at least: a worker that dies loses about half a minute of video
MAX_PARTS = 8  # of a video at most: each reads it from its start, which then costs four readings in all
MAX_WARM_UP = SEGMENT_FRAMES  # frames seen before a part; where a scene is longer, no part begins in it
_PLAN = "parts.json"


@dataclass(frozen=True)
class Part:
    """A run of segments of a video."""

    first: int  # index of its first segment
    end: int  # index of the segment after its last one
    warm_from: int  # first frame that the temporal filter has to see


@dataclass(frozen=True)
class PartPlan:
    """How a video is divided: its number of frames, and its parts in order."""

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
) -> PartPlan:
    """Read a video once, find its cuts, and begin the work; arguments and errors as of `colorize_video`.

    A part has at least so many `segments`. `alive` is called after each frame: a sign that the work goes on.
    """
    if not settings.guide.is_empty:
        colorizer.check_guide()
    output = output_for(target)
    with VideoReader(
        source,
        stream=settings.stream,
        deinterlace=settings.deinterlace,
        stretch=settings.stretch,
        levels=settings.levels,
    ) as reader:
        output.check(source=source, overwrite=overwrite)
        settings = replace(settings, encoder=settle_encoder(settings.encoder, reader, output))
        identity = video_identity(reader, output, colorizer, settings)
        WorkFolder.begin(output, identity, resume=resume, overwrite=overwrite).release()
        if plan := _kept_plan(target):
            return plan
        with WorkFolder.share(output, identity) as work:
            frames = video_frames(reader, alive)
            layout = plan_layout(reader, settings.encoder, output, compare=settings.compare)
            scout = None
            if settings.guide.needs_frames:
                scout = GuidePass(settings.guide, colorizer, layout, reader)
                frames = scout.watch(frames)
            if settings.temporal.passes_through:  # no frame depends on others
                count = sum(1 for _ in frames)
                starts = list(range(0, count, SEGMENT_FRAMES))
            else:
                views = (network_view(frame, layout, colorizer) for frame in frames)
                count, starts = independent_starts(views, settings.temporal)
            if settings.strict and reader.damage:
                raise refused(source, reader.damage)
            if scout is not None:
                work.keep(PLAN, scout.finish().to_bytes())
        plan = PartPlan(count, tuple(divide(count, starts, segments)))
        write_file(work_folder(target.resolve()) / _PLAN, json.dumps(asdict(plan)))
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
    """Color the unfinished segments of a part, given what `plan_parts` was given; returns how many frames.

    The colorizer is used in the calling thread. `progress` is called after each frame, also those before the
    part, with the frames of the part so far. A CganError says at which frame the work ended.
    """
    output = output_for(target)
    with VideoReader(
        source,
        stream=settings.stream,
        deinterlace=settings.deinterlace,
        stretch=settings.stretch,
        levels=settings.levels,
    ) as reader:
        settings = replace(settings, encoder=settle_encoder(settings.encoder, reader, output))
        identity = video_identity(reader, output, colorizer, settings)
        layout = plan_layout(reader, settings.encoder, output, compare=settings.compare)
        with (
            WorkFolder.share(output, identity) as work,
            VideoWriter(output, reader, layout, settings.encoder, work) as writer,
        ):
            guide, items = plan_guide(reader, layout, colorizer, settings, work)
            temporal = TemporalFilter(settings.temporal)
            first = next((index for index in range(part.first, part.end) if not work.has(index)), part.end)
            warm_from = part.warm_from
            if first > part.first and (state := work.filter_state_after(first - 1)) is not None:
                warm_from, temporal.filter_state = first * SEGMENT_FRAMES, state
            frames = range(first * SEGMENT_FRAMES, part.end * SEGMENT_FRAMES)
            border = part.first * SEGMENT_FRAMES
            stage = _PartColorStage(colorizer, temporal, layout, (frames, warm_from, border), progress, guide)
            if frames:
                with annotate_position(stage, output, resumable=True):
                    needed = _items_before(frames.stop, items)
                    run_stages(needed, stage, stage.finish, writer.keep, depth=QUEUE_DEPTH)
                    writer.finish_segment(stage.filter_state)
            return max(0, stage.frames - frames.start)


def independent_starts(views: Iterable[FloatArray], settings: TemporalSettings) -> tuple[int, list[int]]:
    """Find the frames from which on a video looks the same whatever came before.

    These are its first frame, and those at cuts after which the scene stays: a scene as short as a flash may
    go back to the colors of the scene before it. The temporal filter itself finds cuts, in `views`: what the
    network sees of each frame, (h, w). Returns the number of frames, and the numbers of those, rising from 0.
    """
    temporal, starts, candidate, count = TemporalFilter(settings), [0], None, 0
    for number, lightness in enumerate(views):
        cuts_before = temporal.cuts
        temporal.step(lightness, lambda seen: np.zeros((2, *seen.shape), np.float32))
        if not temporal.followed:
            candidate = number if temporal.cuts > cuts_before else None
        elif candidate is not None and number - candidate >= FLASH_FRAMES:
            starts.append(candidate)
            candidate = None
        count = number + 1
    return count, starts


def divide(frames: int, starts: list[int], segments: int = PART_SEGMENTS) -> Iterator[Part]:
    """Divide a video, at `starts`, into parts of at least so many segments with few frames to warm up."""
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
    """Colors some frames of a video; before them the filter looks at as many as it must have seen."""

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        layout: FrameLayout,
        where: tuple[range, int, int],
        progress: ProgressCallback | None,
        plan: GuidePlan | None,
    ) -> None:
        """Take the part's own frames, the first one to warm up with, and the first one of the part: `where`."""
        self._own, self._warm_from, self._border = where
        super().__init__(colorizer, temporal, layout, 0, self._own.stop - self._border, progress, plan)

    def _process(self, frame: av.VideoFrame) -> Predicted | Skipped:
        if self.frames >= self._own.start:
            return self._predict(frame)
        if self.frames >= self._warm_from:
            view = network_view(frame, self._layout, self._colorizer)
            self._colorizer.step(view, self._temporal, self._guidance())
        return Skipped(frame.pts or 0)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self.frames - self._border if self.frames > self._own.start else 0, self._total)


def _kept_plan(target: Path) -> PartPlan | None:
    """The plan of an earlier run, which had the same settings; None if there is none, or it is damaged."""
    try:
        plan = read_json(work_folder(target.resolve()) / _PLAN)
        found = PartPlan(plan["frames"], tuple(Part(**part) for part in plan["parts"]))
        numbers = [found.frames, *(number for part in found.parts for number in asdict(part).values())]
        borders = [0, *(part.end for part in found.parts)]
        good = (
            all(type(number) is int and number >= 0 for number in numbers)
            and [part.first for part in found.parts] == borders[:-1]
            and borders == sorted(borders)
            and borders[-1] == -(-found.frames // SEGMENT_FRAMES)
            and all(part.warm_from <= part.first * SEGMENT_FRAMES for part in found.parts)
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if good else None


def _items_before(
    end: int, items: Iterable[av.VideoFrame | av.Packet[Any]]
) -> Iterator[av.VideoFrame | av.Packet[Any]]:
    """Everything in a video before its frame number `end`."""
    frames = 0
    for item in items:
        if isinstance(item, av.VideoFrame):
            if frames == end:
                return
            frames += 1
        yield item
