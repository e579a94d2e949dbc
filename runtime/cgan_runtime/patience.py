"""Ctrl-C at a film, once: what is being made is finished up to where a later run can go on; twice: at once.

with Patience(kept_frames, progress, told) as patience:
    run_stages(patience.until_border(reader), Painter(..., patience.progress), ...)
    print(patience.stopped)                         # whether the film was left at such a border
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any

import av

from cgan_runtime.media.segments import SEGMENT_FRAMES
from cgan_runtime.painter import Progress

Told = Callable[[int], None]
"""Told that Ctrl-C was pressed, and how many frames more are coloured at most."""


class Patience:
    """Takes the first Ctrl-C for a request, from the first coloured frame on. Used in the main thread.

    Attributes:
        stopped: Whether the film was left at a border of segments.
    """

    def __init__(self, kept_frames: int, progress: Progress | None, told: Told | None) -> None:
        """Begin.

        Args:
            kept_frames: That an earlier run has done.
            progress: Told of each frame.
            told: Told of Ctrl-C; None leaves that as it is.
        """
        self.stopped = False
        self._kept, self._progress, self._told = kept_frames, progress, told
        self._asked = self._at_work = False
        self._before: Any = None

    def __enter__(self) -> Patience:
        if self._told is not None and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def progress(self, done: int, total: int | None) -> None:
        """Take a coloured frame; pass the news on."""
        self._at_work = done > self._kept
        if self._asked and self._told is not None:
            left = -done % SEGMENT_FRAMES
            self._told(left if total is None else min(left, max(0, total - done)))
            self._told = None
        if self._progress is not None:
            self._progress(done, total)

    def until_border(self, items: Iterable[Any]) -> Iterator[Any]:
        """The frames and packets of a film, up to where the next segment begins once Ctrl-C was pressed."""
        frames = 0
        for item in items:
            if isinstance(item, av.VideoFrame):
                if self._asked and frames % SEGMENT_FRAMES == 0:
                    self.stopped = True
                    return
                frames += 1
            yield item

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked or not self._at_work:
            raise KeyboardInterrupt
        self._asked = True
