"""Work that no later run can go on with: the output is a pipe, or the input comes only once.

    with NonResumableOutput(target) as work:
        ...                                             # write to work.video
        work.publish()                                  # a file takes the target's name

Does what `segments.Work` does, and keeps nothing.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from cgan_runtime.files.atomic import publish, temporary_for
from cgan_runtime.files.pipe import OutputPipe


class NonResumableOutput:
    """The making of one video, from its first frame to its last.

    Attributes:
        video: Where the output is written.
        kept_frames: Of an earlier run: none.
        memory: Of its painter: nothing.
    """

    kept_frames = 0
    memory = b""

    def __init__(self, target: Path | OutputPipe) -> None:
        self._target = target if isinstance(target, OutputPipe) else target.resolve()  # a link stays a link
        self.video = target if isinstance(self._target, OutputPipe) else temporary_for(self._target)

    def __enter__(self) -> NonResumableOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.video, Path):
            self.video.unlink(missing_ok=True)

    def discard(self) -> None:
        """Keep nothing, as ever."""

    def publish(self) -> None:
        """Give the finished video its name.

        Raises:
            MediaError: It cannot take that name.
        """
        if isinstance(self.video, Path) and isinstance(self._target, Path):
            publish(self.video, self._target)
