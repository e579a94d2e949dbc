"""Temporary folders: one whose errors name it, since its disk is not the output's, and one for weeks.

with temporary_folder() as folder: ...
with swept_folder() as folder: ...      # removes first what killed processes have left
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cgan_runtime.errors import ConfigError
from cgan_runtime.files.locks import FileLock

_FULL = 1 << 20  # free bytes of a disk that is full: errors of writing name no file


@contextmanager
def temporary_folder(prefix: str = "cgan-") -> Iterator[Path]:
    """Make a folder for temporary files, and remove it.

    Raises:
        ConfigError: It cannot be made or written, or its disk is full.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix=prefix)
    except OSError as error:
        raise _error(error) from error
    with made as name:
        folder = Path(name)
        try:
            yield folder
        except OSError as error:
            inside = isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)
            full = error.errno == errno.ENOSPC and error.filename is None
            if inside or (full and shutil.disk_usage(folder).free < _FULL):
                raise _error(error) from error
            raise


@contextmanager
def swept_folder(prefix: str = "cgan-live-") -> Iterator[Path]:
    """Make a folder for temporary files, and remove it; before, remove those of this user whose processes are gone.

    A process locks its folder, and the lock ends with the process, even if it is killed.
    """
    if sys.platform != "win32":
        _sweep(prefix)
    with ExitStack() as opened:
        while True:
            made = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
            folder = Path(opened.enter_context(made))
            with suppress(FileNotFoundError, BlockingIOError):  # another process has swept it away before the lock
                opened.enter_context(FileLock(folder))
                if folder.is_dir():
                    break
        yield folder


def _sweep(prefix: str) -> None:
    """Remove the folders of this user that nobody has locked; none where the system knows no locks."""
    for folder in Path(tempfile.gettempdir()).glob(prefix + "[a-z0-9_]" * 8):  # as `tempfile` names them
        with suppress(OSError):  # its process works, or it is gone by now
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                with FileLock(folder) as lock:
                    if lock.held:
                        shutil.rmtree(folder)


def _error(error: OSError) -> ConfigError:
    try:
        where = f"the folder for temporary files, {tempfile.gettempdir()},"
    except OSError:
        where = "any folder for temporary files"
    return ConfigError(
        f"cannot write into {where} ({error.strerror or error}); free some space there, or name another "
        "folder with the variable TMPDIR"
    )
