"""Where a colored video goes: a file, a stream such as standard output, or an image sequence.

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
from typing import Any, BinaryIO

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import draft_name, is_stream, open_stream, real_path, regular_file
from cgan_runtime.files.formats import IMAGES, WRITTEN_VIDEOS
from cgan_runtime.files.image_sequence import ImageSequence
from cgan_runtime.files.names import fitting_name
from cgan_runtime.files.storage import is_remote, storage_errors

INFIX = ".color"
"""The text between stem and suffix of an input that makes the name of its output."""


class Output:
    """A place for one video, used once. This base is for videos that need no draft.

    Attributes:
        path: The file or the pattern of an image sequence; None for a stream.
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
        self.destination = self._target = real_path(path)  # a link stays a link

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
    """Standard output, a named pipe or a device, written without a buffer."""

    def __init__(self, suffix: str, stream: Path | None = None) -> None:
        """Take the suffix of the format, and the stream; None is standard output."""
        super().__init__(None, suffix)
        self.destination, self._stream = self, stream
        self._file: BinaryIO | None = None

    def __str__(self) -> str:
        return str(self._stream or "standard output")

    def begin(self, folder: Path | None = None) -> None:
        """Open the stream. A named pipe waits for its reader."""
        if self._stream is not None:
            with storage_errors("write", self._stream, "name another output with -o"):
                self._file = open_stream(self._stream)

    def write(self, data: bytes) -> int:
        """Write all bytes; FFmpeg calls this."""
        left = memoryview(data)
        while left:
            left = left[os.write((self._file or sys.stdout).fileno(), left) :]
        self.size += len(data)
        return len(data)

    def publish(self, *, overwrite: bool = True) -> None:
        """End the stream."""
        self.discard()

    def discard(self) -> None:
        """Close the stream; standard output stays open."""
        if self._file is not None:
            self._file.close()

    def check(self, *, source: Path | None, overwrite: bool) -> None:
        """Refuse a terminal, and a stream that cannot be written."""
        if self._stream is not None:
            check_output(self._stream, source=source, overwrite=overwrite)
        if (self._stream is None and sys.stdout.isatty()) or _is_terminal(self._stream):
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
    if is_stream(target):
        return pipe_output(target)
    images = ImageSequence.of(target) if target.suffix.lower() in IMAGES else None
    return FileOutput(target) if images is None else ImageSequenceOutput(target, images)


def pipe_output(stream: Path | None, container: str | None = None) -> PipeOutput:
    """The output of a video into a stream, in the format that is asked for, that of its name, or y4m."""
    suffix = stream.suffix if stream is not None and stream.suffix.lower() in WRITTEN_VIDEOS else ".y4m"
    return PipeOutput(suffix if container is None else f".{container}", stream)


def is_image_sequence(target: Path) -> bool:
    """Whether a path is the pattern of an image sequence."""
    return output_for(target).images is not None


def default_output(source: Path, suffix: str, folder: Path | None = None) -> Path:
    """The output beside an input, or in a folder: `video.mp4` becomes `video.color.mp4`."""
    return (folder or source.parent) / fitting_name(source.stem, f"{INFIX}{suffix}")


def check_output(target: Path, *, source: Path | None, overwrite: bool, option: str = "-o") -> None:
    """Refuse a file that cannot be written, before any work is done.

    Args:
        target: The file.
        source: The input; None if that is no file.
        overwrite: Allow the file to exist.
        option: The option that names it, for the message.

    Raises:
        MediaError: Its folder is missing or not writable, it is the input, it exists, or it is no file and no
            stream.
    """
    missing = "no folder {} to write {} into; make it, or name another with {}"
    if not target.parent.is_dir():
        raise MediaError(missing.format(target.parent, target.name, option))
    with storage_errors("write", target, f"name a file with {option}"):
        file = regular_file(target)
    if source is not None and source.exists() and target.exists() and target.samefile(source):
        raise MediaError(f"the output {target} is the input itself; name another file with {option}")
    if file is None:  # not opened: a named pipe would wait for its reader
        if target.exists() and not os.access(target, os.W_OK):
            raise MediaError(f"cannot write {target} (permission denied); name a file with {option}")
        return
    if not file.parent.is_dir():  # a link may lead elsewhere
        raise MediaError(missing.format(file.parent, file.name, option))
    if not overwrite and file.exists():
        raise MediaError(f"{target} exists already; name another file with {option}, or allow it with --overwrite")
    probe = draft_name(file)
    folder = file.parent if target.is_symlink() else target.parent
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
    plain = is_remote(path) or not is_stream(path)
    if plain and path.suffix.lower() != ".json":  # so that no video is overwritten by mistake
        raise MediaError(f"{option} writes JSON; let {path} end in .json")
    if not is_remote(path):
        check_output(path, source=None, overwrite=True, option=option)


def _is_terminal(stream: Path | None) -> bool:
    """Whether a stream is a terminal; it may have no reader yet, so only devices are opened."""
    if stream is None or not stream.is_char_device():
        return False
    with storage_errors("write", stream, "name a file with -o"), open_stream(stream) as file:
        return file.isatty()


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
