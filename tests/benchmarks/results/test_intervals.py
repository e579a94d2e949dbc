"""The intervals hold what they promise, on times whose truth is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from cgan_benchmarks.results.intervals import Intervals, _student, apart

Times = npt.NDArray[np.float64]


def times_of(
    seed: int, median: float, *, processes: int = 3, of_process: float = 0.02, of_round: float = 0.02
) -> Times:
    """Runs whose noise is shared within processes and rounds, as that of real ones is."""
    random = np.random.default_rng(seed)
    log = random.normal(0, of_process, (processes, 1, 1)) + random.normal(0, of_round, (processes, 5, 1))
    return median * np.exp(log + random.normal(0, 0.01, (processes, 5, 8)))


@pytest.mark.parametrize("of_process", [0.0, 0.03], ids=["processes-alike", "processes-differ"])
def test_the_true_ratio_lies_in_nearly_all_intervals(of_process: float) -> None:
    held = 0
    for seed in range(100):
        samples = {
            "slow": times_of(2 * seed, 0.030, of_process=of_process),
            "fast": times_of(2 * seed + 1, 0.010, of_process=of_process),
        }
        low, high = Intervals(samples).ratio("slow", "fast")
        held += low <= 3 <= high
    assert held >= 90


def test_a_bootstrap_of_single_runs_would_not_do() -> None:
    """Rounds that differ widen the interval, however many runs each has."""
    steady = Intervals({"a": times_of(1, 0.01, of_process=0, of_round=0)}).median("a")
    uneven = Intervals({"a": times_of(1, 0.01, of_process=0, of_round=0.05)}).median("a")
    assert uneven[1] - uneven[0] > 3 * (steady[1] - steady[0])


def test_fewer_processes_are_less_sure() -> None:
    def width(processes: int) -> float:
        widths = []
        for seed in range(20):
            low, high = Intervals({"a": times_of(seed, 0.01, processes=processes)}).median("a")
            widths.append(high - low)
        return float(np.median(widths))

    assert width(2) > 2 * width(3) > 2 * width(6)


def test_one_process_alone_is_as_sure_as_its_rounds() -> None:
    held = 0
    for seed in range(100):
        low, high = Intervals({"a": times_of(seed, 0.01, processes=1, of_process=0)}).median("a")
        held += low <= 0.01 <= high
    assert held >= 89


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.706), (9, 2.262), (10, 2.228), (30, 2.042), (200, 1.972)])
def test_students_t(freedom: int, quantile: float) -> None:
    """Against printed tables."""
    assert _student(freedom) == pytest.approx(quantile, rel=2e-3)


def test_shared_drift_does_not_blur_a_ratio() -> None:
    drift = times_of(3, 1.0, of_process=0.2, of_round=0.2)
    intervals = Intervals({"slow": 0.03 * drift, "fast": 0.01 * drift})
    assert intervals.ratio("slow", "fast") == pytest.approx((3, 3), rel=1e-6)
    low, high = intervals.median("slow")
    assert high / low > 1.2


def test_the_same_runs_give_the_same_interval() -> None:
    samples = {"a": times_of(1, 0.01), "b": times_of(2, 0.02)}
    assert Intervals(samples).ratio("a", "b") == Intervals(samples).ratio("a", "b")
    assert Intervals(samples).ratio("a", "a") == (1, 1)


def test_changes_between_two_measurements_add_their_doubts() -> None:
    times, (low, high) = apart(11.0, (10.5, 11.5), 10.0, (9.5, 10.5))
    assert times == pytest.approx(1.1)
    assert 1.1 / (11 / 10.5 * 10.5 / 10) < low < 1.1 / (10.5 / 10)
    assert 1.1 * 1.05 < high < 1.1 * (11.5 / 11) * (10 / 9.5)
