"""Timing on clocks that are not real, and on threads that really spin."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgan_benchmarks.measure import Plan, Timing, measure, orders, wait_until_at_rest


class Clock:
    """Seconds that pass only when a subject says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def __call__(self) -> float:
        return self.now

    def subject(self, name: str, *seconds: float) -> tuple[str, object]:
        durations = itertools.cycle(seconds)

        def run() -> None:
            self.now += next(durations)
            self.log.append(name)

        return name, run

    def measure(self, plan: Plan, *subjects: tuple[str, object]) -> dict[str, list[float]]:
        rest = lambda: self.log.append("rest")  # noqa: E731
        return measure(dict(subjects), plan, clock=self, settle=rest)  # type: ignore[arg-type]


def test_percentiles_of_a_hundred_and_one_runs() -> None:
    timing = Timing.of([(number + 10) / 1e3 for number in range(101)], pictures=4)
    assert (timing.runs, timing.p50_ms, timing.p90_ms, timing.p99_ms) == pytest.approx((101, 60, 100, 109))
    assert timing.mean_ms == pytest.approx(60)
    assert timing.frames_per_second == pytest.approx(4 / 0.06)


@given(st.lists(st.floats(1e-4, 10), min_size=1, max_size=50), st.integers(1, 16))
def test_percentiles_rise_and_lie_within_the_runs(seconds: list[float], pictures: int) -> None:
    timing = Timing.of(seconds, pictures)
    bounds = [min(seconds) * 1e3, timing.p50_ms, timing.p90_ms, timing.p99_ms, max(seconds) * 1e3]
    assert all(low <= high * (1 + 1e-9) for low, high in itertools.pairwise(bounds))
    assert timing.frames_per_second == pytest.approx(pictures * len(seconds) / sum(seconds))


def test_runs_are_those_of_their_subject() -> None:
    clock = Clock()
    subjects = clock.subject("slow", 0.2), clock.subject("fast", 0.01)
    times = clock.measure(Plan(seconds=1), *subjects)
    assert times["slow"] == pytest.approx([0.2] * len(times["slow"]))
    assert times["fast"] == pytest.approx([0.01] * len(times["fast"]))
    assert min(sum(times["slow"]), sum(times["fast"])) >= 1


def test_subjects_take_turns_at_rest_and_the_first_run_of_a_turn_is_not_timed() -> None:
    clock = Clock()
    times = clock.measure(Plan(runs=12), *(clock.subject(name, 0.05) for name in "abc"))
    turns = [list(group) for rest, group in itertools.groupby(clock.log, key="rest".__eq__) if not rest][1:]
    assert all(len(set(turn)) == 1 for turn in turns)
    rounds = [[turn[0] for turn in turns[first : first + 3]] for first in range(0, len(turns), 3)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert {name: len(found) for name, found in times.items()} == {"a": 12, "b": 12, "c": 12}
    assert Counter(itertools.chain(*turns)) == dict.fromkeys("abc", 12 + len(rounds))


@given(st.integers(1, 200), st.floats(0.1, 5))
def test_exactly_as_many_runs_as_were_asked_for(runs: int, seconds: float) -> None:
    clock = Clock()
    times = clock.measure(Plan(seconds=seconds, runs=runs), clock.subject("a", 0.1), clock.subject("b", 0.3))
    assert [len(found) for found in times.values()] == [runs, runs]


def test_the_order_changes_with_the_round_and_follows_from_the_seed() -> None:
    names = list("abcdefg")
    first = list(orders(names, 10, seed=1))
    assert len({tuple(order) for order in first}) == 10
    assert first == list(orders(names, 10, seed=1))
    assert first != list(orders(names, 10, seed=2))


def test_a_subject_is_warm_before_anything_is_timed() -> None:
    clock = Clock()
    compiling = clock.subject("a", *([5.0] + [0.1] * 10_000))
    assert max(clock.measure(Plan(runs=5), compiling)["a"]) == pytest.approx(0.1)


def test_progress_ends_at_its_total() -> None:
    seen: list[tuple[int, int]] = []
    measure({"a": lambda: None}, Plan(runs=3), advance=lambda *now: seen.append(now), settle=lambda: None)
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))


def test_waits_for_a_pool_that_still_spins() -> None:
    stop = time.perf_counter() + 0.08

    def spin() -> None:
        while time.perf_counter() < stop:
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    wait_until_at_rest()
    assert not spinner.is_alive() or time.perf_counter() >= stop
    spinner.join()


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
