"""The pipeline of stages without videos: order, bounded queues, errors, interrupts."""

from __future__ import annotations

import gc
import itertools
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from cgan_runtime.pipeline.stages import run_stages


def _nothing_left_running() -> bool:
    return all(not thread.name.startswith(("source", "sink")) for thread in threading.enumerate())


def test_every_item_arrives_once_and_in_order() -> None:
    got: list[int] = []
    run_stages(range(1000), lambda n: n * n, got.append, depth=3)
    assert got == [n * n for n in range(1000)]


def test_the_middle_stage_runs_in_the_calling_thread() -> None:
    seen: dict[str, str] = {}

    def source() -> Iterator[int]:
        seen["source"] = threading.current_thread().name
        yield 1

    def work(n: int) -> int:
        seen["work"] = threading.current_thread().name
        return n

    run_stages(source(), work, lambda _: seen.update(sink=threading.current_thread().name), depth=1)
    assert seen == {"source": "source", "work": threading.current_thread().name, "sink": "sink"}


def test_every_sink_has_a_thread_and_gets_what_the_one_before_made() -> None:
    got: list[int] = []
    threads: set[str] = set()

    def add(n: int) -> int:
        threads.add(threading.current_thread().name)
        return n + 1

    run_stages(range(100), lambda n: n * n, add, add, got.append, depth=2)
    assert got == [n * n + 2 for n in range(100)]
    assert len(threads) == 2
    assert _nothing_left_running()


def test_an_error_in_a_sink_between_stops_all() -> None:
    def fail(n: int) -> int:
        if n == 7:
            raise ValueError("at seven")
        return n

    with pytest.raises(ValueError, match="at seven"):
        run_stages(itertools.count(), lambda n: n, fail, lambda _: None, depth=2)
    assert _nothing_left_running()


def test_a_slow_sink_bounds_what_the_source_produces() -> None:
    depth, taken, written, lead = 2, 0, 0, 0

    def source() -> Iterator[int]:
        nonlocal taken, lead
        for n in range(50):
            taken += 1
            lead = max(lead, taken - written)
            yield n

    def sink(_: int) -> None:
        nonlocal written
        time.sleep(0.002)
        written += 1

    run_stages(source(), lambda n: n, sink, depth=depth)
    assert written == 50
    # Two queues, and one item in the hands of each stage.
    assert lead <= 2 * depth + 3


@pytest.mark.parametrize("stage", ["source", "work", "sink"])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_in_any_stage_stops_all_and_is_raised(stage: str, kind: type[BaseException]) -> None:
    error = kind("at seven")

    def fail_at_seven(name: str, n: int) -> int:
        if stage == name and n == 7:
            raise error
        return n

    endless = (fail_at_seven("source", n) for n in iter(iter(range(10**9)).__next__, None))
    with pytest.raises(kind) as caught:
        run_stages(endless, lambda n: fail_at_seven("work", n), lambda n: fail_at_seven("sink", n) and None, depth=2)
    assert caught.value is error
    assert _nothing_left_running()


def test_an_error_while_other_stages_wait_does_not_hang() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        run_stages(source(), lambda n: n, lambda _: time.sleep(0.05), depth=1)
    assert _nothing_left_running()


@pytest.mark.parametrize("stage", ["work", "sink"])
def test_an_error_wakes_a_source_that_waits(stage: str) -> None:
    woken = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        assert woken.wait(60)

    def fail(name: str) -> None:
        if name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stages(source(), lambda _: fail("work"), lambda _: fail("sink"), depth=2, wake=woken.set)
    assert woken.is_set()
    assert _nothing_left_running()


def test_an_empty_source() -> None:
    run_stages([], lambda _: pytest.fail("called"), lambda _: pytest.fail("called"), depth=1)


def test_an_interrupt_while_threads_start_stops_them(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        if started:
            raise KeyboardInterrupt
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_stages(itertools.count(), lambda n: n, lambda n: None, depth=2)
    assert started == ["source"]
    assert _nothing_left_running()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_an_interrupt_at_any_moment_stops_all() -> None:
    """Also within the queues: a lock that was left taken there made the others wait for ever."""
    late = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal late
        if late:
            raise AssertionError("the stages were told to stop, and wait for ever")
        late = True
        signal.setitimer(signal.ITIMER_REAL, 20)
        raise KeyboardInterrupt

    def interrupted_run(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        run_stages(itertools.count(), lambda n: n, lambda _: None, depth=1)

    before = signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(0)
    gc.disable()  # Python drops what a handler raises while objects are collected
    try:
        for _ in range(400):
            late = False
            with pytest.raises(KeyboardInterrupt):
                interrupted_run(rng.uniform(0.001, 0.004))
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert _nothing_left_running()
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
