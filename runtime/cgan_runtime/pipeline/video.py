"""Color one video, from file to file.

    with Colorizer.open() as colorizer:
        result = colorize_video("in.mp4", "out.mp4", colorizer)

A video runs through four stages on four threads: decode; predict color; enlarge it; encode. No frame is
dropped, and the luma that is written is the luma that was decoded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from cgan_runtime.callbacks import ProgressCallback, StopCallback
from cgan_runtime.checks import check_type
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import Output, output_for
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, annotate_position
from cgan_runtime.pipeline.graceful_stop import GracefulStop
from cgan_runtime.pipeline.guiding import plan_guide
from cgan_runtime.pipeline.identity import video_identity
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stage_times import StageTimes
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.system.signals import stop_by_signal
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.video.hardware import decoder_for
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.crop import Margins
from cgan_runtime.video.read.damage import count, some
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import FFmpegInput, SourceSettings, video_source
from cgan_runtime.video.resume.work_folder import NonResumableOutput, WorkFolder
from cgan_runtime.video.segments import Colored
from cgan_runtime.video.write.image_sequence_writer import ImageSequenceWriter, check_existing_images
from cgan_runtime.video.write.open_writer import open_writer, plan_layout, settle_encoder
from cgan_runtime.video.write.writer import VideoWriter

# Frames and packets that wait between two stages: enough for an occasional slow frame, 10 MB at 1080p.
QUEUE_DEPTH = 3
_IN_MEMORY = (av.VideoFrame, Predicted, Colored)  # forms of a frame between the stages


def colorize_video(
    source: str | Path | FFmpegInput,
    target: str | Path | Output,
    colorizer: Colorizer | None = None,
    *,
    settings: VideoSettings = VideoSettings(),
    overwrite: bool = False,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    on_stop: StopCallback | None = None,
) -> VideoResult:
    """Color a video; its audio, subtitles, timing and luma stay as they were.

    Finished segments are kept beside the target until the video is complete, however the run ends. A later
    run with `resume` goes on after the last segment; the video is, bit for bit, that of a single run.

    Args:
        source: A file, the address of a stream, "-" for standard input, or the pattern of an image sequence,
            "frames/%05d.png".
        target: A file, whose suffix chooses the container, or the pattern of an image sequence. A file
            appears when it is complete, or not at all.
        colorizer: Used in the calling thread; None opens the model that ships for this video.
        settings: How the video is read, colored and written.
        overwrite: Allow `target` to exist and, without `resume`, kept segments to be discarded.
        resume: Go on with what an earlier run with the same input and settings has kept, if anything.
        progress: Called in the calling thread after each frame.
        on_stop: Makes a first Ctrl-C, or SIGTERM where the program handles it, finish the current segment, so that a
            later run can go on there; called then. None, and a second signal: the video is left at once.

    Raises:
        MediaError: The input cannot be read, the output cannot be written, `strict` refuses the input, or
            the kept segments are of another run.
        ConfigError: The encoder does not have a setting, or an argument is of a wrong type.
        CganError: Anything else that ends the run; the message says at which frame.
    """
    check_type("colorizer", colorizer, Colorizer | None)
    check_type("settings", settings, VideoSettings)
    if colorizer is None:
        with Colorizer.open() as colorizer:
            return colorize_video(
                source, target, colorizer, settings=settings, overwrite=overwrite, resume=resume,
                progress=progress, on_stop=on_stop,
            )  # fmt: skip
    began = time.perf_counter()
    if isinstance(source, (str, Path)):
        source = video_source(source, SourceSettings())
    output = output_for(Path(target) if isinstance(target, str) else target)
    if not settings.guide.is_empty:
        colorizer.check_guide()
    encoder = settings.encoder
    encoder.options(encoder.codec_for(output))  # wrong settings are refused before any file is touched
    device, hwaccel_note = decoder_for(source, settings.hwaccel, stream=settings.stream)
    with VideoReader(
        source,
        stream=settings.stream,
        deinterlace=settings.deinterlace,
        threads=encoder.codec_threads,
        hardware=device,
        stretch=settings.stretch,
        levels=settings.levels,
    ) as reader:
        output.check(source=None if isinstance(source, FFmpegInput) else source, overwrite=overwrite)
        encoder = settle_encoder(encoder, reader, output)
        settings = replace(settings, encoder=encoder)
        identity = video_identity(reader, output, colorizer, settings)
        check_existing_images(output, source=source, overwrite=overwrite, resume=resume, settings=identity)
        layout = plan_layout(reader, encoder, output, compare=settings.compare)
        with (
            _begin(reader, output, identity, resume=resume, overwrite=overwrite) as work,
            open_writer(work, reader, layout, encoder) as writer,
            GracefulStop(work.kept_frames, progress, on_stop if work.resumable else None) as stop,
        ):
            plan, items = plan_guide(
                reader, layout, colorizer, settings, work, alive=lambda: progress and progress(0, None)
            )
            temporal = TemporalFilter(settings.temporal)
            temporal.filter_state = work.filter_state
            stage = ColorStage(colorizer, temporal, layout, work.kept_frames, reader.stated_frames, stop.progress, plan)
            times = StageTimes(lambda item: isinstance(item, _IN_MEMORY))
            if settings.strict:
                items = _until_flaw(reader, items)
            _run(reader, items, stage, writer, work, stop, times, strict=settings.strict)
    width, height = writer.size
    if output.images is None:  # images are upright already
        width, height = Orientation.of(reader.first).shown_size(width, height)
    return VideoResult(
        output=output.path,
        bytes=output.size,
        width=width,
        height=height,
        frames=stage.frames,
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        lost_frames=reader.lost_frames,
        flawed_frames=reader.flawed_frames,
        damage=reader.damage,
        notes=(*([hwaccel_note] if hwaccel_note else []), *writer.notes, *_input_notes(reader), *stage.report.notes),
        kept_frames=stage.kept_frames,
        settings=identity,
        stages=times.summary(),
        shots=stage.report.shots(stage.frames),
    )


def refused(source: Path | FFmpegInput, damage: str) -> MediaError:
    """The error of a damaged video with `strict`."""
    return MediaError(f"{source} is damaged: {damage}; leave --strict out to color what can be read")


def _run(
    reader: VideoReader,
    items: Iterable[av.VideoFrame | av.Packet[Any]],
    stage: ColorStage,
    writer: VideoWriter | ImageSequenceWriter,
    work: WorkFolder | NonResumableOutput,
    stop: GracefulStop,
    times: StageTimes,
    *,
    strict: bool,
) -> None:
    """Run the stages to the end of the video, and publish it."""
    items = stop.until_border(items)
    finish, write = times.work("finish", stage.finish), times.work("encode", writer.write)
    with annotate_position(stage, work.output, resumable=work.resumable):
        with _end_stream_at_signal(work.output, reader, writer, stage):
            run_stages(
                times.source("decode", items),
                times.work("color", stage),
                finish,
                write,
                depth=QUEUE_DEPTH,
                wake=reader.wake,
            )
        if stop.stopped:
            writer.finish_segment(stage.filter_state)
            stop_by_signal(stop.number)
        if strict and reader.damage:
            raise refused(reader.path, reader.damage)
        writer.finish()
        work.publish()


@contextmanager
def _end_stream_at_signal(
    output: Output, reader: VideoReader, writer: VideoWriter | ImageSequenceWriter, stage: ColorStage
) -> Iterator[None]:
    """Take Ctrl-C or SIGTERM as the end of a stream that has none; a video has an end, and can be resumed."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:
        if not (reader.is_endless and output.path is not None and writer.frames):
            raise
        by = "Ctrl-C" if isinstance(error, KeyboardInterrupt) else "SIGTERM"
        writer.notes.append(f"{reader.path} was ended by {by}: the video until then is kept")
        stage.frames = writer.frames  # a few more were colored


def _begin(
    reader: VideoReader, output: Output, identity: dict[str, str], *, resume: bool, overwrite: bool
) -> WorkFolder | NonResumableOutput:
    """Begin or resume the work on a video; without segments where no later run could resume it."""
    if output.path is not None and reader.rereadable:
        return WorkFolder.begin(output, identity, resume=resume, overwrite=overwrite)
    if resume:
        once = output if reader.rereadable else reader.path
        raise MediaError(f"{once} passes only once, so no run can be resumed; leave --resume out")
    return NonResumableOutput(output)


def _input_notes(reader: VideoReader) -> Iterator[str]:
    """What was corrected in the input, one sentence each."""
    if reader.crop.margins != Margins():
        width, height = reader.first.width, reader.first.height
        yield f"borders that the video hides are cut off: {width}x{height} are left, as players show it"
    if reader.deinterlaced_frames:
        yield f"{reader.deinterlaced_frames} frames were deinterlaced; --deinterlace off leaves them"
    if reader.resized_frames:
        yield f"{count(reader.resized_frames, 'frame')} of another size than the first: scaled to that"
    if reader.jumps:
        times = "once" if reader.jumps == 1 else f"{reader.jumps} times"
        yield (
            f"the video's clock jumped {times}, as where recordings are joined or a long stretch is missing: "
            "time goes on there"
        )
    if reader.pauses and not reader.damage:
        longest = max(length for _, length in reader.pauses)
        times = some(f"{start:.1f} s" for start, _ in reader.pauses)
        yield (
            f"the picture stands still for up to {longest:.1f} s (at {times}): the video has no audio there, which "
            "would tell whether frames are missing"
        )
    if reader.has_late_stream and not reader.damage:  # damage can look like a late stream
        yield "a stream that begins within the video is left out: it is not there at the video's beginning"
    if reader.retimed_frames:
        yield f"{reader.retimed_frames} frames had no time of their own or went back in time: corrected"


def _until_flaw(
    reader: VideoReader, items: Iterable[av.VideoFrame | av.Packet[Any]]
) -> Iterator[av.VideoFrame | av.Packet[Any]]:
    """All of a video, as the reader comes to it, up to the first flaw."""
    for item in items:
        if reader.flaws:
            raise refused(reader.path, reader.flaws)
        yield item
