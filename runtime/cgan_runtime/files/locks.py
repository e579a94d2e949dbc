"""Locks on files and folders, so that two processes do not work in the same place.

with FileLock(Path("runs/x")): ...     # BlockingIOError: another process holds it

The operating system ends a lock when its process ends, even if the process is killed.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]


class FileLock(AbstractContextManager["FileLock"]):
    """A lock on a file or folder, acquired when it is made.

    Attributes:
        held: Whether it is locked. False after `release`, and where the system knows no locks.
    """

    def __init__(self, path: Path, *, shared: bool = False, wait: bool = False) -> None:
        """Acquire the lock, alone or shared with others that share it.

        Raises:
            BlockingIOError: Another process holds it, and `wait` is off.
            OSError: There is no such file or folder.
        """
        self._handle: int | None = None
        if fcntl is None:
            return
        self._handle = os.open(path, os.O_RDONLY)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._handle, mode if wait else mode | fcntl.LOCK_NB)
        except BaseException as error:  # Ctrl-C during a wait, too
            self.release()
            if not isinstance(error, OSError) or isinstance(error, BlockingIOError):
                raise  # any other OSError: the file system knows no locks

    @property
    def held(self) -> bool:  # noqa: D102
        return self._handle is not None

    def release(self) -> None:
        """Let others have it. A second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __exit__(self, *_: object) -> None:
        self.release()
