"""Timed runs of a subject, one after another or at the same time: order, warm-up, clock, and figures.

All subjects take turns in rounds, each round in a new order, so that drift (clock speed, other programs) hits
them alike. Each subject is started anew several times, because processes differ: in where memory lies, or in
which kernel an engine chooses.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cgan_benchmarks.results.intervals import Samples
from cgan_benchmarks.speed.measurements import ConcurrentRun
from cgan_runtime.backends.base import Backend, FloatArray

_QUIET_WINDOW = 0.005  # seconds
_QUIET_SHARE = 0.2  # of CPU time in the window: a process that uses less is at rest
_MAX_WAIT = 0.2  # seconds; a process with work in the background is never at rest
_WINDOW_SECONDS = 0.1  # of warm-up
_WINDOW_RUNS = 2
_STILL_WARMING = 0.97  # of the best window so far: a faster one means that it is not yet warm
_MAX_WINDOWS = 20


@dataclass(frozen=True)
class Timing:
    """Durations of a subject's runs: percentiles, mean and standard deviation are of single runs."""

    runs: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    sd_ms: float
    frames_per_second: float

    @classmethod
    def of(cls, samples: Samples, images: int) -> Timing:
        """Sum up runs of `images` images each."""
        every = samples.ravel() * 1e3
        p50, p90, p95, p99 = (float(value) for value in np.percentile(every, (50, 90, 95, 99)))
        mean = float(every.mean())
        return cls(every.size, p50, p90, p95, p99, mean, float(every.std()), images * 1e3 / mean)


def orders(names: Sequence[str], rounds: int, seed: int) -> Iterator[list[str]]:
    """The order of the subjects in each round."""
    shuffler = random.Random(seed)
    for _ in range(rounds):
        yield shuffler.sample(list(names), len(names))


def warm_up(infer: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Run until runs no longer get faster; returns the median seconds of the last ones."""
    best = math.inf
    median = 0.0
    for _ in range(_MAX_WINDOWS):
        times: list[float] = []
        while len(times) < _WINDOW_RUNS or sum(times) < _WINDOW_SECONDS:
            began = clock()
            infer()
            times.append(clock() - began)
        median = float(np.median(times))
        if median >= _STILL_WARMING * best:
            break
        best = min(best, median)
    return median


def timed_runs(infer: Callable[[], object], runs: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The seconds of each run, after an untimed one that brings memory back into the caches."""
    infer()
    times = []
    for _ in range(runs):
        began = clock()
        infer()
        times.append(clock() - began)
    return times


def wait_until_at_rest() -> None:
    """Return when this process uses almost no CPU time, or after a fifth of a second."""
    # Thread pools spin after a call (in ONNX Runtime up to 30 ms), which takes a core from the next subject.
    deadline = time.perf_counter() + _MAX_WAIT
    while time.perf_counter() < deadline:
        used = time.process_time()
        time.sleep(_QUIET_WINDOW)
        if time.process_time() - used < _QUIET_SHARE * _QUIET_WINDOW:
            return


def run_concurrently(load: Callable[[], Backend], lightness: FloatArray, engines: int, seconds: float) -> ConcurrentRun:
    """Run several engines at once for a while, each opened by `load` in a thread of its own, on `lightness`
    (N, 1, H, W). Runs under way at the end count fully, with their time; opening and closing do not.
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
