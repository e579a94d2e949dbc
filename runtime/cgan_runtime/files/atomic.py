"""The one writer of all outputs: a file appears under its name only when it is complete.

with replacing(Path("out.mp4")) as draft: ...     # write to draft; on success it is renamed
write_file(Path("out.json"), text)                # the same for content that is in memory

Links are followed. Devices, named pipes and /dev/stdout are streams: they are written to, never replaced.
Folders, sockets and disks are refused.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cgan_runtime.files.temporary import temporary_folder

_MAX_LINKS = 40
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(\d+)(/task/\d+)?/fd")  # folders of a process's open files


def regular_file(target: Path) -> Path | None:
    """The file that a name leads to, through all links; it may not exist yet. None for a stream.

    Raises:
        OSError: It is anything that cannot be written like a file, or links lead in a circle.
    """
    if _descriptor(target) is not None:
        return None
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(target))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is a {'disk' if stat.S_ISBLK(mode) else 'socket'}", str(target))
    return real_path(target)


def real_path(path: Path) -> Path:
    """The absolute path without links; a circle of links stays as it is, where `Path.resolve` raises."""
    return Path(os.path.realpath(path))


def is_stream(target: Path) -> bool:
    """Whether a name leads to a device, a named pipe, or an open file of this process such as /dev/stdout."""
    with suppress(OSError):
        return regular_file(target) is None
    return False


def open_stream(target: Path, *, wait: bool = True) -> BinaryIO:
    """Open a stream for writing. A named pipe waits for its reader, unless `wait` is off.

    Raises:
        OSError: It cannot be opened; with ENXIO, a named pipe has no reader yet.
    """
    number = _descriptor(target)
    if number is None:
        flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | (0 if wait else getattr(os, "O_NONBLOCK", 0))
        number = os.open(target, flags)
        if not wait:
            os.set_blocking(number, True)
        return os.fdopen(number, "wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(number), "wb")  # the same place in the file; sockets cannot be opened by name


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of a draft beside the target. On success the draft is renamed, on any error removed.

    The draft for a stream lies in the folder for temporary files, and is copied to it.

    Raises:
        OSError: The draft cannot be renamed, or the target is refused.
    """
    file = regular_file(target)
    if file is None:
        with temporary_folder() as folder:
            draft = folder / f"draft{target.suffix}"
            yield draft
            with draft.open("rb") as content, open_stream(target) as stream:
                shutil.copyfileobj(content, stream)
        return
    draft = draft_name(file)
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def write_file(target: Path, content: str | bytes) -> None:
    """Write a file at once. Text is written as UTF-8; parts of file names that are no text become escapes.

    Raises:
        OSError: The file cannot be written.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    if regular_file(target) is None:
        with open_stream(target) as stream:
            stream.write(data)
        return
    with replacing(target) as draft:
        draft.write_bytes(data)


def draft_name(target: Path) -> Path:
    """A hidden, unused name beside the target, with the target's suffix: encoders choose the format by it."""
    return target.with_name(f".cgan-{secrets.token_hex(6)}{target.suffix}")


def _descriptor(target: Path) -> int | None:
    """The number of the open file of this process that a name such as /dev/stdout leads to."""
    path = os.fspath(target)
    for _ in range(_MAX_LINKS):
        folder, name = os.path.realpath(os.path.dirname(path)), os.path.basename(path)  # noqa: PTH119, PTH120
        match = _DESCRIPTORS.fullmatch(folder)
        if match and name.isdecimal() and match[1] in (None, str(os.getpid())):
            return int(name)
        try:
            path = os.path.join(folder, os.readlink(os.path.join(folder, name)))  # noqa: PTH115, PTH118
        except OSError:
            return None
    return None
