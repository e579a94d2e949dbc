"""The guide of a video: planned once, and kept with the work on the video.

plan = plan_guide(reader, layout, colorizer, settings, work)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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


def plan_guide(
    reader: VideoReader,
    layout: FrameLayout,
    colorizer: Colorizer,
    settings: VideoSettings,
    work: WorkFolder | NonResumableOutput,
    *,
    alive: Callable[[], object] = lambda: None,
) -> GuidePlan | None:
    """The plan for a video's guide, from the work folder or made now; None without a guide.

    Hints and keys need the video read once before, by a reader of its own and in this thread; `alive` is called for
    each frame. Of `reader` the first frame is used.

    Raises:
        MediaError: The guide does not fit the video, or the video cannot be read twice.
        ConfigError: A picture of the guide has no color, or there are too many.
    """
    guide = settings.guide
    if guide.is_empty:
        return None
    content = work.kept(PLAN)
    if content is not None and (plan := GuidePlan.from_bytes(content, tuple(guide.hints))) is not None:
        return plan
    source = reader.path
    scout = GuidePass(guide, colorizer, layout, reader)
    if guide.needs_frames:
        if not reader.rereadable and not (isinstance(source, FFmpegInput) and source.address and not source.timeout):
            raise MediaError(
                f"hints and keys need a video that can be read twice, and {source} passes only once; save it to a "
                "file and color that"
            )
        with VideoReader(
            source,
            stream=settings.stream,
            deinterlace=settings.deinterlace,
            stretch=settings.stretch,
            levels=settings.levels,
        ) as first:
            for _ in scout.watch(video_frames(first, alive)):
                pass
    plan = scout.finish()
    work.keep(PLAN, plan.to_bytes())
    return plan


def video_frames(reader: VideoReader, alive: Callable[[], object] = lambda: None) -> Iterator[av.VideoFrame]:
    """The frames of a video without its packets; `alive` is called before each."""
    items: Iterable[object] = reader
    for item in items:
        if isinstance(item, av.VideoFrame):
            alive()
            yield item
