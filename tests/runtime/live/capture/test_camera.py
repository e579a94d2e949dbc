"""The newest frame only, counts, pace, coming back, closing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.runtime.live.conftest import MadeUpFeed, StepByStep

from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture import camera as module
from cgan_runtime.live.capture.camera import Camera, CameraStatus
from cgan_runtime.live.capture.feeds import Feed

PATIENCE = 20.0  # seconds; only a test that fails waits so long


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.002)


def test_a_slow_taker_gets_the_newest_frame_and_drops_are_counted() -> None:
    steps = StepByStep()
    with Camera(lambda: MadeUpFeed(100, turn=steps)) as camera:
        for shown in range(10):  # the camera is three times as fast
            steps.give(3)
            until(lambda read=3 * shown + 3: camera.counts.read == read)  # type: ignore[misc]
            shot = camera.newest()
            assert shot is not None
            assert shot.number == 3 * shown + 2
        assert camera.counts.dropped == 20
        assert camera.newest(timeout=0) is None


def test_a_video_that_is_no_camera_loses_no_frame() -> None:
    with Camera(lambda: MadeUpFeed(20), drops=False) as camera:
        numbers = []
        while (shot := camera.newest(PATIENCE)) is not None:
            numbers.append(shot.number)
    assert numbers == list(range(20))
    assert camera.counts.dropped == 0
    assert camera.ended


def test_a_video_as_camera_keeps_its_own_pace() -> None:
    times = []
    began = time.perf_counter()
    with Camera(lambda: MadeUpFeed(5, turn=lambda index: index * 0.05)) as camera:
        while (shot := camera.newest(PATIENCE)) is not None:
            times.append((shot.number, shot.captured - began))
    assert all(captured >= number * 0.05 for number, captured in times)


def test_a_camera_that_goes_away_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    feeds: list[MadeUpFeed] = []
    refusals = iter([False, True, True, False])
    messages = set()

    def plug_in() -> Feed:
        if next(refusals, False):
            raise MediaError("no camera there")
        feeds.append(MadeUpFeed(4, error="unplugged"))
        return feeds[-1]

    with Camera(plug_in) as camera:

        def came_back() -> bool:
            messages.add(camera.state.message)
            return camera.counts.reconnects >= 1 and camera.newest(timeout=0.01) is not None

        until(came_back)
    assert feeds[0].closed == 1
    assert any("unplugged; trying again in 0.01 s" in message for message in messages)
    assert any("no camera there; trying again in" in message for message in messages)


def test_waits_grow_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.004)
    waits: list[float] = []

    def nothing() -> Feed:
        raise MediaError("nothing")

    camera = Camera(nothing, patient=True)
    rest = camera._rest
    monkeypatch.setattr(camera, "_rest", lambda reason, wait: waits.append(wait) or rest(reason, wait))
    with camera:
        until(lambda: len(waits) >= 6)
        assert camera.state.status is CameraStatus.GONE
    assert waits[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]


def test_a_camera_that_was_never_there_is_an_error_at_once() -> None:
    def nothing() -> Feed:
        raise MediaError("no camera there")

    with pytest.raises(MediaError, match="no camera there"):
        Camera(nothing).start()


def test_an_endless_video_begins_anew() -> None:
    with Camera(lambda: MadeUpFeed(3), drops=False, endless=True) as camera:
        shots = [camera.newest(PATIENCE) for _ in range(8)]
    assert [shot.number for shot in shots if shot] == list(range(8))
    assert camera.counts.reconnects == 2


def test_a_bug_in_the_reading_thread_reaches_the_taker() -> None:
    class Broken(MadeUpFeed):
        def read(self) -> None:  # type: ignore[override]
            raise ZeroDivisionError

    with Camera(lambda: Broken(1)) as camera, pytest.raises(ZeroDivisionError):
        camera.newest(PATIENCE)


def test_closing_lets_the_source_go_also_while_it_waits() -> None:
    feed = MadeUpFeed(10)
    camera = Camera(lambda: feed, drops=False)  # waits for its taker
    camera.start()
    until(lambda: camera.counts.read == 1)
    camera.close()
    camera.close()
    assert feed.closed == 1
    assert camera.newest() is not None  # what was there
    assert camera.newest() is None  # and no waiting for more
