"""Where a result goes, and that it appears only when it is complete.

target = default_output(Path("video.avi"), ".mkv")
check_output(target, source=Path("video.mp4"), overwrite=False)
with replacing(target) as temporary: ...           # write there; on success it takes the target's name
"""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import temporary_for
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.image_sequence import Numbered
from cgan_runtime.files.pipe import OutputPipe

INFIX = ".color"
"""Put between stem and suffix of an input to name its output."""


def is_numbered(target: Path | OutputPipe) -> bool:
    """Whether a video becomes numbered images there."""
    return isinstance(target, Path) and target.suffix.lower() in IMAGES and Numbered.of(target) is not None


def default_output(source: Path, suffix: str) -> Path:
    """`video.mp4` -> `video.color.mp4`, beside the input."""
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
    """Refuse a place for JSON that is none, before any work is done; a video is never named so.

    Raises:
        MediaError: Its name does not end in .json, or it could not be written.
    """
    if path.suffix.lower() != ".json":
        raise MediaError(f"{option} writes JSON; let {path} end in .json")
    if isinstance(path, Path):  # else it is storage by URL
        check_output(path, source=None, overwrite=True, option=option)
