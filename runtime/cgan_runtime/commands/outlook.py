"""A look at a video before it is colored: pictures from all of it, and what the whole would take.

    painter = Painter(reader, layout, colorizer, stretch)
    for pictures in painter.images(): ...               # the first one, then all
    outlook = try_out(reader, layout, colorizer, settings, output)

The frames are found by seeking, so that the length of the video hardly matters. The reader is used for nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import Output, output_for
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.manifest import AB_SCALE
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, network_view
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.pipeline.video import QUEUE_DEPTH
from cgan_runtime.progress import count_text
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.contact_sheet import SHEET_FRAMES, thumbnail
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.container import frames_in
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.stretch import Stretch, TimeLine
from cgan_runtime.video.segments import SEGMENT_FRAMES, Colored
from cgan_runtime.video.spread import frames_from_middle, packet_sizes, size_of_sound, spread_frames
from cgan_runtime.video.write.writer import VideoWriter

_TRIAL_SECONDS, _TRIAL_FRAMES = 2.0, 50  # of coloring, at most
_LEAST_FRAMES = 3
_SURE = 0.4  # as much of its chroma may a picture change when it is mirrored
_PALE = 10.0  # mean chroma, C*; photographs have about 18
_GRAY = 3.0  # mean chroma of what nobody would call colored


@dataclass(frozen=True)
class Outlook:
    """What a trial says about the whole, or about the part that is asked for."""

    frames: int  # 0 if unknown
    rate: float  # frames/s
    size: int  # bytes, of all frames and the sound


class Painter:
    """Colors frames from all of a video, each by itself, and notes how sure the model is."""

    def __init__(self, reader: VideoReader, layout: FrameLayout, colorizer: Colorizer, stretch: Stretch) -> None:
        self.chroma: list[float] = []  # mean chroma C* of each picture
        self.sure: list[bool] = []
        self._reader, self._layout, self._colorizer, self._stretch = reader, layout, colorizer, stretch
        self._stage = ColorStage(colorizer, TemporalFilter(TemporalSettings("off")), layout)

    def images(self) -> Iterator[list[Plane]]:
        """The pictures after the first one, and all of them: RGB uint8 (h, w, 3)."""
        aspect = Fraction(self._reader.stream.sample_aspect_ratio or 1)
        found: list[Plane] = []
        container, stream = self._reader.container, self._reader.stream
        part = TimeLine(container, stream, self._stretch).part
        frames = spread_frames(container, stream, SHEET_FRAMES, exact=True, part=part)
        for frame in frames:
            predicted = self._stage(frame)
            assert isinstance(predicted, Predicted)
            colored = self._stage.finish(predicted).frame
            self._judge(network_view(frame, self._layout, self._colorizer))
            found.append(thumbnail(colored, aspect, orientation=Orientation.of(frame)))
            if len(found) == 1:
                yield found
        if not found:
            where = "" if self._stretch.is_whole else f" from {self._stretch.text}"
            raise MediaError(f"{self._reader.path} has no frame for a preview{where}")
        if len(found) > 1:
            yield found

    def judgment(self) -> str:
        """How colorful the pictures are, and how sure the model is of them, for people."""
        mean = float(np.mean(self.chroma))
        pale = "pale" if mean < _PALE else "moderate" if mean < 2 * _PALE else "strong"
        pictures = count_text(len(self.sure), "picture")
        gray = sum(strength < _GRAY for strength in self.chroma)
        stay = f", and {gray} of them {'stays' if gray == 1 else 'stay'} nearly gray" if gray else ""
        return f"{pictures}; colors are {pale}, the model is sure of {sum(self.sure)} of {len(self.sure)}{stay}"

    def _judge(self, view: FloatArray) -> None:
        """A model that knows what it sees gives a picture and its mirror image the same colors."""
        chroma = self._colorizer.chroma(view).copy()
        mirrored = self._colorizer.chroma(np.ascontiguousarray(view[:, ::-1]))[..., ::-1]
        strength = float(np.linalg.norm(chroma, axis=0).mean()) * AB_SCALE
        change = float(np.linalg.norm(chroma - mirrored, axis=0).mean()) * AB_SCALE
        self.chroma.append(strength)
        self.sure.append(change < _SURE * strength)


def try_out(
    reader: VideoReader, layout: FrameLayout, colorizer: Colorizer, settings: VideoSettings, output: Output
) -> Outlook | None:
    """Color a moment from the middle of a video, or of its part, as all of it; None if there are too few frames."""
    stage = ColorStage(colorizer, TemporalFilter(settings.temporal), layout)
    written: list[float] = []
    with temporary_folder("cgan-preview-") as folder:
        trial = output_for(folder / f"trial{output.suffix}")
        with VideoWriter(trial, reader, layout, settings.encoder) as writer:

            def write(item: Colored) -> None:
                writer.write(item)
                written.append(time.monotonic())

            part = TimeLine(reader.container, reader.stream, settings.stretch).part
            frames = frames_from_middle(
                reader.container, reader.stream, _TRIAL_FRAMES, seconds=_TRIAL_SECONDS, part=part
            )
            run_stages(frames, stage, stage.finish, write, depth=QUEUE_DEPTH)
            if len(written) < _LEAST_FRAMES:
                return None
            writer.finish()
        sizes = packet_sizes(folder / f"trial{output.suffix}")
    rate = (len(written) - 1) / max(1e-6, written[-1] - written[0])
    whole = count = reader.stated_frames or 0
    if not settings.stretch.is_whole:
        count = frames_in(settings.stretch, reader.stated_frames, reader.rate) or 0
    keys = -(-count // SEGMENT_FRAMES)
    size = keys * sizes[0] + (count - keys) * float(np.mean(sizes[1:]))
    return Outlook(count, rate, round(size + size_of_sound(reader.container) * count / max(1, whole)))
