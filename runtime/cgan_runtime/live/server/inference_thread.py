"""The one thread that owns the back end: it colors what its lanes hold, one piece of each in turn.

    engine = Engine(open_colorizer)
    engine.start()                                   # the model is open now, or this raises
    engine.add(lane)                                 # its `take`, and what that gives, run in the thread
    engine.wake()                                    # a lane has something new
    engine.stop()

A lane holds the newest of its own only, so nobody waits behind a queue: with n lanes each gets an n-th.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import CganError

_IDLE_SECONDS = 0.5  # a lane that forgot to wake the engine is looked at after this
_STOP_SECONDS = 1.5  # for the piece that is being worked on


class Lane(ABC):
    """Work that comes in pieces, of which only the newest counts."""

    @abstractmethod
    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        """The next piece, to be called at once; None if there is none. In the engine's thread."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """A piece has raised this: the lane's own trouble, nobody else's. In the engine's thread."""


@dataclass(frozen=True)
class EngineInfo:
    """What colors, for people."""

    backend: str
    device: str
    model: str
    size: int


class Engine:
    """Runs from `start` to `stop`.

    Attributes:
        info: What colors; of use once started.
    """

    def __init__(self, open_colorizer: Callable[[], AbstractContextManager[Colorizer]]) -> None:
        """Take what opens the colorizer; it is called in the engine's thread, and closed there."""
        self.info = EngineInfo("", "", "", 0)
        self._open = open_colorizer
        self._lanes: list[Lane] = []
        self._changed = threading.Condition()
        self._woken = self._stopping = False
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Open the model.

        Raises:
            CganError: It cannot be opened.
        """
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def add(self, lane: Lane) -> None:
        """Work for a lane from now on."""
        with self._changed:
            self._lanes.append(lane)
        self.wake()

    def remove(self, lane: Lane) -> None:
        """Work for it no longer; the piece that is being worked on is finished."""
        with self._changed:
            if lane in self._lanes:
                self._lanes.remove(lane)

    def wake(self) -> None:
        """Look at the lanes again."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Close the model. Calling it twice is harmless."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            with self._open() as colorizer:
                backend = colorizer.backend
                self.info = EngineInfo(backend.name, backend.device, backend.manifest.name, colorizer.side)
                self._started.set()
                while not self._stopping:
                    self._work_once(colorizer)
        except BaseException as error:  # noqa: BLE001 (raised again by `start`)
            self._failure = error
        finally:
            self._started.set()

    def _work_once(self, colorizer: Colorizer) -> None:
        """Work on one piece of each lane, or wait where there is none."""
        with self._changed:
            lanes, self._woken = list(self._lanes), False
        busy = False
        for lane in lanes:
            if self._stopping:
                return
            try:
                if (work := lane.take(colorizer)) is not None:
                    busy = True
                    work()
            except Exception as error:  # noqa: BLE001 (told to the lane's owner; others go on)
                lane.failed(error)
        if not busy:
            with self._changed:
                self._changed.wait_for(lambda: self._woken or self._stopping, _IDLE_SECONDS)


class RateLimit:
    """Lets so many pieces a second pass, and a few at once after a pause."""

    _BURST = 2.0  # pieces; a camera's own rate is never quite even

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a full allowance of `rate` pieces a second."""
        self._rate, self._clock = rate, clock
        self._allowance, self._last = self._BURST, clock()

    def passes(self) -> bool:
        """Whether one more may pass now; it counts as passed then."""
        now = self._clock()
        self._allowance = min(self._BURST, self._allowance + (now - self._last) * self._rate)
        self._last = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def told(error: Exception) -> str:
    """What went wrong, for the page: ours as it is, other things by their kind alone."""
    return str(error) if isinstance(error, CganError) else f"something failed here ({type(error).__name__})"
