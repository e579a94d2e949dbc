"""The middle stage of a video: frames get their color, packets pass.

    stage = ColorStage(colorizer, TemporalFilter(), layout, kept_frames)
    sketched_or_kept = stage(frame)              # in the thread that owns the back end
    colored_or_kept = stage.finish(sketched_or_kept)             # in that thread or the next

The second half, without the network, is done beside the network's work on the next frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np

from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer, Small
from cgan_runtime.errors import CganError
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.video.frame_layout import FrameLayout, luma_plane, quarter_turns
from cgan_runtime.video.resume.items import AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES
from cgan_runtime.video.resume.work_folder import kept_frames

Other = TypeVar("Other")


@dataclass(frozen=True)
class Predicted:
    """A frame whose color is known at the network's size.

    Attributes:
        frame: Prepared, in the video's layout.
        small: Its color, of the frame turned upright.
        turns: By so many quarters of a circle.
        memory: As in `Colored`.
    """

    frame: av.VideoFrame
    small: Small
    turns: int
    memory: bytes


class ColorStage:
    """Colors a video's frames, those that are kept from an earlier run excepted.

    Attributes:
        frames: Taken so far.
        kept_frames: Of an earlier run.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        temporal: TemporalFilter,
        layout: FrameLayout,
        kept_frames: int = 0,
        total: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self.frames, self.kept_frames = 0, kept_frames
        self._colorizer = colorizer
        self._temporal = temporal
        self._layout = layout
        self._total = total
        self._progress = progress
        self._time: float | None = None

    def __call__(
        self, item: av.VideoFrame | av.Packet[Any]
    ) -> Predicted | AlreadyEncoded | Skipped | av.Packet[Any]:
        """Predict the color of a frame; hand anything else on."""
        if not isinstance(item, av.VideoFrame):
            return item
        self._time = item.time
        done = self._done_with(item)
        self.frames += 1
        self._tell()
        return done

    def finish(self, item: Predicted | Other) -> Colored | Other:
        """Color a frame whose color is known; hand anything else on."""
        if not isinstance(item, Predicted):
            return item
        planes = (np.rot90(plane, -item.turns) for plane in self._colorizer.enlarge(item.small))
        return Colored(self._layout.colored(item.frame, *planes), item.memory)

    @property
    def place(self) -> str:
        """Where in the video it is, for people."""
        if self._time is None:
            return "before the first frame"
        minutes, seconds = divmod(self._time, 60)
        return f"after {self.frames} frames, at {minutes:.0f}:{seconds:05.2f}"

    def _done_with(self, item: av.VideoFrame) -> Predicted | AlreadyEncoded | Skipped:
        return AlreadyEncoded() if self.frames < self.kept_frames else self._predicted(item)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.frames, self._total)

    def _predicted(self, item: av.VideoFrame) -> Predicted:
        memory = self._temporal.memory if self.frames % SEGMENT_FRAMES == 0 else b""
        frame, turns = self._layout.prepare(item), quarter_turns(item)
        luma, shape = upright(frame, self._layout, turns)
        small = self._colorizer.predict(luma, self._layout.encoding, shape, self._temporal)
        return Predicted(frame, small, turns, memory)


@contextmanager
def annotate_position(stage: ColorStage, target: Path | None) -> Iterator[None]:
    """Say in an error that ends a video where that was, and what is kept of the target (None: nothing)."""
    try:
        yield
    except (CganError, MemoryError) as error:
        kept = kept_frames(target) if target is not None else 0
        mend = f"; {kept} frames are kept, --resume goes on with them" if kept else ""
        raise type(error)(f"{error}; it stopped {stage.place}{mend}") from error


def seen(item: av.VideoFrame, layout: FrameLayout, colorizer: Colorizer) -> FloatArray:
    """What the network sees of a frame: L*/50 - 1, float32 (h, w)."""
    luma, shape = upright(layout.prepare(item), layout, quarter_turns(item))
    return colorizer.lightness(luma, layout.encoding, shape)


def upright(frame: av.VideoFrame, layout: FrameLayout, turns: int) -> tuple[Plane, tuple[int, int]]:
    """Luma and shape of the chroma planes: a video that is shown turned is shown to the network upright."""
    luma, shape = luma_plane(frame), layout.chroma_shape
    if turns == 0:
        return luma, shape
    return np.ascontiguousarray(np.rot90(luma, turns)), shape[::-1] if turns % 2 else shape
