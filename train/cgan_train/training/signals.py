"""Stopping a run by a signal: the first one takes effect when no step is half done, a second one at once.

    with delay_signals() as requested:
        while not requested():
            step()
    # after the block the signal takes effect: KeyboardInterrupt, SystemExit

A signal in the middle of a step would leave a state that is neither the one before the step nor the one after
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cgan_runtime.system.signals import handle_signals


@contextmanager
def delay_signals(on_first: Callable[[], object] = lambda: None) -> Iterator[Callable[[], bool]]:
    """Delay the first stopping signal until the block has ended without an error.

    Args:
        on_first: Called when the first signal comes, between any two instructions of the program.

    Yields:
        A function that says whether a signal has come.
    """
    received: list[tuple[int, FrameType | None]] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append((number, frame))
        if len(received) > 1:
            handlers[number](number, frame)
        on_first()

    with handle_signals(receive) as handlers:
        yield lambda: bool(received)
    if received:
        number, frame = received[0]
        handlers[number](number, frame)
