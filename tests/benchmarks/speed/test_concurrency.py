"""Several engines at once: each in its thread, all counted."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from tests.fakes import FakeBackend, warm_above_cool_below

from cgan_benchmarks.speed.timing import run_concurrently
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import BackendUnavailable

LIGHTNESS = np.zeros((2, 1, 16, 16), np.float32)


def slow(lightness: FloatArray) -> FloatArray:
    time.sleep(0.02)
    return warm_above_cool_below(lightness)


def test_engines_run_side_by_side_and_all_images_count() -> None:
    opened: list[FakeBackend] = []

    def load() -> FakeBackend:
        opened.append(FakeBackend(slow))
        return opened[-1]

    run = run_concurrently(load, LIGHTNESS, engines=4, seconds=0.3)
    assert len(opened) == 4
    assert run.images % len(LIGHTNESS) == 0
    assert 0.3 <= run.seconds < 5
    # One alone makes at most 15 runs in 0.3 s, and one more that it began before the end.
    assert run.images > 1.5 * 16 * len(LIGHTNESS)
    with pytest.raises(BackendUnavailable, match="closed"):
        opened[0].chroma(LIGHTNESS)


def test_closing_is_not_counted() -> None:
    class SlowToClose(FakeBackend):
        def _release(self) -> None:
            time.sleep(0.5)

    run = run_concurrently(lambda: SlowToClose(slow), LIGHTNESS, engines=2, seconds=0.1)
    assert run.images > 0
    assert 0.1 <= run.seconds < 0.5


def test_an_error_in_a_run_is_raised() -> None:
    runs = iter(range(1000))

    def fail(lightness: FloatArray) -> FloatArray:
        if next(runs) == 40:
            raise BackendUnavailable("out of memory")
        return slow(lightness)

    with pytest.raises(BackendUnavailable, match="out of memory"):
        run_concurrently(lambda: FakeBackend(fail), LIGHTNESS, engines=2, seconds=0.5)


def test_an_error_in_one_engine_is_raised_and_all_others_end() -> None:
    count = iter(range(9))

    def load() -> FakeBackend:
        if next(count) == 1:
            raise BackendUnavailable("no room for a second engine")
        return FakeBackend(slow)

    with pytest.raises(BackendUnavailable, match="no room"):
        run_concurrently(load, LIGHTNESS, engines=2, seconds=0.1)
    assert threading.active_count() < 10
