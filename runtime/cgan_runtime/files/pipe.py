"""Standard input or a named pipe as a video. Standard output is `PipeOutput` in output.py.

pipe = InputPipe(0)
with av.open(pipe) as container: ...
pipe.wake()                                         # from another thread: the video ends here
"""

from __future__ import annotations

import io
import os
import select
import sys

PIPE = "-"
"""The name of standard input and standard output on the command line."""


class InputPipe(io.FileIO):
    """A pipe whose read another thread can end. On Windows the read ends only when data comes."""

    def __init__(self, descriptor: int, *, own: bool = False) -> None:
        """Take the descriptor of an open file, which is closed with the pipe if it is its `own`."""
        super().__init__(descriptor, "rb", closefd=own)
        self._wake_reader, self._wake_writer = os.pipe()

    def read(self, size: int | None = -1) -> bytes:
        """Some bytes; none at the end of the pipe and after `wake`."""
        if sys.platform != "win32":  # there `select` takes only sockets
            ready, _, _ = select.select([self.fileno(), self._wake_reader], [], [])
            if self._wake_reader in ready:
                return b""
        return super().read(-1 if size is None else size) or b""

    def wake(self) -> None:
        """End the current read and all later ones."""
        os.write(self._wake_writer, b"!")

    def close(self) -> None:
        """Stop using the pipe."""
        if not self.closed:
            os.close(self._wake_reader)
            os.close(self._wake_writer)
        super().close()
