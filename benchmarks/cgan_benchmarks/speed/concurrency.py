"""Throughput of several engines at once, each with its share of the threads.

run = run_concurrently(lambda: open_backend(path, threads=1), lightness, engines=2, seconds=0.5)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cgan_benchmarks.speed.measurements import ConcurrentRun
from cgan_benchmarks.speed.timing import warm_up
from cgan_runtime.backends.base import Backend, FloatArray


class _EngineThread(threading.Thread):
    """Opens, warms up, uses and closes one engine: back ends belong to one thread."""

    def __init__(self, load: Callable[[], Backend], lightness: FloatArray, ready: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self._load, self._lightness, self._ready = load, lightness, ready
        self.runs = 0
        self.until = self.ended = 0.0
        self.error: Exception | None = None

    def run(self) -> None:
        """Count runs up to the time `until`, which is set while all wait; close when all have ended."""
        try:
            with self._load() as backend:
                warm_up(lambda: backend.chroma(self._lightness))
                self._ready.wait()
                self._ready.wait()
                while time.perf_counter() < self.until:
                    backend.chroma(self._lightness)
                    self.runs += 1
                self.ended = time.perf_counter()
                self._ready.wait()
        except threading.BrokenBarrierError:
            return
        except Exception as error:  # noqa: BLE001 (raised in the thread that waits)
            self.error = error
            self._ready.abort()


def run_concurrently(
    load: Callable[[], Backend], lightness: FloatArray, engines: int, seconds: float
) -> ConcurrentRun:
    """Run several engines at once for a while.

    Runs that are under way when the time is over count fully, with their time. Opening and closing do not.

    Args:
        load: Opens one.
        lightness: The input of each run, (N, 1, H, W).
        engines: How many.
        seconds: How long.
    """
    ready = threading.Barrier(engines + 1)
    threads = [_EngineThread(load, lightness, ready) for _ in range(engines)]
    for thread in threads:
        thread.start()
    began = 0.0
    try:
        ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.until = began + seconds
        ready.wait()
        ready.wait()
    except threading.BrokenBarrierError:
        pass  # a thread has failed: its error is raised below
    for thread in threads:
        thread.join()
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    took = max(thread.ended for thread in threads) - began
    return ConcurrentRun(sum(thread.runs for thread in threads) * len(lightness), took)
