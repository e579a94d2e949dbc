"""Standard input and standard output as the place of a video.

pipe = InputPipe(0)
with av.open(pipe) as container: ...
pipe.wake()                                         # in another thread: the video ends here

pipe = OutputPipe(".y4m")
with av.open(pipe, "w", format="yuv4mpegpipe") as container: ...
print(pipe.written)
"""

from __future__ import annotations

import io
import os
import select
import sys
from dataclasses import dataclass

from cgan_runtime.errors import MediaError

PIPE = "-"
"""Names standard input and standard output."""


class InputPipe(io.FileIO):
    """A pipe whose read can be ended from another thread; on Windows, only once something comes."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "rb", closefd=False)
        self._woken, self._waker = os.pipe()

    def read(self, size: int | None = -1) -> bytes:
        """Some bytes, none at the end of the pipe or once it was woken."""
        if sys.platform != "win32":  # which selects only sockets
            ready, _, _ = select.select([self.fileno(), self._woken], [], [])
            if self._woken in ready:
                return b""
        return super().read(-1 if size is None else size) or b""

    def wake(self) -> None:
        """End the wait for more, now and for ever."""
        os.write(self._waker, b"!")

    def close(self) -> None:
        """Let go of it; what it reads stays open."""
        if not self.closed:
            os.close(self._woken)
            os.close(self._waker)
        super().close()


@dataclass
class OutputPipe:
    """Standard output, written without a buffer of its own. It does some of what is asked of a path.

    Attributes:
        suffix: Chooses the container, as that of a file does.
        written: Bytes.
    """

    suffix: str
    written: int = 0
    name: str = PIPE

    def __str__(self) -> str:
        return "standard output"

    def write(self, data: bytes) -> int:
        """Hand bytes on, all of them."""
        left = memoryview(data)
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]
        self.written += len(data)
        return len(data)

    def check(self) -> None:
        """Refuse a pipe that leads nowhere.

        Raises:
            MediaError: Standard output is a terminal.
        """
        if sys.stdout.isatty():
            raise MediaError(f"{self} is a terminal; send the video through a pipe, or name a file with -o")
