"""What `cgan-run --input-dir` does: every picture and film of a folder, one after another.

exit_code = run_folder(Path("photos"), options, console)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.console import EXIT_ERROR, Console, print_error
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.jobs import colour_one_film, colour_one_picture, open_colorizer, write_film_stats
from cgan_runtime.media.target import FILMS, INFIX, PICTURES, film_suffix
from cgan_runtime.run_options import RunOptions

if TYPE_CHECKING:  # it would load PyAV
    from cgan_runtime.pipeline import FilmResult


def run_folder(folder: Path, options: RunOptions, console: Console) -> int:
    """Colour all that can be coloured; a failure is told and does not stop the rest.

    Returns:
        The exit code: 0 if nothing failed.

    Raises:
        MediaError: The folder cannot be read, or the one for the results not be made.
    """
    sources = _sources(folder)
    results = options.files.output or _default_folder(folder)
    _make_folder(results, folder)
    failed = skipped = 0
    films: list[FilmResult] = []
    with open_colorizer(options, console) as colorizer:
        for source in sources:
            still = source.suffix.lower() in PICTURES
            target = results / _name_in_folder(source, options)
            if target.exists() and not options.files.overwrite:
                skipped += 1
                continue
            try:
                if still:
                    colour_one_picture(source, target, colorizer, options, console)
                else:
                    films.append(colour_one_film(source, target, colorizer, options, console))
            except CganError as error:
                failed += 1
                print_error(str(error))
    write_film_stats(options, films)
    done = len(sources) - failed - skipped
    summary = [f"{done} of {len(sources)} coloured into {results}"]
    summary += [f"{skipped} were there already (--overwrite makes them again)"] if skipped else []
    summary += [f"{failed} failed"] if failed else []
    console.result(", ".join(summary))
    return EXIT_ERROR if failed else 0


def _make_folder(results: Path, folder: Path) -> None:
    if results.resolve() == folder.resolve():
        raise MediaError(f"the output folder {results} is the input itself; name another with -o")
    try:
        results.mkdir(exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot make the folder {results} ({error.strerror}); name another with -o"
        ) from error


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


def _name_in_folder(source: Path, options: RunOptions) -> str:
    """The source's own name, with a suffix added where its format cannot be written: unique either way."""
    suffix = source.suffix
    if suffix.lower() in FILMS:
        suffix = film_suffix(source, options.encoder)
    return source.name if suffix == source.suffix else source.name + suffix
