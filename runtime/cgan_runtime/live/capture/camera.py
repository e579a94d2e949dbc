"""A camera that always hands out its newest frame and reconnects when it was lost.

    with Camera(lambda: open_feed("0")) as camera:
        frame = camera.newest(timeout=0.1)           # None: no new frame yet
        camera.state.message, camera.counts.dropped

A thread reads every frame at once and keeps only the last one, so that no frame gets old in a queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.live.capture.feeds import EndOfFeed, Feed
from cgan_runtime.live.capture.picture import RawFrame

FIRST_RETRY, MAX_RETRY = 0.5, 8.0  # seconds until a lost camera is opened again; doubles with each attempt
_CLOSE_SECONDS = 0.5  # that `close` waits for a device that hangs


class CameraStatus(Enum):
    """The state of a camera."""

    OPENING = "opening"
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"
    OFF = "off"  # of a camera of the server that nobody watches


@dataclass(frozen=True)
class CameraState:
    """The status of a camera, and a sentence about it for the user."""

    status: CameraStatus
    message: str


@dataclass(frozen=True)
class FrameCounts:
    """Frames read so far, frames dropped of these, and how often the feed was opened again after it was lost."""

    read: int = 0
    dropped: int = 0
    reconnects: int = 0

    def __add__(self, other: FrameCounts) -> FrameCounts:
        """The counts of two times together."""
        return FrameCounts(self.read + other.read, self.dropped + other.dropped, self.reconnects + other.reconnects)


@dataclass(frozen=True)
class CapturedFrame:
    """One frame; `number` counts the frames that were read before it."""

    luma: Plane  # as in `RawFrame`
    captured_at: float  # when it was read from the feed, seconds of the camera's clock
    number: int
    seen: Plane | None = None  # as in `RawFrame`


class Camera:
    """Reads a feed in its own thread. Any thread may take frames and read `state` and `counts`."""

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        *,
        drop_frames: bool = True,
        retry_first: bool = False,
        loop: bool = False,
        on_frame: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare; `start` or `with` opens the source with `open_feed`, which also reopens a lost one.

        Without `drop_frames` the feed waits until each frame is taken. `retry_first` tries again also when
        the source cannot be opened the first time; `loop` starts a file again at its end. `on_frame` runs in
        the reading thread for every new frame and must not block; `clock` returns seconds.
        """
        self.description = ""  # the format that the source delivers; empty until it was opened
        self._open, self._on_frame, self._clock = open_feed, on_frame, clock
        self._drop_frames, self._retry_first, self._loop = drop_frames, retry_first, loop
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._newest: CapturedFrame | None = None
        self.state = CameraState(CameraStatus.OPENING, "opening the camera")
        self.counts = FrameCounts()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._opened: Feed | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start reading; without `retry_first`, raise MediaError when the source cannot be opened."""
        if not self._retry_first:
            self._opened = self._open()
            self.description = self._opened.description
        self._thread.start()

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether there are no more frames, none is waiting, and `newest` raises no error."""
        with self._changed:
            return self.state.status is CameraStatus.ENDED and self._newest is None and self._failure is None

    def newest(self, timeout: float | None = None) -> CapturedFrame | None:
        """Take the newest frame that was not taken yet; wait for one if there is none.

        The result is None after `timeout` seconds, or when the camera has ended or was closed. An unexpected
        error of the reading thread is raised here, and a ConfigError when the first picture does not fit the settings.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._finished(), timeout)
            if self._failure is not None:
                raise self._failure
            frame, self._newest = self._newest, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Stop reading and release the source. A second call does nothing."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        elif self._opened is not None:
            self._opened.close()

    def _finished(self) -> bool:
        return self._stopping.is_set() or self.state.status is CameraStatus.ENDED

    def _run(self) -> None:
        try:
            self._keep_reading()
        except BaseException as error:  # noqa: BLE001 (raised again in `newest`)
            self._failure = error
            self._set_state(CameraStatus.ENDED, f"{error}")

    def _keep_reading(self) -> None:
        wait, opened, lost = FIRST_RETRY, False, False
        while not self._stopping.is_set():
            try:
                feed, self._opened = self._opened or self._open(), None
            except MediaError as error:
                lost = opened
                wait = self._wait_to_retry(f"{error}", wait)
                continue
            with self._changed:
                self.counts = replace(self.counts, reconnects=self.counts.reconnects + lost)
            opened, lost = True, False
            self.description = feed.description
            read_before = self.counts.read
            try:
                self._set_state(CameraStatus.LIVE, feed.description)
                self._read(feed)
            except EndOfFeed:
                if not self._loop:
                    self._set_state(CameraStatus.ENDED, "the video has ended")
                    return
            except (MediaError, ConfigError) as error:
                if isinstance(error, ConfigError) and not self.counts.read:
                    raise  # no picture ever fitted the settings
                lost, worked = True, self.counts.read > read_before
                wait = self._wait_to_retry(f"{error}", FIRST_RETRY if worked else wait)
            finally:
                feed.close()

    def _read(self, feed: Feed) -> None:
        """Read frames, each at its time, until the feed ends or fails, or the camera is closed."""
        began = self._clock()
        while not self._stopping.is_set():
            frame = feed.read()
            if frame.time is not None:
                late = self._clock() - began - frame.time
                if late > 0 and not self._drop_frames:
                    began += late  # a feed that waits does not catch up
                if late < 0 and self._stopping.wait(-late):
                    return
            self._put(frame)

    def _put(self, frame: RawFrame) -> None:
        with self._changed:
            if not self._drop_frames:
                self._changed.wait_for(lambda: self._newest is None or self._stopping.is_set())
            dropped = self.counts.dropped + (self._newest is not None)
            self._newest = CapturedFrame(frame.luma, self._clock(), self.counts.read, frame.seen)
            self.counts = replace(self.counts, read=self.counts.read + 1, dropped=dropped)
            self._changed.notify_all()
        self._on_frame()

    def _wait_to_retry(self, reason: str, wait: float) -> float:
        """Wait after the source was lost; return the next waiting time in seconds."""
        self._set_state(CameraStatus.LOST, f"{reason}; trying again in {wait:g} s")
        self._stopping.wait(wait)
        return min(2 * wait, MAX_RETRY)

    def _set_state(self, status: CameraStatus, message: str) -> None:
        with self._changed:
            self.state = CameraState(status, message)
            self._changed.notify_all()
