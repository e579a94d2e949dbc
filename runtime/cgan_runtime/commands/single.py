"""What `cgan-run` does with one video or one image.

run_video("in.mp4", options, console)
run_image(Path("in.jpg"), options, console)
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.commands.open_model import open_colorizer
from cgan_runtime.commands.summary import print_image, print_video, write_video_stats
from cgan_runtime.console import Console
from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.output import Output, check_output, default_output, output_for, pipe_output
from cgan_runtime.files.pipe import PIPE
from cgan_runtime.options.run import RunOptions
from cgan_runtime.video.read.sources import FFmpegInput, video_source
from cgan_runtime.video.write.codecs import ENCODERS, video_suffix

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.pipeline.results import VideoResult


def run_video(given: Path | str, options: RunOptions, console: Console) -> None:
    """Color a video.

    Args:
        given: A file, `-` for standard input, an address, or the pattern of an image sequence.
        options: Of the command line.
        console: Shows progress and result.

    Raises:
        CganError: It cannot be done.
    """
    options = with_usable_encoder(options, console)
    source = video_source(given, options.source)
    file = None if isinstance(source, FFmpegInput) else source
    if file is not None:
        _check_source(file)
    output = _video_output(source, options, console)
    encoder, sheet, overwrite = options.video.encoder, options.report.sheet, options.files.overwrite
    encoder.options(encoder.codec_for(output))
    output.check(source=file, overwrite=overwrite)
    if sheet is not None:
        from cgan_runtime.video.contact_sheet import check_sheet

        check_sheet(sheet, source=file, overwrite=overwrite)
    with open_colorizer(options, console) as colorizer:
        write_video_stats(options, [_color_video(source, output, colorizer, options, console)])
    if sheet is not None and output.path is not None:
        from cgan_runtime.video.contact_sheet import write_sheet

        write_sheet(output.path, sheet)


def run_image(source: Path, options: RunOptions, console: Console) -> None:
    """Color an image.

    Raises:
        CganError: It cannot be done.
    """
    from cgan_runtime.pipeline.image import colorize_image

    _check_source(source)
    suffix = source.suffix if source.suffix.lower() in IMAGES else ".png"
    target = options.files.output or default_output(source, suffix)
    overwrite, compare = options.files.overwrite, options.video.compare
    check_output(target, source=source, overwrite=overwrite)
    with open_colorizer(options, console) as colorizer:
        print_image(colorize_image(source, target, colorizer, overwrite=overwrite, compare=compare), console)


def with_usable_encoder(options: RunOptions, console: Console) -> RunOptions:
    """The options, with software in place of a hardware encoder that does not work here, and a note then."""
    if options.video.encoder.codec is None or ENCODERS[options.video.encoder.codec].stand_in is None:
        return options
    from cgan_runtime.video.hardware import encoder_for

    encoder, note = encoder_for(options.video.encoder)
    if note:
        console.note(note)
    return replace(options, video=replace(options.video, encoder=encoder))


def resume_command(dropped: Collection[str] = ("--resume",)) -> str:
    """The command line of this process with --resume, without some of its words."""
    given = [word for word in sys.argv[1:] if word not in dropped]
    return shlex.join(["cgan-run", *given, "--resume"])


def _color_video(
    source: Path | FFmpegInput, output: Output, colorizer: Colorizer, options: RunOptions, console: Console
) -> VideoResult:
    """Color a video, with a bar while it runs and a line about the result."""
    from cgan_runtime.pipeline.video import colorize_video

    with _resume_hint(output, console), console.progress(f"{source.name}, {colorizer.backend.name}") as progress:
        result = colorize_video(
            source,
            output,
            colorizer,
            settings=options.video,
            overwrite=options.files.overwrite,
            resume=options.files.resume,
            progress=progress,
            on_stop=lambda frames: console.note(
                f"{frames} frames more, until a later run can go on; Ctrl-C again stops at once"
            ),
        )
    print_video(source, result, console)
    return result


@contextmanager
def _resume_hint(output: Output, console: Console) -> Iterator[None]:
    """Where a signal stops the run, print how much is done and the command that goes on."""
    from cgan_runtime.video.resume.work_folder import kept_frames

    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if output.path is not None and (kept := kept_frames(output.path)):
            console.warn(f"stopped; {kept} frames of {output} are done, go on with: {resume_command()}")
        raise


def _video_output(source: Path | FFmpegInput, options: RunOptions, console: Console) -> Output:
    files = options.files
    if files.into_pipe:
        return pipe_output(None if str(files.output) == PIPE else files.output, files.format)
    if files.output is not None:
        return output_for(files.output)
    if isinstance(source, FFmpegInput):
        raise MediaError(f"{source} has no folder to put the result beside; name a file with -o, or -o - for a pipe")
    suffix = video_suffix(source, options.video.encoder)
    target = default_output(source, suffix)
    if suffix != source.suffix:
        what = options.video.encoder.codec or "the colored video"
        console.note(f"{source.suffix or 'a file without suffix'} cannot hold {what}: it goes into {target.name}")
    return output_for(target)


def _check_source(source: Path) -> None:
    """Refuse an input that is missing or a folder before a model is loaded."""
    if not source.exists():
        raise MediaError(f"no file at {source}; give one that is there")
    if source.is_dir():
        raise MediaError(f"{source} is a folder; color all it holds with --input-dir")
