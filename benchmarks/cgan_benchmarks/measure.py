"""Timing several subjects in one process without one disturbing the next.

    times = measure({"a": run_a, "b": run_b}, Plan(seconds=3))      # seconds of each run, by name
    timing = Timing.of(times["a"], pictures=1)

What drifts (clock speed, neighbours on the machine) hits all subjects alike, because they take turns in
rounds, in a new order each round. Before a turn the process is left alone until it uses no CPU time: thread
pools go on spinning after their last call, up to 30 ms in ONNX Runtime's default, and would take a core from
the subject that comes next. The first run of a turn is not timed; it brings the subject's memory back into
the caches.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Infer = Callable[[], object]
Advance = Callable[[int, int], None]
"""Is told how many rounds are done, and of how many."""

_WARM_UP_SECONDS = 0.3
_WARM_UP_RUNS = 3
_TURN_SECONDS = 0.15  # of timed runs, for subjects that are quicker than that
_LEAST_ROUNDS = 5
_QUIET_WINDOW = 0.005  # seconds
_QUIET_SHARE = 0.2  # of the window that the process may use and still count as at rest
_MOST_WAIT = 0.2  # seconds; a process that works in the background never rests


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        seconds: Of timed runs for each subject, at least.
        runs: Timed runs of each subject; None leaves it to `seconds`.
        seed: Of the order.
    """

    seconds: float = 3.0
    runs: int | None = None
    seed: int = 0

    def rounds(self) -> int:
        """In how many rounds the runs are made."""
        wanted = math.ceil(self.seconds / _TURN_SECONDS)
        return max(1, min(self.runs or wanted, max(_LEAST_ROUNDS, wanted)))

    def turn(self, number: int, run_seconds: float) -> int:
        """Timed runs of a subject in a round, for a subject whose run takes that long."""
        rounds = self.rounds()
        if self.runs is not None:
            return self.runs * (number + 1) // rounds - self.runs * number // rounds
        return max(1, math.ceil(self.seconds / rounds / run_seconds))


@dataclass(frozen=True)
class Timing:
    """What the runs of a subject took; percentiles are of single runs.

    Attributes:
        runs: How many were timed.
        frames_per_second: Pictures by the sum of all runs.
    """

    runs: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    frames_per_second: float

    @classmethod
    def of(cls, seconds: Sequence[float], pictures: int) -> Timing:
        """Sum up runs of `pictures` pictures each."""
        p50, p90, p99 = (float(value) * 1e3 for value in np.percentile(seconds, (50, 90, 99)))
        mean = float(np.mean(seconds))
        return cls(len(seconds), p50, p90, p99, mean * 1e3, pictures / mean)


def measure(
    subjects: Mapping[str, Infer],
    plan: Plan,
    *,
    advance: Advance = lambda done, total: None,
    clock: Callable[[], float] = time.perf_counter,
    settle: Callable[[], None] | None = None,
) -> dict[str, list[float]]:
    """Time every subject.

    Args:
        subjects: What to call, by name; a call returns when its result is complete.
        plan: How long.
        advance: For a progress bar.
        clock: Seconds.
        settle: Waits until the process is at rest; None for the function of that name below.

    Returns:
        Seconds of each timed run, in the order in which they were made, by name.
    """
    rest = settle or wait_until_at_rest
    once = {name: _warm_up(infer, clock) for name, infer in subjects.items()}
    times: dict[str, list[float]] = {name: [] for name in subjects}
    rounds = plan.rounds()
    for number, order in enumerate(orders(list(subjects), rounds, plan.seed)):
        for name in order:
            infer = subjects[name]
            rest()
            infer()
            for _ in range(plan.turn(number, once[name])):
                began = clock()
                infer()
                times[name].append(clock() - began)
        advance(number + 1, rounds)
    return times


def orders(names: Sequence[str], rounds: int, seed: int) -> Iterator[list[str]]:
    """The order of the subjects in each round."""
    shuffler = random.Random(seed)
    for _ in range(rounds):
        yield shuffler.sample(list(names), len(names))


def wait_until_at_rest() -> None:
    """Return when this process uses next to no CPU time, or after a fifth of a second."""
    deadline = time.perf_counter() + _MOST_WAIT
    while time.perf_counter() < deadline:
        used = time.process_time()
        time.sleep(_QUIET_WINDOW)
        if time.process_time() - used < _QUIET_SHARE * _QUIET_WINDOW:
            return


def _warm_up(infer: Infer, clock: Callable[[], float]) -> float:
    """Run until all is allocated and compiled; the seconds of the quickest run."""
    least = math.inf
    began = clock()
    runs = 0
    while runs < _WARM_UP_RUNS or clock() - began < _WARM_UP_SECONDS:
        start = clock()
        infer()
        least = min(least, clock() - start)
        runs += 1
    return max(least, 1e-9)
