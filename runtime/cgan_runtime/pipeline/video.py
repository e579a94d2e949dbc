"""Color one video or one still, from file to file.

    with Colorizer(open_backend(bundled_model())) as colorizer:
        result = colorize_video(Path("in.mp4"), Path("out.mp4"), colorizer)
        colorize_image(Path("in.jpg"), Path("out.jpg"), colorizer)

A video runs through three stages on three threads: decode; predict color; enlarge it and encode. No frame is
dropped, and the luma that is written is the luma that was decoded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from cgan_runtime.callbacks import ProgressCallback, StopCallback
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import check_output, is_numbered
from cgan_runtime.files.pipe import OutputPipe
from cgan_runtime.pipeline.color_stage import ColorStage, Predicted, annotate_position
from cgan_runtime.pipeline.graceful_stop import GracefulStop
from cgan_runtime.pipeline.identity import video_identity
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.stage_times import StageTimes
from cgan_runtime.pipeline.stages import run_stages
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.video.hardware import decoder_for
from cgan_runtime.video.read.damage import count
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import Source
from cgan_runtime.video.resume.items import Colored
from cgan_runtime.video.resume.no_resume import NonResumableOutput
from cgan_runtime.video.resume.work_folder import Work
from cgan_runtime.video.write.image_sequence_writer import ImageWriter, check_images
from cgan_runtime.video.write.writer import VideoWriter

QUEUE_DEPTH = 3
"""Frames and packets that wait between two stages: enough to ride out a slow frame, 10 MB at 1080p."""


def colorize_video(
    source: Path | Source,
    target: Path | OutputPipe,
    colorizer: Colorizer,
    *,
    settings: VideoSettings = VideoSettings(),
    overwrite: bool = False,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    on_stop: StopCallback | None = None,
) -> VideoResult:
    """Color a video; its audio, subtitles, timing and luma stay as they were.

    What is done is kept beside the target in segments until the video is complete, whatever ends the run. A
    run that resumes goes on behind the last segment; the video is, frame for frame, the one made in one go.

    Args:
        source: The video.
        target: Its suffix chooses the container. A file appears when it is complete, or not at all. A
            pattern such as `frames/%05d.png` makes an image sequence, one image of each frame.
        colorizer: Used in the calling thread.
        settings: How the video is read, colored and written.
        overwrite: Allow `target` to exist and, without `resume`, work that is kept to be thrown away.
        resume: Go on with what an earlier run with the same input and settings has kept, if there is any.
        progress: Called in the calling thread after each frame.
        on_stop: Makes a first Ctrl-C wait until a later run can go on with what is done; called then. None,
            and a second Ctrl-C: the video is left at once.

    Raises:
        MediaError: The input cannot be read, the output cannot be written, `strict` refuses, or what is kept
            cannot be gone on with.
        ConfigError: A setting that the encoder does not have.
        CganError: Whatever else ends the run; the message says at which frame.
    """
    began = time.perf_counter()
    encoder = settings.encoder
    encoder.options(encoder.codec_for(target))  # wrong settings are refused before any file is touched
    device, hwaccel_note = decoder_for(source, settings.hwaccel, stream=settings.stream)
    with VideoReader(
        source,
        stream=settings.stream,
        deinterlace=settings.deinterlace,
        threads=encoder.codec_threads,
        hardware=device,
    ) as reader:
        check_output(target, source=None if isinstance(source, Source) else source, overwrite=overwrite)
        identity = video_identity(reader, target, colorizer, settings)
        if isinstance(target, Path) and is_numbered(target):
            check_images(target, source=source, overwrite=overwrite, resume=resume, settings=identity)
        with (
            _begin(reader, target, identity, resume=resume, overwrite=overwrite) as work,
            _writer(target, reader, settings, work) as writer,
            GracefulStop(
                work.kept_frames, progress, on_stop if isinstance(work, Work) else None
            ) as graceful_stop,
        ):
            steady = TemporalFilter(settings.temporal)
            steady.memory = work.memory
            stage = ColorStage(
                colorizer,
                steady,
                writer.layout,
                work.kept_frames,
                reader.stated_frames,
                graceful_stop.progress,
            )
            times = StageTimes(lambda item: isinstance(item, (av.VideoFrame, Predicted, Colored)))
            finish, write = times.work("finish", stage.finish), times.work("encode", writer.write)
            with annotate_position(
                stage, target if isinstance(target, Path) and isinstance(work, Work) else None
            ):
                with _kept_at_ctrl_c(source, target, reader, writer, stage):
                    run_stages(
                        times.source(
                            "decode",
                            graceful_stop.until_border(_whole(reader) if settings.strict else reader),
                        ),
                        times.work("color", stage),
                        lambda item: write(finish(item)),
                        depth=QUEUE_DEPTH,
                        wake=reader.wake,
                    )
                if graceful_stop.stopped:
                    writer.finish_keeping(steady.memory)
                    raise KeyboardInterrupt
                if settings.strict and reader.damage:
                    raise _refused(source, reader.damage)
                writer.finish()
                size = _published(target, work, writer)
    return VideoResult(
        output=target,
        bytes=size,
        width=writer.size[0],
        height=writer.size[1],
        frames=stage.frames,
        seconds=time.perf_counter() - began,
        backend=colorizer.backend.name,
        lost_frames=reader.lost_frames,
        flawed_frames=reader.flawed_frames,
        damage=reader.damage,
        notes=(*([hwaccel_note] if hwaccel_note else []), *writer.notes, *_notes_of(reader)),
        kept_frames=stage.kept_frames,
        settings=identity,
        stages=times.summary(),
    )


def _writer(
    target: Path | OutputPipe,
    reader: VideoReader,
    settings: VideoSettings,
    work: Work | NonResumableOutput,
) -> VideoWriter | ImageWriter:
    """What writes into a container, or one image for each frame."""
    keeper = work if isinstance(work, Work) else None
    if isinstance(target, Path) and is_numbered(target):
        return ImageWriter(target, reader, keeper, compare=settings.compare)
    return VideoWriter(work.video, reader, settings.encoder, keeper, compare=settings.compare)


def _published(
    target: Path | OutputPipe, work: Work | NonResumableOutput, writer: VideoWriter | ImageWriter
) -> int:
    """Let what is finished take its name; returns its size in bytes."""
    if isinstance(writer, ImageWriter):  # each has its own already
        work.discard()
        return writer.bytes
    work.publish()
    return target.written if isinstance(target, OutputPipe) else target.stat().st_size


@contextmanager
def _kept_at_ctrl_c(
    source: Path | Source,
    target: Path | OutputPipe,
    reader: VideoReader,
    writer: VideoWriter | ImageWriter,
    stage: ColorStage,
) -> Iterator[None]:
    """Take Ctrl-C for the end of a stream that has none; a video has one, and is gone on with."""
    try:
        yield
    except KeyboardInterrupt:
        if not (reader.is_endless and isinstance(target, Path) and writer.frames):
            raise
        writer.notes.append(f"{source} was ended by Ctrl-C: what had come until then is kept")
        stage.frames = writer.frames  # a few more had their color


def _begin(
    reader: VideoReader,
    target: Path | OutputPipe,
    identity: dict[str, str],
    *,
    resume: bool,
    overwrite: bool,
) -> Work | NonResumableOutput:
    """Begin or go on with the work on a video, where it is one that can be gone on with."""
    if isinstance(target, Path) and reader.comes_again:
        return Work.begin(target, identity, resume=resume, overwrite=overwrite)
    if resume:
        once = target if reader.comes_again else reader.path
        raise MediaError(f"{once} passes only once: nothing of it can be gone on with; leave --resume out")
    return NonResumableOutput(target)


def _notes_of(reader: VideoReader) -> Iterator[str]:
    """What was put right in an input, one sentence each."""
    if reader.deinterlaced_frames:
        yield (
            f"{reader.deinterlaced_frames} interlaced frames were made whole images; "
            "--deinterlace off keeps their lines as they are"
        )
    if reader.resized_frames:
        yield f"{count(reader.resized_frames, 'frame')} of another size than the first: scaled to that"
    if reader.jumps:
        times = "once" if reader.jumps == 1 else f"{reader.jumps} times"
        yield (
            f"the video's clock jumped {times}, as where recordings are joined or a long stretch is missing: "
            "time goes on there"
        )
    if reader.has_late_stream and not reader.damage:  # a damaged one may only seem to have it
        yield "a stream that begins within the video is left out: it is not there at the video's beginning"
    if reader.retimed_frames:
        yield f"{reader.retimed_frames} frames had no time of their own or went back in time: put right"


def _whole(reader: VideoReader) -> Iterator[av.VideoFrame | av.Packet[Any]]:
    """All of a video, up to the first flaw."""
    for item in reader:
        if reader.flaws:
            raise _refused(reader.path, reader.flaws)
        yield item


def _refused(source: Path | Source, damage: str) -> MediaError:
    return MediaError(f"{source} is damaged: {damage}; leave --strict out to color what can be read")
