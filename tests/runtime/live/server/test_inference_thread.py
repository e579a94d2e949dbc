"""The thread that owns the back end, its lanes, and who is sent which frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from tests.fakes import FakeBackend
from tests.runtime.live.conftest import MadeUpFeed
from tests.runtime.live.serving import until

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, MediaError
from cgan_runtime.live.server.frame_sources import CameraLane, Colored
from cgan_runtime.live.server.inference_thread import Engine, Lane, RateLimit, told
from cgan_runtime.live.server.viewers import IN_FLIGHT, Viewer
from cgan_runtime.temporal.filter import TemporalSettings


class Counting(Lane):
    """Has so many pieces, of which some fail."""

    def __init__(self, pieces: int, log: list[str], name: str, *, fails: bool = False) -> None:
        self.pieces, self.log, self.name, self.fails = pieces, log, name, fails
        self.errors: list[Exception] = []

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        assert threading.current_thread().name == "engine"
        if not self.pieces:
            return None
        self.pieces -= 1
        return self._work

    def _work(self) -> None:
        self.log.append(self.name)
        if self.fails:
            raise MediaError("this one is damaged")

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


def engine_with(backend: FakeBackend) -> Engine:
    return Engine(lambda: Colorizer(backend))


def test_lanes_take_turns_and_one_that_fails_disturbs_nobody() -> None:
    log: list[str] = []
    engine = engine_with(FakeBackend())
    lanes = [Counting(5, log, "a"), Counting(5, log, "b", fails=True), Counting(5, log, "c")]
    for lane in lanes:
        engine.add(lane)
    engine.start()
    until(lambda: len(log) == 15)
    engine.stop()
    assert log == ["a", "b", "c"] * 5
    assert [str(error) for error in lanes[1].errors] == ["this one is damaged"] * 5
    assert lanes[0].errors == []


def test_model_is_opened_and_closed_in_the_engines_thread_and_told() -> None:
    backend = FakeBackend()
    engine = engine_with(backend)
    engine.start()
    assert (engine.info.backend, engine.info.device, engine.info.model) == ("fake", "none", "fake")
    engine.stop()
    engine.stop()
    assert backend._closed


def test_model_that_cannot_be_opened_is_an_error_at_the_start() -> None:
    def fail() -> Colorizer:
        raise BackendUnavailable("nothing works here")

    with pytest.raises(BackendUnavailable, match="nothing works here"):
        Engine(fail).start()


def test_what_is_told_to_strangers_holds_no_details_of_bugs() -> None:
    assert told(MediaError("the image is damaged")) == "the image is damaged"
    assert told(KeyError("/home/me/secret")) == "something failed here (KeyError)"


def test_rate_limit_passes_an_even_camera_whole_and_a_fast_one_in_part() -> None:
    now = 0.0
    limit = RateLimit(30, lambda: now)
    passed = []
    for frame in range(300):  # 30 a second, a little uneven
        now = frame / 30 + (0.004 if frame % 3 else 0.0)
        passed.append(limit.passes())
    assert all(passed)
    limit = RateLimit(30, lambda: now)
    began = now
    count = 0
    for frame in range(1200):  # 120 a second
        now = began + frame / 120
        count += limit.passes()
    assert count == pytest.approx(300, abs=3)


def frame(number: int) -> Colored:
    return Colored(number, 0.0, 0.0, b"")


def test_viewer_is_sent_the_newest_and_no_more_than_it_shows() -> None:
    async def look() -> None:
        viewer = Viewer()
        for number in range(IN_FLIGHT):
            viewer.offer(frame(number))
            sent = await viewer.next(0.01)
            assert sent is not None
            assert sent.number == number
        for number in range(10, 20):
            viewer.offer(frame(number))
        assert await viewer.next(0.01) is None  # it owes two
        viewer.shown(77)  # never sent
        assert await viewer.next(0.01) is None
        viewer.shown(0)
        sent = await viewer.next(0.01)
        assert sent is not None
        assert sent.number == 19  # and none of those between
        viewer.offer("the camera has gone")
        assert await viewer.next(1) is None
        assert viewer.trouble == "the camera has gone"

    asyncio.run(look())


def test_camera_of_the_box_is_colored_once_and_closed() -> None:
    feeds: list[MadeUpFeed] = []
    got: list[Colored | str] = []
    engine = engine_with(FakeBackend())

    def open_feed() -> MadeUpFeed:
        feeds.append(MadeUpFeed(1000, turn=lambda index: index / 100))
        return feeds[-1]

    lane = CameraLane(open_feed, engine, TemporalSettings("off"), 200, got.append)
    engine.add(lane)
    engine.start()
    assert not feeds
    assert lane.state.message == "off while nobody looks"
    lane.open()
    lane.open()  # harmless
    until(lambda: len(got) > 5)
    lane.close()
    engine.stop()
    assert len(feeds) == 1
    until(lambda: feeds[0].closed == 1)
    numbers = [each.number for each in got if isinstance(each, Colored)]
    assert numbers == sorted(set(numbers))
