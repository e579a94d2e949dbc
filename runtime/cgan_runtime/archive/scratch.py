"""Temporary folders of archives, which outlive no process: what killed ones have left goes with the next.

folder = claim(Path(tempfile.gettempdir()) / "cgan-1234")    # made; ours for as long as this process lives
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where they stay
    fcntl = None  # type: ignore[assignment]

PREFIX = "cgan-"
"""Of all their names."""

_MARK = ".in-use"  # locked by each process that uses the folder; locks end with their processes


def claim(folder: Path) -> Path:
    """Make a temporary folder, or share it with others that use it, and remove abandoned ones."""
    for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_MARK}"):
        if other.parent != folder and not _is_in_use(other):
            shutil.rmtree(other.parent, ignore_errors=True)
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is not None:
            mark = os.open(folder / _MARK, os.O_CREAT | os.O_RDWR, 0o600)  # open until the process ends
            fcntl.flock(mark, fcntl.LOCK_SH)
        if fcntl is None or (folder / _MARK).exists():  # else somebody has just removed it as abandoned
            return folder


def _is_in_use(mark: Path) -> bool:
    """Whether a process still lives that has claimed a folder; yes where that cannot be told."""
    if fcntl is None:
        return True
    with suppress(OSError), mark.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    return True
