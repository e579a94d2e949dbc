"""A request to stop training: the first signal lets the current step finish, the second one stops at once.

    with stop_request() as stop:
        while not stop.asked:
            step()
    # here the signal has had its usual effect: KeyboardInterrupt or SystemExit

A signal may come between two halves of a step, where a checkpoint would be neither before nor after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from cgan_runtime.system.signals import handle_signals


@dataclass
class StopRequest:
    """Whether a signal has asked the run to stop, and which."""

    signal: tuple[int, FrameType | None] | None = None

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Note the first signal in place of its usual effect, which it has at the end of the block.

    Raises:
        BaseException: What the signal raises by itself, unless the block has raised.
    """
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if request.asked:
            previous[number](number, frame)
        request.signal = number, frame

    with handle_signals(note) as previous:
        yield request
    if request.signal is not None:
        number, frame = request.signal
        previous[number](number, frame)
