"""Where a result goes, and that it appears only when it is complete.

target = default_output(Path("film.avi"), ".mkv")
check_output(target, source=Path("film.mp4"), overwrite=False)
with replacing(target) as temporary: ...           # write there; on success it takes the target's name
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cgan_runtime.errors import MediaError
from cgan_runtime.media.numbered import Numbered
from cgan_runtime.media.pipe import OutputPipe

INFIX = ".colour"
"""Put between stem and suffix of an input to name its output."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
"""Suffixes of pictures that are read and written."""

WRITTEN_FILMS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".y4m": "yuv4mpegpipe",
    ".yuv": "rawvideo",
}
"""Suffixes of films that are written, and FFmpeg's name of their container. The last two hold bare pictures.

Not avi: it has no presentation times, and readers show H.264 in it one frame too late.
"""

FILMS = (frozenset(WRITTEN_FILMS) - {".yuv"}) | {
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
    ".vob", ".wmv",
}  # fmt: skip
"""Suffixes of films that are read; .yuv does not say what it holds."""


def is_numbered(target: Path | OutputPipe) -> bool:
    """Whether a film becomes numbered pictures there."""
    return isinstance(target, Path) and target.suffix.lower() in PICTURES and Numbered.of(target) is not None


def default_output(source: Path, suffix: str) -> Path:
    """`film.mp4` -> `film.colour.mp4`, beside the input."""
    return source.with_name(f"{source.stem}{INFIX}{suffix}")


def check_output(
    target: Path | OutputPipe, *, source: Path | None, overwrite: bool, option: str = "-o"
) -> None:
    """Refuse an output that could not be written, before any work is done.

    Args:
        target: The output.
        source: The input; None where that is no file.
        overwrite: Allow a file to exist.
        option: Of the command line that names it, for the message.

    Raises:
        MediaError: Its folder is missing or not writable, it is the input, a folder, or exists already.
    """
    if isinstance(target, OutputPipe):
        return target.check()
    folder = target.parent
    if not folder.is_dir():
        raise MediaError(
            f"no folder {folder} to write {target.name} into; make it, or name another with {option}"
        )
    if target.is_dir():
        raise MediaError(f"the output {target} is a folder; name a file with {option}")
    if target.exists():
        if source is not None and source.exists() and target.samefile(source):
            raise MediaError(f"the output {target} is the input itself; name another file with {option}")
        if not overwrite:
            raise MediaError(
                f"{target} exists already; name another file with {option}, or allow it with --overwrite"
            )
    probe = temporary_for(target)
    try:
        try:
            probe.touch(exist_ok=False)
        finally:  # Ctrl-C in this moment, too, leaves nothing
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot write into {folder} ({error.strerror}); name another folder with {option}"
        ) from error


def check_json(path: Path, option: str) -> None:
    """Refuse a place for JSON that is none, before any work is done; a film is never named so.

    Raises:
        MediaError: Its name does not end in .json, or it could not be written.
    """
    if path.suffix.lower() != ".json":
        raise MediaError(f"{option} writes JSON; let {path} end in .json")
    if isinstance(path, Path):  # else it is storage by URL
        check_output(path, source=None, overwrite=True, option=option)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Lend the name of a temporary sibling, which takes the target's name at the end; any error removes it.

    Raises:
        MediaError: The finished file cannot take the target's name.
    """
    target = target.resolve()  # a link stays a link
    temporary = temporary_for(target)
    try:
        yield temporary
        publish(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def publish(finished: Path, target: Path, *, overwrite: bool = True) -> None:
    """Let a finished file take the target's name.

    Raises:
        MediaError: It cannot, or something has appeared there and is not to be replaced.
    """
    try:
        if overwrite:
            os.replace(finished, target)  # noqa: PTH105 (named as the contract names it)
        else:
            _give_name(finished, target)
    except FileExistsError:
        raise MediaError(
            f"{target} has appeared meanwhile; move it away and go on with --resume, or replace it with "
            "--resume --overwrite"
        ) from None
    except OSError as error:
        raise MediaError(f"cannot write {target} ({error.strerror}); name another file with -o") from error


def _give_name(finished: Path, target: Path) -> None:
    """Name a file where there is none yet."""
    try:
        os.link(finished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        finished.replace(target)
    else:
        finished.unlink()


def temporary_for(target: Path) -> Path:
    """A hidden, unused name beside the target, with its suffix, by which encoders choose the format."""
    return target.with_name(f".cgan-{secrets.token_hex(6)}{target.suffix}")
