"""Size and rate that follow the load, as a function of delays; how many frames come and are colored."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from cgan_runtime.live.adapt import CALM_WINDOWS, WINDOW_SECONDS, Adapter, Flow

WANTED = 1 / 30  # seconds between frames


def drive(adapter: Adapter, seconds: float, delay_at: Callable[[int], float], start: float = 0.0) -> list[int]:
    """Let the adapter see a camera whose delay depends on the size; return the sizes at the end of each window."""
    now, sizes, shown = start, [], start
    while now < start + seconds:
        delay = delay_at(adapter.size)
        now += max(delay, WANTED, 1 / adapter.rate if adapter.rate else 0)
        adapter.add(delay, WANTED, now)
        if now - shown >= WINDOW_SECONDS:
            sizes.append(adapter.size)
            shown = now
    return sizes


def by_area(full_ms: float) -> Callable[[int], float]:
    """The delay of a network that takes so long at 256 pixels."""
    return lambda size: full_ms / 1000 * (size / 256) ** 2


def test_a_machine_that_keeps_up_stays_at_the_full_size() -> None:
    adapter = Adapter(256)
    assert set(drive(adapter, 30, by_area(20))) == {256}
    assert adapter.rate is None
    assert adapter.suggestion is None


def test_size_goes_down_to_one_that_keeps_up_and_no_further() -> None:
    adapter = Adapter(256)
    sizes = drive(adapter, 60, by_area(60))
    assert sizes[-1] == 160  # 23 ms; 192 would take 34 ms
    assert adapter.rate is None
    assert set(sizes[3:]) <= {160, 192}  # and stays there, but for tries


def test_where_no_size_keeps_up_frames_are_left_out_evenly() -> None:
    adapter = Adapter(256)
    drive(adapter, 20, by_area(400))
    assert adapter.size == min(adapter.sizes) == 128
    assert adapter.rate is not None
    assert 6 < adapter.rate < 10.1  # 100 ms at the least size


def test_full_size_and_rate_come_back_with_the_calm() -> None:
    adapter = Adapter(256)
    drive(adapter, 20, by_area(400))
    drive(adapter, 120, by_area(10), start=20)
    assert adapter.size == 256
    assert adapter.rate is None


def test_a_size_that_does_not_last_is_tried_less_and_less_often() -> None:
    """At 160 the machine keeps up by far, at 192 never, against the law of areas."""
    adapter = Adapter(256)
    sizes = drive(adapter, 600, lambda size: 0.012 if size <= 160 else 0.04)
    tries = [index for index, size in enumerate(sizes) if size > 160]
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) < 600 / WINDOW_SECONDS / CALM_WINDOWS / 4
    assert max(waits) >= 4 * CALM_WINDOWS


def test_model_of_one_size_is_only_run_less_often() -> None:
    adapter = Adapter(256, any_size=False)
    drive(adapter, 20, by_area(60))
    assert (adapter.size, adapter.sizes, adapter.suggestion) == (256, [256], None)
    assert adapter.rate is not None


def test_a_single_slow_frame_changes_nothing() -> None:
    adapter = Adapter(256)
    for frame in range(300):
        adapter.add(0.5 if frame % 50 == 20 else 0.02, WANTED, frame * WANTED)
    assert adapter.size == 256


def test_without_it_only_a_size_is_suggested() -> None:
    adapter = Adapter(256, on=False)
    drive(adapter, 10, by_area(60))
    assert (adapter.size, adapter.rate, adapter.suggestion) == (256, None, 160)
    adapter.hold(160)
    drive(adapter, 10, by_area(60), start=10)
    assert (adapter.size, adapter.suggestion) == (160, None)


def test_turned_off_it_leaves_size_and_rate_as_they_are() -> None:
    adapter = Adapter(256)
    drive(adapter, 20, by_area(400))
    adapter.on = False
    assert adapter.rate is None
    drive(adapter, 20, by_area(10), start=20)
    assert adapter.size == 128


def test_sizes_of_a_small_network() -> None:
    assert Adapter(64).sizes == [32, 64]
    assert Adapter(32).sizes == [32]
    assert Adapter(200).sizes == [96, 128, 160, 192, 200]


def test_flow_counts_what_comes_and_what_is_left_out() -> None:
    flow = Flow()
    assert (flow.age(1.0), flow.rate(1.0), flow.left_out(1.0, 30)) == (None, 0.0, 0.0)
    for frame in range(31):  # 10 colored a second of 25 that come
        flow.add(round(frame * 2.5), frame / 10)
    assert round(flow.rate(3.0)) == 10
    assert round(flow.incoming(3.0)) == 25
    assert abs(flow.left_out(3.0, 30) - 0.6) < 0.02
    assert flow.left_out(3.0, 10) < 0.02  # no more are wanted
    assert flow.age(3.5) == 0.5
    flow.add(1, 4.0)  # the camera was opened anew
    assert flow.incoming(4.0) == 0


def test_a_camera_slower_than_the_window_is_still_counted() -> None:
    flow = Flow()
    for second in (0, 5, 10):  # one frame in five seconds is colored, of thirty a second
        flow.add(30 * second, float(second))
    assert flow.rate(12) == 0.2
    assert flow.incoming(12) == 30
    assert flow.left_out(12, most=30) > 0.99
    assert flow.rate(21) == 0  # it has stopped
