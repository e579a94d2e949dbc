"""How long to measure, in which order, and what the runs amount to.

    plan = Plan(seconds=2.4)
    runs = plan.runs_in_a_turn(once)                 # for a subject whose run takes `once` seconds
    for order in orders(names, plan.rounds(), seed): ...
    timing = Timing.of(samples, images=1)          # samples: seconds, (processes, rounds, runs)

What drifts (clock speed, neighbors on the machine) hits all subjects alike, because they take turns in
rounds, in a new order each round. What differs from process to process (where memory lies, which kernel was
chosen) is seen because each subject is started anew several times.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cgan_benchmarks.results.intervals import Samples

Advance = Callable[[int, int], None]
"""Is told how many steps are done, and of how many."""

_TURN_SECONDS = 0.2  # of timed runs
_LEAST_ROUNDS = 3
_LEAST_ROUNDS_ALONE = 5  # where they are in one process: its interval is theirs
_QUIET_WINDOW = 0.005  # seconds
_QUIET_SHARE = 0.2  # of the window that the process may use and still count as at rest
_MOST_WAIT = 0.2  # seconds; a process that works in the background never rests
_WINDOW_SECONDS = 0.1  # of warm-up
_WINDOW_RUNS = 2
_STILL_WARMING = 0.97  # of the best window before: a quicker one means that it is not yet warm
_MOST_WINDOWS = 20


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        seconds: Of timed runs for each subject, at least.
        runs: Timed runs of each subject, at least.
        processes: In how many fresh processes, one after another, each subject is measured.
        seed: Of the order.
    """

    seconds: float = 2.4
    runs: int = 30
    processes: int = 4
    seed: int = 0

    def rounds(self) -> int:
        """Rounds in each process."""
        least = _LEAST_ROUNDS if self.processes > 1 else _LEAST_ROUNDS_ALONE
        return max(least, math.ceil(self.seconds / self.processes / _TURN_SECONDS))

    def runs_in_a_turn(self, once: float) -> int:
        """Timed runs in a turn of a subject whose run takes that many seconds."""
        wanted = max(self.seconds / max(once, 1e-9), self.runs)
        return max(1, math.ceil(wanted / (self.processes * self.rounds())))


@dataclass(frozen=True)
class Timing:
    """What the runs of a subject took; percentiles are of single runs.

    Attributes:
        runs: How many were timed.
        sd_ms: Standard deviation of single runs.
        frames_per_second: Images by the sum of all runs.
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
    """Run until runs no longer get quicker; the median seconds of a run after that."""
    best = math.inf
    median = 0.0
    for _ in range(_MOST_WINDOWS):
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
    """One run untimed, which brings memory back into the caches, then the seconds of each timed one."""
    infer()
    times = []
    for _ in range(runs):
        began = clock()
        infer()
        times.append(clock() - began)
    return times


def wait_until_at_rest() -> None:
    """Return when this process uses next to no CPU time, or after a fifth of a second.

    Thread pools go on spinning after their last call, up to 30 ms in ONNX Runtime's default, and would take
    a core from the subject that comes next.
    """
    deadline = time.perf_counter() + _MOST_WAIT
    while time.perf_counter() < deadline:
        used = time.process_time()
        time.sleep(_QUIET_WINDOW)
        if time.process_time() - used < _QUIET_SHARE * _QUIET_WINDOW:
            return
