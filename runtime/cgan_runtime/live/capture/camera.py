"""A camera: always the newest frame, however slow its taker is; it comes back when it went away.

    with Camera(lambda: open_feed("0")) as camera:
        shot = camera.newest(timeout=0.1)            # None: nothing new yet
        camera.state.message, camera.counts.dropped

A thread reads every frame as it comes, so that none grows old in a queue, and keeps the last alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture.feeds import EndOfFeed, Feed, RawFrame

FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
"""Seconds until a camera that went away is tried again; twice as long each time."""

_CLOSE_SECONDS = 0.5
"""A device that hangs while it is read is left to its thread after this."""


class CameraStatus(Enum):
    """What a camera does."""

    OPENING = "opening"
    LIVE = "live"
    GONE = "gone"
    ENDED = "ended"


@dataclass(frozen=True)
class CameraState:
    """What a camera does, and a sentence about it for people."""

    status: CameraStatus
    message: str


@dataclass(frozen=True)
class Counts:
    """Frames so far: read from the feed, of these never taken; and how often the feed was opened again."""

    read: int = 0
    dropped: int = 0
    reconnects: int = 0


@dataclass(frozen=True)
class CapturedFrame:
    """One frame.

    Attributes:
        luma: As of `RawFrame`.
        captured: When it was read from the feed, by the camera's clock, seconds.
        number: Frames that were read before it.
    """

    luma: Plane
    captured: float
    number: int


class Camera:
    """Reads a feed in a thread of its own. Any thread may take frames.

    Attributes:
        description: What the source says that it gives; empty while it was not open yet.
    """

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        *,
        drops: bool = True,
        patient: bool = False,
        endless: bool = False,
        on_frame: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare; nothing is opened before `start`, or `with`.

        Args:
            open_feed: Opens the source; called again when it has gone away.
            drops: A frame that is not taken in time is dropped. Otherwise the feed waits for its taker.
            patient: A source that cannot be opened at first is tried again, too.
            endless: A file begins anew at its end.
            on_frame: Called in the reading thread when there is a new frame; it must not wait.
            clock: Seconds; a test may have one of its own.
        """
        self.description = ""
        self._open, self._clock = open_feed, clock
        self._drops, self._patient, self._endless = drops, patient, endless
        self._on_frame = on_frame
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._waiting: CapturedFrame | None = None
        self._state = CameraState(CameraStatus.OPENING, "opening the camera")
        self._counts = Counts()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._first: Feed | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin to read.

        Raises:
            MediaError: The source cannot be opened, and the camera is not patient.
        """
        if not self._patient:
            self._first = self._open()
            self.description = self._first.description
        self._thread.start()

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> CameraState:
        """What it does now."""
        with self._changed:
            return self._state

    @property
    def counts(self) -> Counts:
        """Frames so far."""
        with self._changed:
            return self._counts

    @property
    def ended(self) -> bool:
        """Whether there will be no more, and nothing waits."""
        with self._changed:
            return self._state.status is CameraStatus.ENDED and self._waiting is None

    def newest(self, timeout: float | None = None) -> CapturedFrame | None:
        """Take the newest frame that has not been taken; wait for one if there is none.

        Returns:
            None after `timeout` seconds, or where the camera has ended or was closed.

        Raises:
            BaseException: What ended the reading, if that was neither the source's end nor its absence.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._over(), timeout)
            if self._failure is not None:
                raise self._failure
            shot, self._waiting = self._waiting, None
            self._changed.notify_all()
            return shot

    def close(self) -> None:
        """Stop reading and let the source go. Calling it twice is harmless."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        elif self._first is not None:
            self._first.close()

    def _over(self) -> bool:
        return self._stopping.is_set() or self._state.status is CameraStatus.ENDED

    def _run(self) -> None:
        try:
            self._keep_reading()
        except BaseException as error:  # noqa: BLE001 (raised again in the taker's thread)
            self._failure = error
            self._say(CameraStatus.ENDED, f"{error}")

    def _keep_reading(self) -> None:
        wait, opened = FIRST_WAIT, 0
        while not self._stopping.is_set():
            try:
                feed, self._first = self._first or self._open(), None
            except MediaError as error:
                wait = self._rest(f"{error}", wait)
                continue
            self._count_reconnects(opened)
            opened += 1
            self.description = feed.description
            read_before = self._counts.read
            try:
                self._say(CameraStatus.LIVE, feed.description)
                self._read(feed)
            except EndOfFeed:
                if not self._endless:
                    self._say(CameraStatus.ENDED, "the video has ended")
                    return
            except MediaError as error:
                if self._counts.read > read_before:
                    wait = FIRST_WAIT
                wait = self._rest(f"{error}", wait)
            finally:
                feed.close()

    def _read(self, feed: Feed) -> None:
        """Read frame after frame, each at its time, until the feed ends, fails, or is no longer wanted."""
        began = self._clock()
        while not self._stopping.is_set():
            glimpse = feed.read()
            if glimpse.time is not None:
                # A feed that waits for its taker loses no time that it would have to make up for.
                late = self._clock() - began - glimpse.time
                if late > 0 and not self._drops:
                    began += late
                if late < 0 and self._stopping.wait(-late):
                    return
            self._put(glimpse)

    def _put(self, glimpse: RawFrame) -> None:
        with self._changed:
            if not self._drops:
                self._changed.wait_for(lambda: self._waiting is None or self._stopping.is_set())
            shot = CapturedFrame(glimpse.luma, self._clock(), self._counts.read)
            dropped = self._counts.dropped + (self._waiting is not None)
            self._counts = replace(self._counts, read=self._counts.read + 1, dropped=dropped)
            self._waiting = shot
            self._changed.notify_all()
        self._on_frame()

    def _rest(self, reason: str, wait: float) -> float:
        """Say that the source has gone away, wait, and give how long to wait the next time."""
        self._say(CameraStatus.GONE, f"{reason}; trying again in {wait:g} s")
        self._stopping.wait(wait)
        return min(2 * wait, LONGEST_WAIT)

    def _say(self, status: CameraStatus, message: str) -> None:
        with self._changed:
            self._state = CameraState(status, message)
            self._changed.notify_all()

    def _count_reconnects(self, reconnects: int) -> None:
        with self._changed:
            self._counts = replace(self._counts, reconnects=reconnects)
