"""What `cgan-run` does with one video or one image.

run_video("in.mp4", options, console)
run_image(Path("in.jpg"), options, console)
"""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cgan_runtime.commands.open_model import open_colorizer
from cgan_runtime.commands.suggest import suggest
from cgan_runtime.commands.summary import print_image, print_tips, print_video, write_video_stats
from cgan_runtime.console import Console
from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.output import Output, check_output, default_output, output_for, pipe_output
from cgan_runtime.files.pipe import PIPE
from cgan_runtime.files.urls import is_url
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import find_model
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
        if options.report.suggest_keys is not None:
            suggest(file, options, console)
            return
    output, note = video_output(source, options)
    encoder, sheet, overwrite = options.video.encoder, options.report.sheet, options.files.overwrite
    encoder.options(encoder.codec_for(output))
    _check_named(options)
    if sheet is not None:
        from cgan_runtime.video.contact_sheet import check_sheet

        check_sheet(sheet, source=file, overwrite=overwrite)
    output.check(source=file, overwrite=overwrite)
    notes = [note] if note else []
    if file is not None:
        from cgan_runtime.video.existing_colors import COLORED_ALREADY, has_colors

        notes += [COLORED_ALREADY] if has_colors(file, options.video.stream) else []
    with open_colorizer(options, console, needed="cgan_runtime.pipeline.video") as colorizer:
        write_video_stats(options, [_color_video(source, output, colorizer, options, console, notes)])
    print_tips(options, colorizer.backend.manifest, console)
    if sheet is not None and output.path is not None:
        from cgan_runtime.video.contact_sheet import write_sheet

        write_sheet(output.path, sheet)


def run_image(source: Path, options: RunOptions, console: Console) -> None:
    """Color an image.

    Raises:
        CganError: It cannot be done.
    """
    _check_source(source)
    suffix = source.suffix if source.suffix.lower() in IMAGES | {".gif"} else ".png"
    asked = options.files.output
    target = default_output(source, suffix, asked) if asked is None or asked.is_dir() else asked
    overwrite, compare = options.files.overwrite, options.video.compare
    _check_named(options)
    check_output(target, source=source, overwrite=overwrite)
    with open_colorizer(options, console, needed="cgan_runtime.pipeline.image") as colorizer:
        from cgan_runtime.pipeline.image import colorize_image

        result = colorize_image(
            source, target, colorizer, overwrite=overwrite, compare=compare, guide=options.video.guide
        )
        print_image(result, console)
    print_tips(options, colorizer.backend.manifest, console)


def _check_named(options: RunOptions) -> None:
    """Refuse a model, references and keys that are not there, before an output that is: cheap, and told of first."""
    Manifest.find(find_model(options.model.model))
    if not options.video.guide.is_empty:
        from cgan_runtime.guide.keys import check_files

        check_files(options.video.guide)


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
    source: Path | FFmpegInput,
    output: Output,
    colorizer: Colorizer,
    options: RunOptions,
    console: Console,
    notes: list[str],
) -> VideoResult:
    """Color a video, with a line of progress while it runs and one about the result.

    The notes are printed once the first frame is there: then the result will be, too.
    """
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.video.resume.work_folder import kept_frames

    kept = kept_frames(output.path) if options.files.resume and output.path is not None else 0
    first = True
    with (
        _resume_hint(output, console),
        console.progress(source.name, kept=kept, size=lambda: _written(output)) as progress,
    ):

        def advance(done: int, total: int | None) -> None:
            nonlocal first
            if first:
                going_on = [f"going on from frame {kept}" + (f" of {total}" if total else "")] if kept else []
                for note in [*going_on, *notes]:
                    console.note(note)
                first = False
            progress(done, total)

        def stopping(frames: int) -> None:
            seconds = progress.seconds_for(frames)
            about = f", about {math.ceil(seconds)} s" if seconds else ""
            console.note(f"finishing the segment{about}; Ctrl-C again stops now")

        result = colorize_video(
            source,
            output,
            colorizer,
            settings=options.video,
            overwrite=options.files.overwrite,
            resume=options.files.resume,
            progress=advance,
            on_stop=stopping,
        )
    print_video(source, result, console)
    return result


def _written(output: Output) -> int:
    """Bytes of the draft so far; 0 if it is no file."""
    try:
        return Path(output.destination).stat().st_size if output.images is None else 0
    except (OSError, TypeError):
        return 0


@contextmanager
def _resume_hint(output: Output, console: Console) -> Iterator[None]:
    """Where a signal stops the run, print how much is done and the command that goes on."""
    from cgan_runtime.video.resume.work_folder import kept_frames

    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if output.path is not None and (kept := kept_frames(output.path)):
            console.warn(f"stopped; {kept} frames of {output} are done, go on with: {resume_command()}")
        else:
            console.note("stopped before anything was kept")
        raise


def video_output(source: Path | FFmpegInput, options: RunOptions) -> tuple[Output, str | None]:
    """Where a video goes, and a note if that is not where one would look for it.

    Raises:
        MediaError: The source has no name to name the result after.
    """
    files, encoder = options.files, options.video.encoder
    if files.into_pipe:
        return pipe_output(None if str(files.output) == PIPE else files.output, files.format), None
    folder = files.output if files.output is not None and files.output.is_dir() else None
    if files.output is not None and folder is None:
        return output_for(files.output), None
    named = _named_source(source)
    suffix = video_suffix(named, encoder)
    target = default_output(named, suffix, folder)
    if isinstance(source, FFmpegInput):
        return output_for(target), f"the result goes into {target}"
    if suffix == source.suffix:
        return output_for(target), None
    what = encoder.codec or "the colored video"
    held = f"{source.suffix or 'a file without suffix'} cannot hold {what}: it goes into {target.name}"
    return output_for(target), f"{held}; --image keeps it a GIF" if source.suffix.lower() == ".gif" else held


def _named_source(source: Path | FFmpegInput) -> Path:
    """A path with the name of a source, to name its result after; of an address, in the current folder."""
    if not isinstance(source, FFmpegInput):
        return source
    name = Path(unquote(urlsplit(source.address or "").path)).name
    if not is_url(source.address or "") or not name:
        raise MediaError(f"{source} has no folder to put the result beside; name a file with -o, or -o - for a pipe")
    return Path(name)


def _check_source(source: Path) -> None:
    """Refuse an input that is missing or a folder before a model is loaded."""
    if not source.exists():
        raise MediaError(f"no file at {source}; give one that is there")
    if source.is_dir():
        raise MediaError(f"{source} is a folder; leave --video or --image out to color all it holds")
