"""The middle stage of a video: it colors frames and hands on everything else.

    stage = ColorStage(colorizer, TemporalFilter(), layout, kept_frames)
    item = stage(frame)                          # Predicted, in the thread that owns the back end
    item = stage.finish(item)                    # Colored, in that thread or the next

The second half does not need the network: it runs beside the network's work on the next frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import av
import numpy as np

from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer, Prediction
from cgan_runtime.errors import CganError
from cgan_runtime.files.output import Output
from cgan_runtime.guide.memory import Guidance
from cgan_runtime.guide.plan import GuidePlan
from cgan_runtime.pipeline.shot_report import ShotReport
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.video.frame_layout import FrameLayout, luma_plane
from cgan_runtime.video.frame_levels import network_luma
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.resume.work_folder import kept_frames
from cgan_runtime.video.segments import SEGMENT_FRAMES, AlreadyEncoded, Colored, Skipped

JUDGED_EVERY = 8  # frames, at least, between two that are compared with the memory, to say how sure it is

Other = TypeVar("Other")


@dataclass(frozen=True)
class Predicted:
    """A frame whose color is known at the network's size."""

    frame: av.VideoFrame  # prepared, in the video's layout
    prediction: Prediction  # of the frame as it is shown
    orientation: Orientation
    filter_state: bytes  # as in `Colored`


class ColorStage:
    """Colors the frames of a video, except the first `kept_frames`, which an earlier run has colored.

    `frames` is the number of frames that have passed so far.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        layout: FrameLayout,
        kept_frames: int = 0,
        total: int | None = None,
        progress: ProgressCallback | None = None,
        plan: GuidePlan | None = None,
    ) -> None:
        self.frames, self.kept_frames = 0, kept_frames
        self.report = ShotReport(plan, kept_frames)
        self._colorizer, self._temporal, self._layout, self._plan = colorizer, temporal, layout, plan
        self._total, self._progress = total, progress
        self._time: float | None = None
        self._judge_from = 0  # the first frame that may be compared with the memory

    def __call__(self, item: av.VideoFrame | av.Packet[Any]) -> Predicted | AlreadyEncoded | Skipped | av.Packet[Any]:
        """Predict the color of a frame; hand on a packet."""
        if not isinstance(item, av.VideoFrame):
            return item
        self._time = item.time
        done = self._process(item)
        self.frames += 1
        self._report()
        return done

    def finish(self, item: Predicted | Other) -> Colored | Other:
        """Color a frame whose color is predicted; hand on anything else."""
        if not isinstance(item, Predicted):
            return item
        planes = (item.orientation.stored(plane) for plane in self._colorizer.enlarge(item.prediction))
        return Colored(self._layout.colored(item.frame, *planes), item.filter_state)

    @property
    def filter_state(self) -> bytes:
        """State of the temporal filter after the frames so far."""
        return self._temporal.filter_state

    @property
    def position(self) -> str:
        """Where in the video it is, for people."""
        if self._time is None:
            return "before the first frame"
        minutes, seconds = divmod(self._time, 60)
        return f"after {self.frames} frames, at {minutes:.0f}:{seconds:05.2f}"

    def _process(self, frame: av.VideoFrame) -> Predicted | AlreadyEncoded | Skipped:
        return AlreadyEncoded() if self.frames < self.kept_frames else self._predict(frame)

    def _guidance(self) -> Guidance | None:
        """What is known of the colors of the frame that comes now."""
        if self._plan is None:
            return None
        if self._plan.changes_at(self.frames):
            self._temporal.ask()
        guidance = self._plan.at(self.frames)
        return guidance and replace(guidance, is_judged=self.frames >= self._judge_from)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self.frames, self._total)

    def _predict(self, frame: av.VideoFrame) -> Predicted:
        filter_state = self.filter_state if self.frames % SEGMENT_FRAMES == 0 else b""
        prepared, orientation = self._layout.prepare(frame), Orientation.of(frame)
        luma, shape = _shown(prepared, self._layout, orientation)
        prediction = self._colorizer.predict(
            luma, self._layout.encoding, shape, self._temporal, self._guidance(), _seen(frame, orientation)
        )
        self.report.add(self.frames, prediction)
        if prediction.similarity is not None:
            self._judge_from = self.frames + JUDGED_EVERY
        return Predicted(prepared, prediction, orientation, filter_state)


@contextmanager
def annotate_position(stage: ColorStage, output: Output, *, resumable: bool) -> Iterator[None]:
    """Add to an error at which frame it ended the video, and how many frames are kept."""
    try:
        yield
    except (CganError, MemoryError) as error:
        kept = kept_frames(output.path) if resumable and output.path is not None else 0
        mend = f"; {kept} frames are kept, --resume goes on with them" if kept else ""
        raise type(error)(f"{error}; it stopped {stage.position}{mend}") from error


def network_view(frame: av.VideoFrame, layout: FrameLayout, colorizer: Colorizer) -> FloatArray:
    """What the network sees of a frame: L*/50 - 1, float32 (h, w)."""
    luma, shape = shown_luma(frame, layout)
    return colorizer.lightness(*(_seen(frame, Orientation.of(frame)) or (luma, layout.encoding)), shape)


def _seen(frame: av.VideoFrame, orientation: Orientation) -> tuple[Plane, Encoding] | None:
    """What the network sees in place of the luma of a frame, as the frame is shown; None: nothing else."""
    seen = network_luma(frame)
    return None if seen is None else (np.ascontiguousarray(orientation.shown(seen[0])), seen[1])


def shown_luma(frame: av.VideoFrame, layout: FrameLayout) -> tuple[Plane, tuple[int, int]]:
    """The luma of a frame as it is shown, in the layout's encoding, and the shape of its chroma planes."""
    return _shown(layout.prepare(frame), layout, Orientation.of(frame))


def _shown(frame: av.VideoFrame, layout: FrameLayout, orientation: Orientation) -> tuple[Plane, tuple[int, int]]:
    """Luma and chroma shape of a frame as it is shown, since the network knows upright images."""
    luma, shape = luma_plane(frame), layout.chroma_shape
    if orientation.is_identity:
        return luma, shape
    return np.ascontiguousarray(orientation.shown(luma)), orientation.shown_size(*shape)
