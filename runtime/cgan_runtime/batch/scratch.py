"""Temporary folders that do not outlive their processes: the next process removes those of killed ones.

folder = claim(Path(tempfile.gettempdir()) / "cgan-1234")    # ours as long as this process lives
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from cgan_runtime.files.locks import FileLock

PREFIX = "cgan-"  # of the names of all temporary folders
_MARK = ".in-use"  # locked by each process that uses the folder; a lock ends with its process


def claim(folder: Path) -> Path:
    """Make a temporary folder, or share it with processes that use it; remove abandoned ones."""
    for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_MARK}"):
        if other.parent != folder and not _is_in_use(other):
            shutil.rmtree(other.parent, ignore_errors=True)
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process has just removed it as abandoned
            (folder / _MARK).touch(0o600)
            FileLock(folder / _MARK, shared=True, wait=True)  # until the process ends
            if (folder / _MARK).exists():
                return folder


def _is_in_use(mark: Path) -> bool:
    """Whether a living process has claimed a folder; yes if that is unknown."""
    try:
        with FileLock(mark) as lock:
            return not lock.held
    except OSError:
        return True
