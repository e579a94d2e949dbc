"""The file that a video is read from, and whether it still is what it was when reading began.

    with Original(Path("video.mp4")) as original:
        print(original.fingerprint)
        original.check()                                # now and then; cheap while nobody writes to it

A video that is cut off has always been so, and is read as far as it goes; one that is cut off meanwhile comes
back, perhaps, and what is made of it until then is to be gone on with.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cgan_runtime.errors import MediaError

_SAMPLE = 1 << 20  # bytes of a video's start, middle and end that tell it from others


class SourceFile:
    """A video's file, held open: what is removed, or replaced by another under its name, stays.

    Attributes:
        fingerprint: Tells it from other videos, not from copies.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            MediaError: It is missing, a folder, empty, or cannot be read.
        """
        if path.is_dir():
            raise MediaError(f"{path} is a folder; color all it holds with --input-dir")
        self._path = path
        with ExitStack() as opened:
            try:
                self._file: BinaryIO = opened.enter_context(path.open("rb"))
                self._size = self._file.seek(0, os.SEEK_END)
                self._written = self._last_write()
                self.fingerprint = self._digest()
            except OSError as error:
                raise MediaError(
                    f"cannot read {path} ({error.strerror}); give a video that is there"
                ) from error
            if not self._size:
                raise MediaError(f"{path} is empty; give a video")
            opened.pop_all()

    def check(self, *, closely: bool = False) -> None:
        """Refuse to go on with what has changed. A file that only grows has not.

        Args:
            closely: Look into it even if nobody seems to have written to it.

        Raises:
            MediaError: It is another video now, or cannot be read any more.
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

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _last_write(self) -> tuple[int, int] | None:
        """Size and time of the last write; None of what is no file of this machine, which is not watched."""
        try:
            state = os.fstat(self._file.fileno())
        except OSError:
            return None
        return state.st_size, state.st_mtime_ns

    def _digest(self) -> str:
        """Of the size and three stretches, not of the date, which copying changes."""
        digest = hashlib.sha256(str(self._size).encode())
        for start in (0, max(0, (self._size - _SAMPLE) // 2), max(0, self._size - _SAMPLE)):
            self._file.seek(start)
            digest.update(self._file.read(min(_SAMPLE, self._size - start)))
        return digest.hexdigest()
