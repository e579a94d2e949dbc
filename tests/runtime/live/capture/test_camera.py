"""A camera hands out its newest frame, counts frames, keeps a video's pace, reconnects and closes."""

from __future__ import annotations

import time

import pytest
from tests.runtime.live.conftest import FakeFeed, StepByStep
from tests.runtime.live.serving import TIMEOUT, until

from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.live.capture import camera as module
from cgan_runtime.live.capture.camera import Camera, CameraState, CameraStatus
from cgan_runtime.live.capture.feeds import Feed
from cgan_runtime.live.capture.picture import RawFrame

INTERVAL = 0.002  # seconds between looks


def test_slow_consumer_gets_the_newest_frame_and_drops_are_counted() -> None:
    steps = StepByStep()
    with Camera(lambda: FakeFeed(100, pace=steps)) as camera:
        for index in range(10):  # the camera is three times as fast
            steps.allow(3)
            until(lambda read=3 * index + 3: camera.counts.read == read, INTERVAL)  # type: ignore[misc]
            frame = camera.newest()
            assert frame is not None
            assert frame.number == 3 * index + 2
        assert camera.counts.dropped == 20
        assert camera.newest(timeout=0) is None


def test_video_without_dropping_loses_no_frame() -> None:
    with Camera(lambda: FakeFeed(20), drop_frames=False) as camera:
        numbers = []
        while (frame := camera.newest(TIMEOUT)) is not None:
            numbers.append(frame.number)
    assert numbers == list(range(20))
    assert camera.counts.dropped == 0
    assert camera.ended


def test_video_as_camera_keeps_its_pace() -> None:
    times = []
    began = time.perf_counter()
    with Camera(lambda: FakeFeed(5, pace=lambda index: index * 0.05)) as camera:
        while (frame := camera.newest(TIMEOUT)) is not None:
            times.append((frame.number, frame.captured_at - began))
    assert all(captured >= number * 0.05 for number, captured in times)


def test_lost_camera_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    feeds: list[FakeFeed] = []
    refusals = iter([False, True, True, False])
    messages = set()

    def open_feed() -> Feed:
        if next(refusals, False):
            raise MediaError("no camera there")
        feeds.append(FakeFeed(4, error="unplugged"))
        return feeds[-1]

    with Camera(open_feed) as camera:

        def reconnected() -> bool:
            messages.add(camera.state.message)
            return camera.counts.reconnects >= 1 and camera.newest(timeout=0.01) is not None

        until(reconnected, INTERVAL)
    assert camera.counts.reconnects == len(feeds) - 1
    assert feeds[0].closed == 1
    assert any("unplugged; trying again in 0.01 s" in message for message in messages)
    assert any("no camera there; trying again in" in message for message in messages)


def test_first_picture_that_does_not_fit_the_settings_ends_it() -> None:
    feeds: list[Feed] = []

    class Small(FakeFeed):
        def read(self) -> RawFrame:
            raise ConfigError("--crop 640x480 is not within the picture")

    def open_feed() -> Feed:
        feeds.append(Small(1))
        return feeds[-1]

    with Camera(open_feed, retry_first=True, loop=True) as camera:
        with pytest.raises(ConfigError, match="--crop"):
            camera.newest(TIMEOUT)
        assert camera.state == CameraState(CameraStatus.ENDED, "--crop 640x480 is not within the picture")
        assert not camera.ended  # so that who looks at it first meets the error
    assert len(feeds) == 1


def test_camera_whose_pictures_become_too_small_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)

    class Shrinks(FakeFeed):
        def read(self) -> RawFrame:
            if self._delivered:
                raise ConfigError("--crop 640x480 is not within the picture")
            return super().read()

    with Camera(lambda: Shrinks(1)) as camera:
        until(lambda: camera.newest(0.01) is not None and camera.counts.reconnects >= 1, INTERVAL)


def test_retry_wait_doubles_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(module, "MAX_RETRY", 0.004)
    waits: list[float] = []

    def nothing() -> Feed:
        raise MediaError("nothing")

    camera = Camera(nothing, retry_first=True)
    wait_to_retry = camera._wait_to_retry
    monkeypatch.setattr(
        camera, "_wait_to_retry", lambda reason, wait: waits.append(wait) or wait_to_retry(reason, wait)
    )
    with camera:
        until(lambda: len(waits) >= 6, INTERVAL)
        assert camera.state.status is CameraStatus.LOST
    assert waits[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]


def test_missing_camera_is_an_error_at_once() -> None:
    def nothing() -> Feed:
        raise MediaError("no camera there")

    with pytest.raises(MediaError, match="no camera there"):
        Camera(nothing).start()


def test_looped_video_starts_again() -> None:
    with Camera(lambda: FakeFeed(3), drop_frames=False, loop=True) as camera:
        frames = [camera.newest(TIMEOUT) for _ in range(8)]
    assert [frame.number for frame in frames if frame] == list(range(8))
    assert camera.counts.reconnects == 0  # it was not lost


def test_error_in_the_reading_thread_reaches_the_consumer() -> None:
    class Broken(FakeFeed):
        def read(self) -> None:  # type: ignore[override]
            raise ZeroDivisionError

    with Camera(lambda: Broken(1)) as camera, pytest.raises(ZeroDivisionError):
        camera.newest(TIMEOUT)


def test_close_releases_a_source_that_waits() -> None:
    feed = FakeFeed(10)
    camera = Camera(lambda: feed, drop_frames=False)  # waits for its consumer
    camera.start()
    until(lambda: camera.counts.read == 1, INTERVAL)
    camera.close()
    camera.close()
    assert feed.closed == 1
    assert camera.newest() is not None  # the waiting frame
    assert camera.newest() is None  # does not wait for more
