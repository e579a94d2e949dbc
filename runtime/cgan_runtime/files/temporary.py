"""A temporary folder whose errors name it, since its disk is not the output's.

with temporary_folder() as folder: ...
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cgan_runtime.errors import ConfigError

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


def _error(error: OSError) -> ConfigError:
    try:
        where = f"the folder for temporary files, {tempfile.gettempdir()},"
    except OSError:
        where = "any folder for temporary files"
    return ConfigError(
        f"cannot write into {where} ({error.strerror or error}); free some space there, or name another "
        "folder with the variable TMPDIR"
    )
