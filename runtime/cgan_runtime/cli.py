"""The command `cgan-run`: colour a film, a picture, or a folder of both.

cgan-run --video in.mp4 [-o out.mp4]
cgan-run --image in.jpg
cgan-run --input-dir FOLDER
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from cgan_runtime.console import EXIT_ERROR, Console, guard, print_error, size_text
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.media.target import (
    ENCODERS,
    FILMS,
    INFIX,
    PICTURES,
    EncoderSettings,
    check_output,
    default_output,
    film_suffix,
)

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.media.deinterlace import Deinterlace
    from cgan_runtime.pipeline import FilmResult
    from cgan_runtime.temporal import Strength

DEINTERLACING = ("auto", "off", "on")
BACKEND_NAMES = ("auto", "tensorrt", "cuda", "openvino", "onnxruntime")
STRENGTHS = ("off", "low", "high")
MAX_EVERY = 100  # frames; with STRENGTHS as in temporal.py, which would load OpenCV
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Options:
    """What the command line asks for, the input aside."""

    output: Path | None
    model: Path | None
    backend: str
    threads: int | None
    size: int | None
    encoder: EncoderSettings
    temporal: str
    every: int
    strict: bool
    overwrite: bool
    resume: bool
    stream: int | None
    deinterlace: Deinterlace
    saturation: float
    stats: Path | None


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--video", type=_PATH, metavar="FILE", help="A film to colour.")
@click.option("--image", type=_PATH, metavar="FILE", help="A picture to colour.")
@click.option(
    "--input-dir", type=_PATH, metavar="DIR", help="A folder: every picture and film in it is coloured."
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    metavar="PATH",
    help=f"The result; its suffix chooses the format. Default: NAME{INFIX}.SUFFIX beside the input. "
    f"With --input-dir a folder, which is made if need be; default: DIR{INFIX}.",
)
@click.option(
    "--model", type=_PATH, metavar="FILE", help="A model made by cgan-export. Default: the one that ships."
)
@click.option(
    "--backend",
    type=click.Choice(BACKEND_NAMES),
    default="auto",
    show_default=True,
    help="What runs the model; auto takes the best that works here.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads of the back end. Default: its own choice."
)
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="Side of the square, in pixels, that the model sees the picture in; smaller is faster and coarser. "
    "Default: what the model was made for.",
)
@click.option(
    "--saturation",
    type=float,
    default=1.0,
    show_default=True,
    help="How colourful: the chroma is multiplied by this, 0 (grey) to 3; 1 is what the model says.",
)
@click.option(
    "--temporal",
    type=click.Choice(STRENGTHS),
    default="high",
    show_default=True,
    help="How steady the colour of a film is kept against flicker.",
)
@click.option(
    "--every",
    type=click.IntRange(1, MAX_EVERY),
    default=1,
    show_default=True,
    metavar="N",
    help="Run the model on every N-th frame of a film; in between, colour follows the motion. Faster.",
)
@click.option(
    "--codec",
    type=click.Choice(tuple(ENCODERS)),
    help="Video encoder. Default: libx264, in webm libvpx-vp9. ffv1 is lossless and needs mkv or avi.",
)
@click.option(
    "--crf",
    type=click.IntRange(min=0),
    help="Quality of the film: lower is better and bigger, 0 is lossless. Default: 18, in webm 24.",
)
@click.option("--preset", metavar="NAME", help="Speed of libx264, ultrafast to veryslow. Default: veryfast.")
@click.option(
    "--stream",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which of the file's streams is the film. Default: the one that is marked so, or the first.",
)
@click.option(
    "--deinterlace",
    type=click.Choice(DEINTERLACING),
    default="auto",
    show_default=True,
    help="Make whole pictures of interlaced frames: of those that say they are, of none, or of all.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Stop at the first flaw of a damaged film. Default: colour what can be read, and say it.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace a result that exists. Default: refuse; in a folder, skip it."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with a film whose run was cut off, from where it was. "
    "Default: refuse to lose what it has done, unless --overwrite allows it.",
)
@click.option(
    "--stats",
    type=_PATH,
    metavar="FILE",
    help="Write what each film took, in all and in each stage, and its settings as JSON.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors and warnings.")
@click.version_option(package_name="cgan", prog_name="cgan-run")
def main(
    video: Path | None,
    image: Path | None,
    input_dir: Path | None,
    output: Path | None,
    model: Path | None,
    backend: str,
    threads: int | None,
    size: int | None,
    temporal: str,
    every: int,
    codec: str | None,
    crf: int | None,
    preset: str | None,
    strict: bool,
    overwrite: bool,
    resume: bool,
    stream: int | None,
    deinterlace: Deinterlace,
    saturation: float,
    stats: Path | None,
    quiet: bool,
) -> int:
    """Give colour to a grey film (--video), a picture (--image), or a folder of both (--input-dir).

    Sound, subtitles, timing and sharpness of a film stay as they were: colour is added, the luma is not
    touched.
    """
    if sum(given is not None for given in (video, image, input_dir)) != 1:
        raise click.UsageError("give exactly one of --video, --image and --input-dir")
    encoder = EncoderSettings(codec, crf, preset)
    if stats is not None and image is not None:
        raise click.UsageError("--stats tells of films; give it with --video or --input-dir")
    options = Options(
        output, model, backend, threads, size, encoder, temporal, every, strict, overwrite, resume, stream,
        deinterlace, saturation, stats,
    )  # fmt: skip
    console = Console(quiet=quiet)
    if input_dir is not None:
        return _colour_folder(input_dir, options, console)
    if image is not None:
        _check_source(image)
        target = output or default_output(image, _picture_suffix(image))
        check_output(target, source=image, overwrite=overwrite)
        with _colorizer(options, console) as colorizer:
            _colour_still(image, target, colorizer, options, console)
    if video is not None:
        _check_source(video)
        target = output or _default_film(video, options, console)
        encoder.options(encoder.codec_for(target))
        check_output(target, source=video, overwrite=overwrite)
        with _colorizer(options, console) as colorizer:
            _write_stats(options, [_colour_film(video, target, colorizer, options, console)])
    return 0


@contextmanager
def _colorizer(options: Options, console: Console) -> Iterator[Colorizer]:
    from cgan_runtime.backends.registry import BACKENDS, open_backend, worth_telling
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.models import bundled_model

    with console.building() as report:
        model = options.model or bundled_model()
        backend = open_backend(model, options.backend, threads=options.threads, report=report)
    with Colorizer(backend, side=options.size, saturation=options.saturation) as colorizer:
        yield colorizer
        passed_over = ""
        if options.backend == "auto":
            reasons, names = worth_telling(), list(BACKENDS)
            better = names[: names.index(backend.name)] if backend.name in names else []
            passed_over = "".join(
                f"; {name} passed over: {reasons[name]}" for name in better if name in reasons
            )
        console.result(f"back end: {backend.name} on {backend.device}{passed_over}")


def _colour_film(
    source: Path, target: Path, colorizer: Colorizer, options: Options, console: Console
) -> FilmResult:
    from cgan_runtime.pipeline import colour_film
    from cgan_runtime.temporal import TemporalSettings

    with _told_how_to_go_on(target, console), console.progress(source.name) as advance:
        result = colour_film(
            source,
            target,
            colorizer,
            encoder=options.encoder,
            temporal=TemporalSettings(cast("Strength", options.temporal), options.every),
            strict=options.strict,
            overwrite=options.overwrite,
            resume=options.resume,
            stream=options.stream,
            deinterlace=options.deinterlace,
            progress=advance,
        )
    for note in result.notes:
        console.note(note)
    if result.damage:
        console.warn(f"{source} is damaged: {result.damage}; what could be read is coloured")
    coloured = f"{result.frames - result.kept_frames} frames"
    coloured += f" after {result.kept_frames} of an earlier run" if result.kept_frames else ""
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, "
        f"{coloured} in {result.seconds:.1f} s, {result.fps:.1f} frames/s"
    )
    return result


def _write_stats(options: Options, films: list[FilmResult]) -> None:
    from cgan_runtime.stats import write_stats

    if options.stats is not None:
        write_stats(options.stats, films)


@contextmanager
def _told_how_to_go_on(target: Path, console: Console) -> Iterator[None]:
    """Where a run is told to stop: say what is done, and the command that goes on with it."""
    from cgan_runtime.media.segments import kept_frames

    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if kept := kept_frames(target):
            given = [word for word in sys.argv[1:] if word != "--resume"]
            command = shlex.join(["cgan-run", *given, "--resume"])
            console.warn(f"stopped; {kept} frames of {target} are done, go on with: {command}")
        raise


def _colour_still(
    source: Path, target: Path, colorizer: Colorizer, options: Options, console: Console
) -> None:
    from cgan_runtime.pipeline import colour_still

    result = colour_still(source, target, colorizer, overwrite=options.overwrite)
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, {result.seconds:.2f} s"
    )


def _colour_folder(folder: Path, options: Options, console: Console) -> int:
    """Colour all that can be coloured; a failure is told and does not stop the rest."""
    sources = _sources(folder)
    results = options.output or _default_folder(folder)
    if results.resolve() == folder.resolve():
        raise MediaError(f"the output folder {results} is the input itself; name another with -o")
    try:
        results.mkdir(exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot make the folder {results} ({error.strerror}); name another with -o"
        ) from error
    failed = skipped = 0
    films: list[FilmResult] = []
    with _colorizer(options, console) as colorizer:
        for source in sources:
            still = source.suffix.lower() in PICTURES
            target = results / _name_in_folder(source, options)
            if target.exists() and not options.overwrite:
                skipped += 1
                continue
            try:
                if still:
                    _colour_still(source, target, colorizer, options, console)
                else:
                    films.append(_colour_film(source, target, colorizer, options, console))
            except CganError as error:
                failed += 1
                print_error(str(error))
    _write_stats(options, films)
    done = len(sources) - failed - skipped
    summary = [f"{done} of {len(sources)} coloured into {results}"]
    summary += [f"{skipped} were there already (--overwrite makes them again)"] if skipped else []
    summary += [f"{failed} failed"] if failed else []
    console.result(", ".join(summary))
    return EXIT_ERROR if failed else 0


def _default_folder(folder: Path) -> Path:
    """`DIR.colour` beside the folder, also where it is given as `.` or `..`."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise MediaError(f"there is no place beside {folder}; name an output folder with -o")
    return named.with_name(f"{named.name}{INFIX}")


def _sources(folder: Path) -> list[Path]:
    try:
        sources = sorted(path for path in folder.iterdir() if _is_input(path))
    except OSError as error:
        raise MediaError(
            f"cannot read the folder {folder} ({error.strerror}); give one that is there"
        ) from error
    if not sources:
        raise MediaError(f"{folder} holds no picture and no film; subfolders are not looked into")
    return sources


def _is_input(path: Path) -> bool:
    return path.suffix.lower() in FILMS | PICTURES and not path.name.startswith(".")


def _name_in_folder(source: Path, options: Options) -> str:
    """The source's own name, with a suffix added where its format cannot be written: unique either way."""
    suffix = source.suffix
    if suffix.lower() in FILMS:
        suffix = film_suffix(source, options.encoder)
    return source.name if suffix == source.suffix else source.name + suffix


def _picture_suffix(source: Path) -> str:
    return source.suffix if source.suffix.lower() in PICTURES else ".png"


def _default_film(source: Path, options: Options, console: Console) -> Path:
    suffix = film_suffix(source, options.encoder)
    target = default_output(source, suffix)
    if suffix != source.suffix:
        what = options.encoder.codec or "the coloured film"
        console.note(
            f"{source.suffix or 'a file without suffix'} cannot hold {what}: it goes into {target.name}"
        )
    return target


def _check_source(source: Path) -> None:
    """Tell what is plainly wrong with an input before a model is loaded."""
    if not source.exists():
        raise MediaError(f"no file at {source}; give one that is there")
    if source.is_dir():
        raise MediaError(f"{source} is a folder; colour all it holds with --input-dir")
