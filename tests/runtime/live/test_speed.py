"""Speed limits of live video on a quiet machine: pytest -m benchmark tests/runtime/live/test_speed.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.live.measure import measure_pages, measure_slow
from tests.runtime.live.serving import stop_under_load

MAX_DELAY_MS, MIN_RATE = 150, 15
MAX_STOP_SECONDS = 2.0
MAX_DELAY_GROWTH = 1.3  # median delay of the last third relative to the first


@pytest.mark.benchmark
def test_page_is_fast_enough(clip: Path) -> None:
    for row in measure_pages(clip):
        assert row["p95_ms"] < MAX_DELAY_MS, row
        assert row["frames_per_second"] >= MIN_RATE, row


@pytest.mark.benchmark
def test_delay_does_not_grow_with_a_slow_back_end(clip: Path) -> None:
    slow = measure_slow(clip)
    first, _, last = slow["p50_ms_of_each_third"]
    assert last < MAX_DELAY_GROWTH * first
    assert slow["dropped"] > slow["shown"]


@pytest.mark.benchmark
def test_ctrl_c_stops_everything_soon(video: Path, tmp_path: Path) -> None:
    seconds = stop_under_load(video, tmp_path)
    print(f"stopped after {seconds:.2f} s")
    assert seconds < MAX_STOP_SECONDS
