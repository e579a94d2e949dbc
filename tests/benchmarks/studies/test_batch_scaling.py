"""Archives in simulated time: all is made, nothing twice, and what kills is given up."""

from __future__ import annotations

from cgan_benchmarks.studies.simulated_cluster import POISONED, Costs, simulate

COSTS = Costs(color=0.07, plan=0.012, join=0.006, decode=0.003)


def test_a_thousand_videos_on_a_hundred_workers_that_die() -> None:
    found = simulate(1000, 100, COSTS)
    assert (found["done"], found["failed"]) == (1000 - POISONED, POISONED)
    assert found["workers_lost"] > 50
    assert found["made_twice"] == 0
    assert found["divided"] < 100
    assert 0.9 < found["efficiency"] < 1
    assert found["hours"] < 1.1 * found["hours_ideal"]


def test_a_few_long_videos_are_shared_by_many_workers() -> None:
    few = simulate(20, 100, COSTS, seed=1)
    assert few["done"] == 20 - POISONED
    assert few["made_twice"] == 0
    assert few["divided"] >= 10


def test_more_workers_are_faster_as_long_as_there_is_work() -> None:
    hours = [simulate(400, workers, COSTS)["hours"] for workers in (1, 10, 100)]
    assert hours[0] > 9 * hours[1] > 9 * 7 * hours[2]
