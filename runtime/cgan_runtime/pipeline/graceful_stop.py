"""Ctrl-C or SIGTERM in a video: the first one ends the video where a later run can go on, the second one at once.

with GracefulStop(kept_frames, progress, on_stop) as stop:
    run_stages(stop.until_border(reader), ColorStage(..., stop.progress), ...)
    if stop.stopped: stop_by_signal(stop.number)    # the video was left at such a border
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any

import av

from cgan_runtime.callbacks import ProgressCallback, StopCallback
from cgan_runtime.system.signals import handle_signals, stop_by_signal
from cgan_runtime.video.segments import SEGMENT_FRAMES


class GracefulStop:
    """Takes the first Ctrl-C or SIGTERM as a request, once a frame is colored. Used in the main thread."""

    def __init__(self, kept_frames: int, progress: ProgressCallback | None, on_stop: StopCallback | None) -> None:
        """Prepare; `on_stop` is called after the signal, and None leaves the effect of signals as it is."""
        self.stopped = False  # whether the video was left at a border of segments
        self.number = signal.SIGINT  # the signal that asked for that
        self._kept, self._progress, self._on_stop = kept_frames, progress, on_stop
        self._at_work = False
        self._read = 0  # frames; they are read ahead of those that are done
        self._border: int | None = None  # the frame to stop at, once that is requested
        self._lock = threading.Lock()  # of _read and _border
        self._handling = ExitStack()

    def __enter__(self) -> GracefulStop:
        if self._on_stop is not None:
            self._handling.enter_context(handle_signals(self._request, [signal.SIGINT, signal.SIGTERM]))
        return self

    def __exit__(self, *_: object) -> None:
        self._handling.close()

    def progress(self, done: int, total: int | None) -> None:
        """Note that a frame is done, and report it."""
        self._at_work = done > self._kept
        if self._border is not None and self._on_stop is not None:
            self._on_stop(min(self._border, max(done, total or self._border)) - done)
            self._on_stop = None
        if self._progress is not None:
            self._progress(done, total)

    def until_border(self, items: Iterable[Any]) -> Iterator[Any]:
        """The frames and packets of a video; after a signal only those up to the next segment."""
        for item in items:
            if isinstance(item, av.VideoFrame):
                with self._lock:
                    self.stopped = self._read == self._border
                    self._read += 1
                if self.stopped:
                    return
            yield item

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self._border is not None or not self._at_work:
            stop_by_signal(number)
        self.number = signal.Signals(number)
        with self._lock:
            self._border = math.ceil(self._read / SEGMENT_FRAMES) * SEGMENT_FRAMES
