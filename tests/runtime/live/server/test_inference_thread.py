"""The inference thread, its sources, and which frames a viewer gets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import pytest
from tests.fakes import FakeBackend, warm_above_cool_below
from tests.runtime.live.conftest import FakeFeed, gray_image
from tests.runtime.live.serving import until

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.color.levels import Levels
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ConfigError, MediaError
from cgan_runtime.live.capture.camera import CameraStatus
from cgan_runtime.live.capture.picture import RawFrame
from cgan_runtime.live.server.frame_sources import BrowserCamera, JpegFrame, ServerCamera, SourceSettings
from cgan_runtime.live.server.inference_thread import FrameSource, InferenceThread, RateLimit, public_message
from cgan_runtime.live.server.viewers import IN_FLIGHT, Viewer
from cgan_runtime.temporal.settings import TemporalSettings


class CountingSource(FrameSource):
    """Has so many frames; with `fails`, coloring them raises an error."""

    def __init__(self, frames: int, log: list[str], name: str, *, fails: bool = False) -> None:
        self.frames, self.log, self.name, self.fails = frames, log, name, fails
        self.errors: list[Exception] = []

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        assert threading.current_thread().name == "inference"
        if not self.frames:
            return None
        self.frames -= 1
        return self._work

    def _work(self) -> None:
        self.log.append(self.name)
        if self.fails:
            raise MediaError("this one is damaged")

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


def inference_with(backend: FakeBackend) -> InferenceThread:
    return InferenceThread(lambda: Colorizer(backend))


def test_sources_take_turns_and_errors_of_one_do_not_disturb_others() -> None:
    log: list[str] = []
    inference = inference_with(FakeBackend())
    sources = [
        CountingSource(5, log, "a"), CountingSource(5, log, "b", fails=True), CountingSource(5, log, "c"),
    ]  # fmt: skip
    for source in sources:
        inference.add(source)
    inference.start()
    until(lambda: len(log) == 15)
    inference.stop()
    assert log == ["a", "b", "c"] * 5
    assert [str(error) for error in sources[1].errors] == ["this one is damaged"] * 5
    assert sources[0].errors == []


def test_a_frame_that_never_ends_is_no_good_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgan_runtime.live.server.inference_thread._STUCK_SECONDS", 0.05)
    let_go = threading.Event()

    class Endless(CountingSource):
        def _work(self) -> None:
            let_go.wait()

    inference = inference_with(FakeBackend())
    assert not inference.healthy  # not started
    inference.start()
    assert inference.healthy
    inference.add(Endless(1, [], "endless"))
    until(lambda: not inference.healthy)
    let_go.set()
    until(lambda: inference.healthy)
    inference.stop()
    assert not inference.healthy


def test_frames_of_a_camera_are_counted_over_all_times_that_it_was_on() -> None:
    inference = inference_with(FakeBackend())
    inference.start()
    camera = ServerCamera(inference, SourceSettings(TemporalSettings()), lambda: FakeFeed(3, error="unplugged"))
    inference.add(camera)
    before = 0
    for _ in range(2):
        camera.open()
        until(lambda: camera.counts.read == 3)
        camera.close()
        assert camera.counts.read == 0
        assert camera.total.read == before + 3
        assert camera.total.reconnects == 0  # it was turned on again, not lost
        before = camera.total.read
    inference.stop()


def test_model_is_opened_and_closed_in_the_thread() -> None:
    backend = FakeBackend()
    inference = inference_with(backend)
    inference.start()
    assert (inference.info.backend, inference.info.device, inference.info.model) == ("fake", "none", "fake")
    inference.stop()
    inference.stop()
    assert backend._closed


def test_model_that_cannot_be_opened_is_an_error_at_start() -> None:
    def fail() -> Colorizer:
        raise BackendUnavailable("nothing works here")

    with pytest.raises(BackendUnavailable, match="nothing works here"):
        InferenceThread(fail).start()


def test_public_messages_hide_details_of_bugs() -> None:
    assert public_message(MediaError("the image is damaged")) == "the image is damaged"
    assert public_message(KeyError("/home/me/secret")) == "an internal error (KeyError)"


def test_rate_limit_allows_an_even_camera_and_thins_a_fast_one() -> None:
    now = 0.0
    limit = RateLimit(30, lambda: now)
    allowed = []
    for frame in range(300):  # 30 a second, a little uneven
        now = frame / 30 + (0.004 if frame % 3 else 0.0)
        allowed.append(limit.allow())
    assert all(allowed)
    limit = RateLimit(30, lambda: now)
    began = now
    count = 0
    for frame in range(1200):  # 120 a second
        now = began + frame / 120
        count += limit.allow()
    assert count == pytest.approx(300, abs=3)


def frame(number: int) -> JpegFrame:
    return JpegFrame(number, 0.0, 0.0, b"")


def test_viewer_gets_the_newest_frame_and_no_more_than_it_confirms() -> None:
    async def view() -> None:
        viewer = Viewer()
        for number in range(IN_FLIGHT):
            viewer.offer(frame(number))
            sent = await viewer.next(0.01)
            assert sent is not None
            assert sent.number == number
        for number in range(10, 20):
            viewer.offer(frame(number))
        assert await viewer.next(0.01) is None  # two are unconfirmed
        viewer.confirm(77)  # never sent
        assert await viewer.next(0.01) is None
        viewer.confirm(0)
        sent = await viewer.next(0.01)
        assert sent is not None
        assert sent.number == 19  # none of those between
        viewer.offer("the camera is lost")
        assert await viewer.next(1) is None
        assert viewer.error == "the camera is lost"

    asyncio.run(view())


def test_servers_camera_is_opened_on_demand_and_closed() -> None:
    feeds: list[FakeFeed] = []
    delivered: list[JpegFrame | str] = []
    inference = inference_with(FakeBackend())

    def open_feed() -> FakeFeed:
        feeds.append(FakeFeed(1000, pace=lambda index: index / 100))
        return feeds[-1]

    inference.start()
    camera = ServerCamera(inference, SourceSettings(TemporalSettings("off"), 200), open_feed)
    camera.deliver = delivered.append
    inference.add(camera)
    assert not feeds
    assert camera.state.message == "off while nobody watches"
    camera.open()
    camera.open()  # does nothing
    until(lambda: len(delivered) > 5)
    camera.close()
    inference.stop()
    assert len(feeds) == 1
    until(lambda: feeds[0].closed == 1)
    numbers = [each.number for each in delivered if isinstance(each, JpegFrame)]
    assert numbers == sorted(set(numbers))


def test_servers_camera_whose_pictures_do_not_fit_the_settings_says_so_and_stays_ended() -> None:
    delivered: list[JpegFrame | str] = []

    class Small(FakeFeed):
        def read(self) -> RawFrame:
            raise ConfigError("--crop 640x480 is not within the picture")

    inference = inference_with(FakeBackend())
    inference.start()
    camera = ServerCamera(inference, SourceSettings(TemporalSettings("off")), lambda: Small(1))
    camera.deliver = delivered.append
    inference.add(camera)
    camera.open()
    until(lambda: camera.state.status is CameraStatus.ENDED)
    assert camera.take(cast(Colorizer, None)) is None
    assert "--crop 640x480" in camera.state.message
    camera.close()
    assert camera.state.status is CameraStatus.OFF
    inference.stop()
    assert not delivered


def test_levels_of_a_browsers_camera() -> None:
    delivered: list[JpegFrame | str] = []
    inference = inference_with(FakeBackend())
    inference.start()
    camera = BrowserCamera(inference, SourceSettings(TemporalSettings("off"), levels=Levels("auto")))
    camera.deliver = delivered.append
    inference.add(camera)
    camera.put(7, cv2.imencode(".jpg", gray_image(0) // 10)[1].tobytes())
    until(lambda: delivered)
    inference.stop()
    (frame,) = delivered
    assert isinstance(frame, JpegFrame)
    luma = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.ptp(np.percentile(luma, (1, 99))) > 150


def test_engine_that_refuses_other_sizes_gets_its_own_again() -> None:
    def only_64(lightness: FloatArray) -> FloatArray:
        if lightness.shape[2:] != (64, 64):
            raise BackendUnavailable("the engine takes 64x64")
        return warm_above_cool_below(lightness)

    delivered: list[JpegFrame | str] = []
    inference = inference_with(FakeBackend(only_64))
    inference.start()
    camera = BrowserCamera(inference, SourceSettings(TemporalSettings("off")))
    camera.deliver = delivered.append
    camera.adapter.hold(32)
    inference.add(camera)
    image = cv2.imencode(".jpg", gray_image(0, (64, 64)))[1].tobytes()
    camera.put(1, image)
    until(lambda: delivered)
    assert "the engine takes" in str(delivered[0])
    camera.put(2, image)
    until(lambda: len(delivered) > 1)
    inference.stop()
    assert isinstance(delivered[1], JpegFrame)
    assert camera.adapter.size == 64
