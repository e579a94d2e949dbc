"""Ctrl-C at a video, once: what is being made is finished up to where a later run can go on; twice: at once.

with Patience(kept_frames, progress, on_stop) as patience:
    run_stages(patience.until_border(reader), ColorStage(..., patience.progress), ...)
    print(patience.stopped)                         # whether the video was left at such a border
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any

import av

from cgan_runtime.callbacks import ProgressCallback, StopCallback
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES


class GracefulStop:
    """Takes the first Ctrl-C for a request, from the first colored frame on. Used in the main thread.

    Attributes:
        stopped: Whether the video was left at a border of segments.
    """

    def __init__(
        self, kept_frames: int, progress: ProgressCallback | None, on_stop: StopCallback | None
    ) -> None:
        """Begin.

        Args:
            kept_frames: That an earlier run has done.
            progress: Called at each frame.
            on_stop: Called at Ctrl-C; None leaves that as it is.
        """
        self.stopped = False
        self._kept, self._progress, self._on_stop = kept_frames, progress, on_stop
        self._at_work = False
        self._read = 0  # frames; they are read ahead of those that are done
        self._border: int | None = None  # where to stop, once that is asked for
        self._settled = threading.Lock()
        self._before: Any = None

    def __enter__(self) -> GracefulStop:
        if self._on_stop is not None and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def progress(self, done: int, total: int | None) -> None:
        """Take a colored frame; pass the news on."""
        self._at_work = done > self._kept
        if self._border is not None and self._on_stop is not None:
            self._on_stop(min(self._border, max(done, total or self._border)) - done)
            self._on_stop = None
        if self._progress is not None:
            self._progress(done, total)

    def until_border(self, items: Iterable[Any]) -> Iterator[Any]:
        """The frames and packets of a video, up to where the next segment begins once Ctrl-C was pressed."""
        for item in items:
            if isinstance(item, av.VideoFrame):
                with self._settled:
                    self.stopped = self._read == self._border
                    self._read += 1
                if self.stopped:
                    return
            yield item

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._border is not None or not self._at_work:
            raise KeyboardInterrupt
        with self._settled:
            self._border = math.ceil(self._read / SEGMENT_FRAMES) * SEGMENT_FRAMES
