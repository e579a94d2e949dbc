"""Timed runs of one subject: order, warm-up, clock, and the figures that they sum up to.

    for order in orders(keys, plan.rounds(), seed): ...
    timing = Timing.of(samples, images=1)          # samples: seconds, (processes, rounds, runs)

All subjects take turns in rounds, each round in a new order, so that drift (clock speed, other programs) hits
them alike. Each subject is started anew several times, because processes differ: in where memory lies, or in
which kernel an engine chooses.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cgan_benchmarks.results.intervals import Samples

_QUIET_WINDOW = 0.005  # seconds
_QUIET_SHARE = 0.2  # of CPU time in the window: a process that uses less is at rest
_MAX_WAIT = 0.2  # seconds; a process with work in the background is never at rest
_WINDOW_SECONDS = 0.1  # of warm-up
_WINDOW_RUNS = 2
_STILL_WARMING = 0.97  # of the best window so far: a faster one means that it is not yet warm
_MAX_WINDOWS = 20


@dataclass(frozen=True)
class Timing:
    """Durations of a subject's runs; percentiles are of single runs.

    Attributes:
        runs: Number of timed runs.
        sd_ms: Standard deviation of single runs.
        frames_per_second: All images by the time of all runs.
    """

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


def timed_runs(
    infer: Callable[[], object], runs: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The seconds of each run, after an untimed one that brings memory back into the caches."""
    infer()
    times = []
    for _ in range(runs):
        began = clock()
        infer()
        times.append(clock() - began)
    return times


def wait_until_at_rest() -> None:
    """Return when this process uses almost no CPU time, or after a fifth of a second.

    Thread pools go on spinning after their last call (by default up to 30 ms in ONNX Runtime), which would
    take a core from the next subject.
    """
    deadline = time.perf_counter() + _MAX_WAIT
    while time.perf_counter() < deadline:
        used = time.process_time()
        time.sleep(_QUIET_WINDOW)
        if time.process_time() - used < _QUIET_SHARE * _QUIET_WINDOW:
            return
