"""Where a colored video goes: a file, standard output or an image sequence.

output = output_for(Path("out.mp4"))              # or frames/%05d.png, or an Output as it is
output.check(source=Path("in.mp4"), overwrite=False)
output.begin()
with av.open(output.destination, "w") as container: ...
output.publish()                                  # the complete file takes its name
print(output, output.size)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import draft_name
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.image_sequence import ImageSequence
from cgan_runtime.files.storage import is_remote, storage_errors

INFIX = ".color"
"""The text between stem and suffix of an input that makes the name of its output."""


class Output:
    """A place for one video, used once. This base is for videos that need no draft.

    Attributes:
        path: The file or the pattern of an image sequence; None for standard output.
        suffix: In lower case; it chooses the container or the format of the images.
        images: The image sequence; None for anything else.
        destination: What FFmpeg writes to.
        size: Bytes that were written.
    """

    images: ImageSequence | None = None
    destination: Any = None

    def __init__(self, path: Path | None, suffix: str) -> None:
        self.path, self.suffix, self.size = path, suffix.lower(), 0

    def __str__(self) -> str:
        return str(self.path)

    def check(self, *, source: Path | None, overwrite: bool) -> None:
        """Refuse an output that cannot be written; arguments and errors as of `check_output`."""
        assert self.path is not None
        check_output(self.path, source=source, overwrite=overwrite)

    def begin(self, folder: Path | None = None) -> None:
        """Choose the name of the draft: in `folder`, by default beside the file."""

    def publish(self, *, overwrite: bool = True) -> None:
        """Give the complete file its name.

        Raises:
            MediaError: It cannot be renamed, or a file has that name and `overwrite` is off.
        """

    def discard(self) -> None:
        """Remove the draft, if there is one."""


class FileOutput(Output):
    """A video file. Before `begin` the destination is the file itself, after it the draft."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.suffix)
        self.destination = self._target = path.resolve()  # a link stays a link

    def begin(self, folder: Path | None = None) -> None:  # noqa: D102
        self.destination = draft_name((folder or self._target.parent) / self._target.name)

    def publish(self, *, overwrite: bool = True) -> None:  # noqa: D102
        with storage_errors("write", self._target, "name another file with -o"):
            if overwrite:
                self.destination.replace(self._target)
            else:
                _rename_new(self.destination, self._target)
            self.size = self._target.stat().st_size

    def discard(self) -> None:  # noqa: D102
        if self.destination != self._target:
            self.destination.unlink(missing_ok=True)


class PipeOutput(Output):
    """Standard output, written without a buffer."""

    def __init__(self, suffix: str) -> None:
        super().__init__(None, suffix)
        self.destination = self

    def __str__(self) -> str:
        return "standard output"

    def write(self, data: bytes) -> int:
        """Write all bytes; FFmpeg calls this."""
        left = memoryview(data)
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]
        self.size += len(data)
        return len(data)

    def check(self, *, source: Path | None, overwrite: bool) -> None:
        """Refuse a terminal."""
        if sys.stdout.isatty():
            raise MediaError(f"{self} is a terminal; send the video through a pipe, or name a file with -o")


class ImageSequenceOutput(Output):
    """One image for each frame. Each appears under its name when it is complete."""

    def __init__(self, pattern: Path, images: ImageSequence) -> None:
        super().__init__(pattern, pattern.suffix)
        self.images = images


def output_for(target: Path | Output) -> Output:
    """The output that a path names; an output is returned as it is."""
    if isinstance(target, Output):
        return target
    images = ImageSequence.of(target) if target.suffix.lower() in IMAGES else None
    return FileOutput(target) if images is None else ImageSequenceOutput(target, images)


def is_image_sequence(target: Path) -> bool:
    """Whether a path is the pattern of an image sequence."""
    return output_for(target).images is not None


def default_output(source: Path, suffix: str) -> Path:
    """The output beside an input: `video.mp4` becomes `video.color.mp4`."""
    return source.with_name(f"{source.stem}{INFIX}{suffix}")


def check_output(target: Path, *, source: Path | None, overwrite: bool, option: str = "-o") -> None:
    """Refuse a file that cannot be written, before any work is done.

    Args:
        target: The file.
        source: The input; None if that is no file.
        overwrite: Allow the file to exist.
        option: The option that names it, for the message.

    Raises:
        MediaError: Its folder is missing or not writable, it is the input or a folder, or it exists.
    """
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
    probe = draft_name(target)
    with storage_errors("write into", folder, f"name another folder with {option}"):
        try:
            probe.touch(exist_ok=False)
        finally:  # also after Ctrl-C
            probe.unlink(missing_ok=True)


def check_json(path: Path, option: str) -> None:
    """Refuse a file for JSON that cannot be written, before any work is done.

    Raises:
        MediaError: Its name does not end in .json, or `check_output` refuses it.
    """
    if path.suffix.lower() != ".json":  # so that no video is overwritten by mistake
        raise MediaError(f"{option} writes JSON; let {path} end in .json")
    if not is_remote(path):
        check_output(path, source=None, overwrite=True, option=option)


def _rename_new(draft: Path, target: Path) -> None:
    """Rename a file where there is none yet."""
    try:
        os.link(draft, target)
    except OSError as error:  # also a file system without links
        if isinstance(error, FileExistsError) or target.exists():
            raise MediaError(
                f"{target} has appeared during the run; move it away and run again with --resume, or replace "
                "it with --resume --overwrite"
            ) from None
        draft.replace(target)
    else:
        draft.unlink()
