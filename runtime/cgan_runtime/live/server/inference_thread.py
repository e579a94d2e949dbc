"""The one thread that owns the back end: it colors one frame of each source in turn.

    thread = InferenceThread(open_colorizer)
    thread.start()                                   # opens the model, or raises
    thread.add(source)
    thread.wake()                                    # a source has a new frame
    thread.stop()

A source keeps only its newest frame, so there is no queue: with n sources each gets an n-th of the time.
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
from cgan_runtime.guide.memory import takes_guide

_IDLE_SECONDS = 0.5  # until sources are polled without a `wake`
_STUCK_SECONDS = 60.0  # that no frame takes, on no machine
_STOP_SECONDS = 1.5  # for the frame in progress


class FrameSource(ABC):
    """Something that has frames to color, of which only the newest counts."""

    @abstractmethod
    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        """Return a function that colors the newest frame, or None. Both run in the inference thread."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """Handle an error of that function. Runs in the inference thread; other sources go on."""


@dataclass(frozen=True)
class InferenceInfo:
    """What colors the frames: names of back end, device and model, and the network's input size."""

    backend: str
    device: str
    model: str
    size: int
    any_size: bool = True  # whether a camera may be colored at another
    takes_guide: bool = False  # whether the model takes placed colors


class InferenceThread:
    """Runs from `start` to `stop`."""

    def __init__(self, open_colorizer: Callable[[], AbstractContextManager[Colorizer]]) -> None:
        """`open_colorizer` is called, and its result closed, in the thread."""
        self.info = InferenceInfo("", "", "", 0)  # valid after `start`
        self._open = open_colorizer
        self._sources: list[FrameSource] = []
        self._changed = threading.Condition()
        self._woken = self._stopping = False
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._busy_since: float | None = None  # since when one frame is being colored
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Start the thread and wait until it has opened the model; raise CganError when it cannot."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def healthy(self) -> bool:
        """Whether the thread runs, and is not stuck in one frame."""
        since = self._busy_since
        return self._thread.is_alive() and (since is None or time.monotonic() - since < _STUCK_SECONDS)

    def add(self, source: FrameSource) -> None:
        """Start to color the frames of a source."""
        with self._changed:
            self._sources.append(source)
        self.wake()

    def remove(self, source: FrameSource) -> None:
        """Stop to color the frames of a source; a frame in progress is finished."""
        with self._changed:
            if source in self._sources:
                self._sources.remove(source)

    def wake(self) -> None:
        """Poll the sources again."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Close the model. A second call does nothing."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            with self._open() as colorizer:
                backend = colorizer.backend
                self.info = InferenceInfo(
                    backend.name, backend.device, backend.manifest.name, colorizer.size, colorizer.any_size,
                    takes_guide(backend.manifest),
                )  # fmt: skip
                self._started.set()
                while not self._stopping:
                    self._run_round(colorizer)
        except BaseException as error:  # noqa: BLE001 (raised again by `start`)
            self._failure = error
        finally:
            self._started.set()

    def _run_round(self, colorizer: Colorizer) -> None:
        """Color one frame of each source; wait when there is none."""
        with self._changed:
            sources, self._woken = list(self._sources), False
        busy = False
        for source in sources:
            if self._stopping:
                return
            try:
                if (color_frame := source.take(colorizer)) is not None:
                    busy, self._busy_since = True, time.monotonic()
                    color_frame()
            except Exception as error:  # noqa: BLE001 (the source reports it)
                source.failed(error)
            finally:
                self._busy_since = None
        if not busy:
            with self._changed:
                self._changed.wait_for(lambda: self._woken or self._stopping, _IDLE_SECONDS)


class RateLimit:
    """Allows a number of events per second, and a short burst after a pause."""

    _BURST = 2.0  # events; a camera is never perfectly even

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a full burst of allowance for `rate` events per second, which may be changed."""
        self.rate, self._clock = rate, clock
        self._allowance, self._last = self._BURST, clock()

    def allow(self) -> bool:
        """Whether one more event is allowed now; if so, it is counted."""
        now = self._clock()
        self._allowance = min(self._BURST, self._allowance + (now - self._last) * self.rate)
        self._last = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def public_message(error: Exception) -> str:
    """An error for the page: the message of our own errors, only the type of any other."""
    return str(error) if isinstance(error, CganError) else f"an internal error ({type(error).__name__})"
