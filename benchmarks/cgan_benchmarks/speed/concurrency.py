"""Throughput of several engines at once, each with its share of the threads.

run = run_concurrently(lambda: open_backend(path, threads=1), lightness, engines=2, seconds=0.5)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cgan_benchmarks.speed.measurements import ConcurrentRun
from cgan_benchmarks.speed.timing import warm_up
from cgan_runtime.backends.base import Backend, FloatArray


def run_concurrently(
    load: Callable[[], Backend], lightness: FloatArray, engines: int, seconds: float
) -> ConcurrentRun:
    """Run several engines at once for a while, each opened by `load` in a thread of its own.

    Every run has the input `lightness`, (N, 1, H, W). Runs that are under way when the time is over count
    fully, with their time. Opening and closing do not count.
    """
    together = threading.Barrier(engines)

    def work() -> tuple[float, float, int]:
        try:
            with load() as backend:
                warm_up(lambda: backend.chroma(lightness))
                together.wait()
                began, runs = time.perf_counter(), 0
                while time.perf_counter() < began + seconds:
                    backend.chroma(lightness)
                    runs += 1
                ended = time.perf_counter()
                together.wait()
        except BaseException:
            together.abort()
            raise
        return began, ended, runs

    with ThreadPoolExecutor(engines) as pool:
        futures = [pool.submit(work) for _ in range(engines)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):  # those follow from another thread's error
            raise error
    began, ended, runs = zip(*(future.result() for future in futures), strict=True)
    return ConcurrentRun(sum(runs) * len(lightness), max(ended) - min(began))
