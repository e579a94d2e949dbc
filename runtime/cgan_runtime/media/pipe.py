"""Standard output as the place of a film.

pipe = OutputPipe(".y4m")
with av.open(pipe, "w", format="yuv4mpegpipe") as container: ...
print(pipe.written)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from cgan_runtime.errors import MediaError

PIPE = "-"
"""Names standard input and standard output."""


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
            raise MediaError(f"{self} is a terminal; send the film through a pipe, or name a file with -o")
