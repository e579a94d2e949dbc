"""Timing on clocks that are not real, and on a thread that really spins."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgan_benchmarks.speed import timing
from cgan_benchmarks.speed.settings import TimingPlan
from cgan_benchmarks.speed.timing import Timing, orders, timed_runs, wait_until_at_rest, warm_up


class Clock:
    """Seconds that pass only when a run says so."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.runs = 0.0, 0
        self._durations = itertools.chain(seconds[:-1], itertools.repeat(seconds[-1]))

    def __call__(self) -> float:
        return self.now

    def run(self) -> None:
        self.now += next(self._durations)
        self.runs += 1


def test_percentiles_of_a_hundred_and_one_runs() -> None:
    timing = Timing.of(np.array([(number + 10) / 1e3 for number in range(101)]), images=4)
    assert (timing.runs, timing.p50_ms, timing.p90_ms) == pytest.approx((101, 60, 100))
    assert (timing.p95_ms, timing.p99_ms) == pytest.approx((105, 109))
    assert timing.mean_ms == pytest.approx(60)
    assert timing.sd_ms == pytest.approx(np.arange(101).std())
    assert timing.frames_per_second == pytest.approx(4 / 0.06)


@given(st.lists(st.floats(1e-4, 10), min_size=1, max_size=50), st.integers(1, 16))
def test_percentiles_rise_and_lie_within_the_runs(seconds: list[float], images: int) -> None:
    timing = Timing.of(np.array(seconds), images)
    percentiles = timing.p50_ms, timing.p90_ms, timing.p95_ms, timing.p99_ms
    bounds = [min(seconds) * 1e3, *percentiles, max(seconds) * 1e3]
    assert all(low <= high * (1 + 1e-9) for low, high in itertools.pairwise(bounds))
    assert timing.frames_per_second == pytest.approx(images * len(seconds) / sum(seconds))


@given(st.floats(0.1, 60), st.integers(1, 500), st.integers(1, 6), st.floats(1e-4, 3))
def test_a_plan_is_kept_at_least(seconds: float, runs: int, processes: int, once: float) -> None:
    plan = TimingPlan(seconds, runs, processes)
    made = plan.runs_in_a_turn(once) * plan.rounds() * processes
    assert made >= runs
    assert made * once >= seconds * (1 - 1e-9)


def test_warm_up_goes_on_while_runs_get_quicker() -> None:
    clock = Clock(5, 1, 0.9, 0.8, 0.7, 0.6, 0.5)
    assert warm_up(clock.run, clock) == pytest.approx(0.5)
    assert clock.runs >= 8


def test_warm_up_ends_for_what_never_gets_steady() -> None:
    clock = Clock(*(1000 * 0.9**number for number in range(400)))
    warm_up(clock.run, clock)
    assert clock.runs < 300


def test_the_first_run_of_a_turn_is_not_timed() -> None:
    clock = Clock(9, 1, 2, 3)
    assert timed_runs(clock.run, 3, clock) == [1, 2, 3]


def test_the_order_changes_with_the_round_and_follows_from_the_seed() -> None:
    names = list("abcdefg")
    first = list(orders(names, 10, seed=1))
    assert len({tuple(order) for order in first}) == 10
    assert all(sorted(order) == names for order in first)
    assert first == list(orders(names, 10, seed=1))
    assert first != list(orders(names, 10, seed=2))


def test_waits_for_a_pool_that_still_spins(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spinning:
        """A process that takes a whole core for 80 ms: on a busy machine a real thread may get none of it."""

        now = 0.0

        def perf_counter(self) -> float:
            return self.now

        def process_time(self) -> float:
            return min(self.now, 0.08)

        def sleep(self, seconds: float) -> None:
            self.now += seconds

    clock = Spinning()
    monkeypatch.setattr(timing, "time", clock)
    wait_until_at_rest()
    assert 0.08 <= clock.now < 0.12


def test_does_not_wait_for_ever_for_a_process_that_never_rests() -> None:
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    began = time.perf_counter()
    wait_until_at_rest()
    took = time.perf_counter() - began
    done.set()
    spinner.join()
    assert took < 5
