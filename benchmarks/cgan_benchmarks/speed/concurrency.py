"""Throughput: several images in flight, each engine with its share of the threads.

images, seconds = fly(lambda: open_backend(path, threads=1), lightness, streams=2, seconds=0.5)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cgan_benchmarks.speed.timing import warm_up
from cgan_runtime.backends.base import Backend, FloatArray


class _Stream(threading.Thread):
    """Opens, warms, uses and closes an engine of its own, as the contract of back ends asks."""

    def __init__(self, load: Callable[[], Backend], lightness: FloatArray, ready: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self._load, self._lightness, self._ready = load, lightness, ready
        self.done = 0
        self.until = self.ended = 0.0
        self.error: Exception | None = None

    def run(self) -> None:
        """Count runs until the clock is `until`, which is set while all wait; close when all have ended."""
        try:
            with self._load() as backend:
                warm_up(lambda: backend.infer(self._lightness))
                self._ready.wait()
                self._ready.wait()
                while time.perf_counter() < self.until:
                    backend.infer(self._lightness)
                    self.done += 1
                self.ended = time.perf_counter()
                self._ready.wait()
        except threading.BrokenBarrierError:
            return
        except Exception as error:  # noqa: BLE001 (handed to the thread that waits)
            self.error = error
            self._ready.abort()


def fly(
    load: Callable[[], Backend], lightness: FloatArray, streams: int, seconds: float
) -> tuple[int, float]:
    """Run several engines at once for a while.

    Args:
        load: Opens one.
        lightness: What each is given, (N, 1, H, W).
        streams: How many.
        seconds: How long.

    Returns:
        Images done, and in how many seconds; runs that were under way at the end count in both, opening
        and closing in neither.
    """
    ready = threading.Barrier(streams + 1)
    crew = [_Stream(load, lightness, ready) for _ in range(streams)]
    for stream in crew:
        stream.start()
    began = 0.0
    try:
        ready.wait()
        began = time.perf_counter()
        for stream in crew:
            stream.until = began + seconds
        ready.wait()
        ready.wait()
    except threading.BrokenBarrierError:
        pass  # one has failed: its error is raised below
    for stream in crew:
        stream.join()
    for stream in crew:
        if stream.error is not None:
            raise stream.error
    took = max(stream.ended for stream in crew) - began
    return sum(stream.done for stream in crew) * len(lightness), took
