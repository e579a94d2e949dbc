"""The guide of a video: planned once, and kept with the work on the video.

plan, items = plan_guide(reader, layout, colorizer, settings, work)

To plan, the video is read ahead. What that reads at first is kept for the coloring, as far as it is small.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any

import av

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.guide.plan import GuidePlan
from cgan_runtime.pipeline.guide_pass import GuidePass
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import FFmpegInput
from cgan_runtime.video.resume.work_folder import NonResumableOutput, WorkFolder

PLAN = "guide.npz"
"""The file of the plan in the work folder."""

MOST_KEPT = 128 << 20  # bytes of frames and packets that are read ahead and kept: 5 seconds of 960x540


def plan_guide(
    reader: VideoReader,
    layout: FrameLayout,
    colorizer: Colorizer,
    settings: VideoSettings,
    work: WorkFolder | NonResumableOutput,
    *,
    alive: Callable[[], object] = lambda: None,
) -> tuple[GuidePlan | None, Iterable[av.VideoFrame | av.Packet[Any]]]:
    """The plan for a video's guide, from the work folder or made now, and all that `reader` holds, to be colored.

    There is no plan without a guide. Hints and keys need the video read ahead, in this thread: to the end of the shot
    of the last of them, and as often as it has to be read. `alive` is called for each frame.

    Raises:
        MediaError: The guide does not fit the video, or the video cannot be read twice.
        ConfigError: A picture of the guide has no color, or there are too many.
    """
    guide = settings.guide
    if guide.is_empty:
        return None, reader
    content = work.kept(PLAN)
    if content is not None and (plan := GuidePlan.from_bytes(content, tuple(guide.hints))) is not None:
        return plan, reader
    source, ahead = reader.path, _Ahead(reader, settings)
    scout, knows_all = GuidePass(guide, colorizer, layout, reader), False
    if guide.needs_frames:
        if not reader.rereadable and not (isinstance(source, FFmpegInput) and source.address and not source.timeout):
            raise MediaError(
                f"hints and keys need a video that can be read twice, and {source} passes only once; save it to a "
                "file and color that"
            )
        with closing(ahead.frames(alive)) as frames:
            knows_all = any(scout.knows_all for _ in scout.watch(frames))
    plan = scout.finish()
    if knows_all:  # nobody looked for the shots that follow
        plan = replace(plan, starts=(), frames=0)
    work.keep(PLAN, plan.to_bytes())
    return plan, ahead.items()


class _Ahead:
    """A video that is read ahead of its coloring. What is read first is kept; the rest is read again."""

    def __init__(self, reader: VideoReader, settings: VideoSettings) -> None:
        self._reader, self._settings = reader, settings
        self._rest = iter(reader)
        self._kept: deque[av.VideoFrame | av.Packet[Any]] = deque()

    def frames(self, alive: Callable[[], object]) -> Generator[av.VideoFrame]:
        """All frames from the first one; `alive` is called before each."""
        room, count = MOST_KEPT, 0
        for item in self._rest:
            self._kept.append(item)
            room -= _bytes_of(item)
            if isinstance(item, av.VideoFrame):
                alive()
                count += 1
                yield item
            if room < 0:
                break
        else:
            return
        settings = self._settings
        with VideoReader(
            self._reader.path,
            stream=settings.stream,
            deinterlace=settings.deinterlace,
            stretch=settings.stretch,
            levels=settings.levels,
        ) as again:
            yield from islice(video_frames(again, alive), count, None)

    def items(self) -> Iterator[av.VideoFrame | av.Packet[Any]]:
        """All that the reader holds, from the first item on."""
        while self._kept:
            yield self._kept.popleft()
        yield from self._rest


def _bytes_of(item: av.VideoFrame | av.Packet[Any]) -> int:
    return sum(plane.buffer_size for plane in item.planes) if isinstance(item, av.VideoFrame) else item.size


def video_frames(reader: VideoReader, alive: Callable[[], object] = lambda: None) -> Iterator[av.VideoFrame]:
    """The frames of a video without its packets; `alive` is called before each."""
    items: Iterable[object] = reader
    for item in items:
        if isinstance(item, av.VideoFrame):
            alive()
            yield item
