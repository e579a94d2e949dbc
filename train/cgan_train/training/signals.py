"""Being told to stop: once ends a run where nothing is half done, twice at once.

    with Stop() as stop:
        while not stop.asked:
            step()
    # here whatever the signal does otherwise has been done: KeyboardInterrupt, SystemExit

A signal may come between two halves of a step, where what is saved would be neither before nor after it.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is missing on Windows


class Stop:
    """Takes signals for a request. Those that end the process outright, or are ignored, stay as they are."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._signal: tuple[int, FrameType | None] | None = None

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self._signal is not None

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and callable(handler := signal.getsignal(number)):
                    self._before[number] = handler
                    signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if error is None and self._signal is not None:
            number, frame = self._signal
            self._before[number](number, frame)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self._before[number](number, frame)
        self._signal = (number, frame)
