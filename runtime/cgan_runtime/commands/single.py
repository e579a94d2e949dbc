"""What `cgan-run` does with one video or one image, and what it tells of it.

run_video(Path("in.mp4"), options, console)
run_image(Path("in.jpg"), options, console)

with open_colorizer(options, console) as colorizer:      # several, one after another
    colorize_one_video(source, target, colorizer, options, console)
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.commands.open_model import open_colorizer
from cgan_runtime.commands.summary import report_image, report_video, write_video_stats
from cgan_runtime.console import Console
from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.output import check_output, default_output
from cgan_runtime.files.pipe import OutputPipe
from cgan_runtime.options.run import PIPE_FORMATS, RunOptions
from cgan_runtime.video.read.sources import Source, video_source
from cgan_runtime.video.write.codecs import ENCODERS, video_suffix

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.pipeline.results import VideoResult


def run_video(given: Path | str, options: RunOptions, console: Console) -> None:
    """Color a video.

    Args:
        given: A file, `-` for standard input, or an address.
        options: Of the command line.
        console: Told what becomes of it.

    Raises:
        CganError: It cannot be done.
    """
    options = with_usable_encoder(options, console)
    source = video_source(given, options.source)
    if not isinstance(source, Source):
        _check_source(source)
    target = _video_target(source, options, console)
    options.video.encoder.options(options.video.encoder.codec_for(target))
    file = None if isinstance(source, Source) else source
    check_output(target, source=file, overwrite=options.files.overwrite)
    sheet = options.report.sheet
    if sheet is not None:
        from cgan_runtime.video.contact_sheet import check_sheet

        check_sheet(sheet, source=file, overwrite=options.files.overwrite)
    with open_colorizer(options, console) as colorizer:
        write_video_stats(options, [colorize_one_video(source, target, colorizer, options, console)])
    if sheet is not None and isinstance(target, Path):
        from cgan_runtime.video.contact_sheet import write_sheet

        write_sheet(target, sheet)


def with_usable_encoder(options: RunOptions, console: Console) -> RunOptions:
    """The options, with software in place of a hardware encoder that does not work here, which is told."""
    if options.video.encoder.codec is None or ENCODERS[options.video.encoder.codec].stand_in is None:
        return options
    from cgan_runtime.video.hardware import encoder_for

    encoder, note = encoder_for(options.video.encoder)
    if note:
        console.note(note)
    return replace(options, video=replace(options.video, encoder=encoder))


def run_image(source: Path, options: RunOptions, console: Console) -> None:
    """Color an image.

    Raises:
        CganError: It cannot be done.
    """
    from cgan_runtime.pipeline.image import colorize_image

    _check_source(source)
    suffix = source.suffix if source.suffix.lower() in IMAGES else ".png"
    target = options.files.output or default_output(source, suffix)
    check_output(target, source=source, overwrite=options.files.overwrite)
    with open_colorizer(options, console) as colorizer:
        overwrite, compare = options.files.overwrite, options.video.compare
        report_image(colorize_image(source, target, colorizer, overwrite=overwrite, compare=compare), console)


def colorize_one_video(
    source: Path | Source,
    target: Path | OutputPipe,
    colorizer: Colorizer,
    options: RunOptions,
    console: Console,
) -> VideoResult:
    """Color a video, with a bar while it runs and a line about what became of it."""
    from cgan_runtime.pipeline.video import colorize_video

    with (
        _told_how_to_go_on(target, console),
        console.progress(f"{source.name}, {colorizer.backend.name}") as advance,
    ):
        result = colorize_video(
            source,
            target,
            colorizer,
            settings=options.video,
            overwrite=options.files.overwrite,
            resume=options.files.resume,
            progress=advance,
            on_stop=lambda frames: console.note(
                f"{frames} frames more, until a later run can go on; Ctrl-C again stops at once"
            ),
        )
    report_video(source, result, console)
    return result


@contextmanager
def _told_how_to_go_on(target: Path | OutputPipe, console: Console) -> Iterator[None]:
    """Where a run is told to stop: say what is done, and the command that goes on with it."""
    from cgan_runtime.video.resume.work_folder import kept_frames

    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if isinstance(target, Path) and (kept := kept_frames(target)):
            given = [word for word in sys.argv[1:] if word != "--resume"]
            command = shlex.join(["cgan-run", *given, "--resume"])
            console.warn(f"stopped; {kept} frames of {target} are done, go on with: {command}")
        raise


def _video_target(source: Path | Source, options: RunOptions, console: Console) -> Path | OutputPipe:
    files = options.files
    if files.into_pipe:
        return OutputPipe(f".{files.format or PIPE_FORMATS[0]}")
    if files.output is not None:
        return files.output
    if isinstance(source, Source):
        raise MediaError(
            f"{source} has no folder to put the result beside; name a file with -o, or -o - for a pipe"
        )
    return _default_video(source, options, console)


def _default_video(source: Path, options: RunOptions, console: Console) -> Path:
    suffix = video_suffix(source, options.video.encoder)
    target = default_output(source, suffix)
    if suffix != source.suffix:
        what = options.video.encoder.codec or "the colored video"
        console.note(
            f"{source.suffix or 'a file without suffix'} cannot hold {what}: it goes into {target.name}"
        )
    return target


def _check_source(source: Path) -> None:
    """Tell what is plainly wrong with an input before a model is loaded."""
    if not source.exists():
        raise MediaError(f"no file at {source}; give one that is there")
    if source.is_dir():
        raise MediaError(f"{source} is a folder; color all it holds with --input-dir")
