"""A file that reaches the disk every few seconds, and that never fills it.

file = SyncedFile(descriptor, folder)
file.write(data)
file.lack                                            # not empty: end the file now
check_room(folder)                                   # before it is begun
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from cgan_runtime.errors import MediaError

SYNC_SECONDS = 2.0  # a power failure loses at most this much
RESERVE = 500_000_000  # bytes of the disk that are left to everything else
_MEGABYTE = 1_000_000


class SyncedFile:
    """An open file, by its descriptor, in a folder; None for a stream, which has no disk."""

    def __init__(self, descriptor: int, folder: Path | None) -> None:
        self.bytes = 0  # written so far
        self.lack = ""  # why no more should be written; empty while there is room
        self._descriptor, self._folder = descriptor, folder
        self._synced = time.monotonic()

    def write(self, data: bytes) -> int:
        """Write all of it; look at the disk every few seconds."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]
        self.bytes += len(data)
        if self._folder is not None and time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._descriptor)
            self._synced = time.monotonic()
            self.lack = lack_of_room(self._folder)
        return len(data)


def lack_of_room(folder: Path) -> str:
    """What to say when the disk of a folder is nearly full; empty when it is not."""
    free = shutil.disk_usage(folder).free
    if free >= RESERVE:
        return ""
    return f"the disk of {folder.absolute()} has only {free // _MEGABYTE} MB left, and {RESERVE // _MEGABYTE} stay free"


def check_room(folder: Path) -> None:
    """Refuse to begin a file in a folder whose disk is nearly full; a MediaError."""
    if lack := lack_of_room(folder):
        raise MediaError(f"{lack}: nothing is recorded; make room there, or record elsewhere")
