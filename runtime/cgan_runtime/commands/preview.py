"""`cgan-run in.mp4 --preview`: how a video would look, how long it would take, and how large it would be.

run_preview("in.mp4", options, console)

A dozen frames from all of the video are found by seeking, so that its length hardly matters. Then a moment from its
middle is colored and encoded as the whole would be, to measure time and size.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.commands.single import video_output, with_usable_encoder
from cgan_runtime.commands.summary import print_tips
from cgan_runtime.console import Console
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import Output, output_for
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.image.read_write import write_image
from cgan_runtime.manifest import AB_SCALE
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, network_view
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.pipeline.video import QUEUE_DEPTH
from cgan_runtime.progress import count_text, duration_text, rate_text, size_text
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.contact_sheet import SHEET_FRAMES, check_sheet, thumbnail, tile
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.segments import SEGMENT_FRAMES, Colored
from cgan_runtime.video.spread import spread_frames
from cgan_runtime.video.write.open_writer import plan_layout, settle_encoder
from cgan_runtime.video.write.writer import VideoWriter

_TRIAL_SECONDS, _TRIAL_FRAMES = 2.0, 50  # of coloring, at most
_LEAST_FRAMES = 3
_SURE = 0.4  # as much of its chroma may a picture change when it is mirrored
_PALE = 10.0  # mean chroma, C*; photographs have about 18


@dataclass(frozen=True)
class _Outlook:
    """What a trial says about the whole."""

    rate: float  # frames/s
    size: int  # bytes, of all frames


def run_preview(given: Path | str, options: RunOptions, console: Console) -> None:
    """Show how a video would look, and what it would take.

    Raises:
        CganError: It cannot be read, or the picture cannot be written.
    """
    began = time.monotonic()
    options = with_usable_encoder(options, console)
    source, output = Path(given), video_output(Path(given), options)[0]
    sheet = options.report.sheet or source.with_name(f"{source.stem}.preview.jpg")
    check_sheet(sheet, source=source, overwrite=True)
    if output.images is not None or output.path is None:
        raise MediaError("--preview is about a video in a file; leave -o out, or name one")
    settings = options.video
    with (
        VideoReader(source, stream=settings.stream, threads=settings.encoder.codec_threads) as reader,
        load_colorizer(options, console) as colorizer,
    ):
        settings = replace(settings, encoder=settle_encoder(settings.encoder, reader, output))
        layout = plan_layout(reader, settings.encoder, output, compare=settings.compare)
        painter = _Painter(reader, layout, colorizer)
        for image in painter.images():
            write_image(sheet, tile(image))
            if len(image) == 1:
                console.note(f"first picture after {time.monotonic() - began:.1f} s: {sheet}")
        console.result(f"{sheet}: {painter.judgment()}")
        outlook = _try_out(reader, layout, colorizer, settings, output)
    console.result(_about(output, outlook, reader))
    for note in layout.notes:
        console.note(note)
    print_tips(options, colorizer.backend.manifest, console)


class _Painter:
    """Colors frames from all of a video, each by itself, and notes how sure the model is."""

    def __init__(self, reader: VideoReader, layout: FrameLayout, colorizer: Colorizer) -> None:
        self.chroma: list[float] = []  # mean chroma C* of each picture
        self.sure: list[bool] = []
        self._reader, self._layout, self._colorizer = reader, layout, colorizer
        self._stage = ColorStage(colorizer, TemporalFilter(TemporalSettings("off")), layout)

    def images(self) -> Iterator[list[Plane]]:
        """The pictures after the first one, and all of them: RGB uint8 (h, w, 3)."""
        aspect = Fraction(self._reader.stream.sample_aspect_ratio or 1)
        found: list[Plane] = []
        frames = spread_frames(self._reader.container, self._reader.stream, SHEET_FRAMES, exact=True)
        for frame in frames:
            predicted = self._stage(frame)
            assert isinstance(predicted, Predicted)
            colored = self._stage.finish(predicted).frame
            self._judge(frame)
            found.append(thumbnail(colored, aspect, orientation=Orientation.of(frame)))
            if len(found) == 1:
                yield found
        if not found:
            raise MediaError(f"{self._reader.path} has no frame for a preview")
        if len(found) > 1:
            yield found

    def judgment(self) -> str:
        """How colorful the pictures are, and how sure the model is of them, for people."""
        mean = float(np.mean(self.chroma))
        pale = "pale" if mean < _PALE else "moderate" if mean < 2 * _PALE else "strong"
        pictures = count_text(len(self.sure), "picture")
        return f"{pictures}; colors are {pale}, the model is sure of {sum(self.sure)} of {len(self.sure)}"

    def _judge(self, frame: av.VideoFrame) -> None:
        """A model that knows what it sees gives a picture and its mirror image the same colors."""
        view = network_view(frame, self._layout, self._colorizer)
        chroma = self._colorizer.chroma(view).copy()
        mirrored = self._colorizer.chroma(np.ascontiguousarray(view[:, ::-1]))[..., ::-1]
        strength = float(np.linalg.norm(chroma, axis=0).mean()) * AB_SCALE
        change = float(np.linalg.norm(chroma - mirrored, axis=0).mean()) * AB_SCALE
        self.chroma.append(strength)
        self.sure.append(change < _SURE * strength)


def _try_out(
    reader: VideoReader, layout: FrameLayout, colorizer: Colorizer, settings: VideoSettings, output: Output
) -> _Outlook | None:
    """Color a moment from the middle of a video as the whole would be; None if there are too few frames."""
    stage = ColorStage(colorizer, TemporalFilter(settings.temporal), layout)
    written: list[float] = []
    with temporary_folder("cgan-preview-") as folder:
        trial = output_for(folder / f"trial{output.suffix}")
        with VideoWriter(trial, reader, layout, settings.encoder) as writer:

            def write(item: Colored) -> None:
                writer.write(item)
                written.append(time.monotonic())

            frames = _moment(reader)
            run_stages(frames, stage, lambda item: write(stage.finish(item)), depth=QUEUE_DEPTH)  # type: ignore[arg-type]
            if len(written) < _LEAST_FRAMES:
                return None
            writer.finish()
        sizes = _packet_sizes(folder / f"trial{output.suffix}")
    rate = (len(written) - 1) / max(1e-6, written[-1] - written[0])
    frames_of_all = reader.stated_frames or 0
    keys = -(-frames_of_all // SEGMENT_FRAMES)
    return _Outlook(rate, round(keys * sizes[0] + (frames_of_all - keys) * float(np.mean(sizes[1:]))))


def _moment(reader: VideoReader) -> Iterator[av.VideoFrame]:
    """Frames from the middle on, as many as are colored in a moment."""
    middle = next(spread_frames(reader.container, reader.stream, 1), None)
    if middle is None:
        return
    yield middle
    ends = time.monotonic() + _TRIAL_SECONDS
    with suppress(av.EOFError):  # there may be no other frame
        for number, frame in enumerate(reader.container.decode(reader.stream), 2):
            yield frame
            if number >= _TRIAL_FRAMES or (number >= _LEAST_FRAMES and time.monotonic() > ends):
                return


def _packet_sizes(path: Path) -> list[int]:
    with av.open(path) as container:
        return [packet.size for packet in container.demux(video=0) if packet.size]


def _about(output: Output, outlook: _Outlook | None, reader: VideoReader) -> str:
    """Time and size of the whole, for people."""
    frames = reader.stated_frames
    if outlook is None or not frames:
        return f"the whole goes into {output}; its length is not known"
    others = sum(
        int(stream.bit_rate * stream.duration * stream.time_base / 8)
        for stream in reader.container.streams
        if stream.type == "audio" and stream.bit_rate and stream.duration and stream.time_base
    )
    return (
        f"the whole: about {duration_text(frames / outlook.rate)} at {rate_text(outlook.rate)}, and "
        f"{size_text(outlook.size + others)}, in {output}"
    )
