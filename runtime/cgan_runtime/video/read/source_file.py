"""The file that a video is read from, watched for changes while it is read.

    with SourceFile(Path("video.mp4")) as source:
        print(source.fingerprint)
        source.check()                                  # now and then; cheap while nobody writes to the file

A file that was cut off from the start is read as far as it goes. One that is cut off during the run may
come back, so the run ends with an error and keeps what it has done.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import BinaryIO

from cgan_runtime.errors import MediaError
from cgan_runtime.files.storage import storage_errors

_SAMPLE = 1 << 20  # bytes at the start, middle and end of a file that make its fingerprint


class SourceFile(AbstractContextManager["SourceFile"]):
    """A video file, held open so that it stays readable when it is removed or replaced."""

    def __init__(self, path: Path) -> None:
        """Open a file; a MediaError if it is missing, a folder, empty, or cannot be read."""
        if path.is_dir():
            raise MediaError(f"{path} is a folder; color all it holds with --input-dir")
        self._path = path
        with ExitStack() as opened, storage_errors("read", path, "give a video that is there"):
            self._file: BinaryIO = opened.enter_context(path.open("rb"))
            self._size = self._file.seek(0, os.SEEK_END)
            self._written = self._last_write()
            self.fingerprint = self._digest()  # differs between videos, but not between copies of one
            if not self._size:
                raise MediaError(f"{path} is empty; give a video")
            opened.pop_all()

    def check(self, *, closely: bool = False) -> None:
        """Refuse to go on with a file that has changed, with a MediaError. One that only grew has not.

        With `closely` the content is compared even if no write is known.
        """
        written = self._last_write()
        if self._written is None or (written == self._written and not closely):
            return
        try:
            same = self._digest() == self.fingerprint
        except OSError:
            same = False
        if not same:
            raise MediaError(
                f"{self._path} was changed, cut off or taken away while it was read; put it back as it was"
            )
        self._written = written

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _last_write(self) -> tuple[int, int] | None:
        """Size and time of the last write; None for remote storage, which is not watched."""
        try:
            state = os.fstat(self._file.fileno())
        except OSError:
            return None
        return state.st_size, state.st_mtime_ns

    def _digest(self) -> str:
        """SHA-256 of the size and three stretches. The date is left out because copying changes it."""
        digest = hashlib.sha256(str(self._size).encode())
        for start in (0, max(0, (self._size - _SAMPLE) // 2), max(0, self._size - _SAMPLE)):
            self._file.seek(start)
            digest.update(self._file.read(min(_SAMPLE, self._size - start)))
        return digest.hexdigest()
