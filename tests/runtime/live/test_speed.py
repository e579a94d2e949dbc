"""How fast live has to be, on a quiet machine: pytest -m benchmark tests/runtime/live/test_speed.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.live.measure import measure_pages, measure_slow
from tests.runtime.live.serving import stopped_in_the_midst

MOST_DELAY_MS, LEAST_RATE = 150, 15
MOST_TO_STOP = 2.0  # seconds
FLAT = 1.3  # the delay's median at the end, at most so many times that at the beginning


@pytest.mark.benchmark
def test_page_is_fast_enough(clip: Path) -> None:
    for row in measure_pages(clip):
        assert row["p95_ms"] < MOST_DELAY_MS, row
        assert row["frames_per_second"] >= LEAST_RATE, row


@pytest.mark.benchmark
def test_delay_stays_flat_before_a_slow_back_end(clip: Path) -> None:
    slow = measure_slow(clip)
    first, _, last = slow["p50_ms_of_each_third"]
    assert last < FLAT * first
    assert slow["dropped"] > slow["shown"]


@pytest.mark.benchmark
def test_ctrl_c_ends_everything_soon(video: Path, tmp_path: Path) -> None:
    seconds = stopped_in_the_midst(video, tmp_path)
    print(f"stopped after {seconds:.2f} s")
    assert seconds < MOST_TO_STOP
