"""Signals that ask a process to stop: SIGINT (Ctrl-C), SIGTERM and SIGHUP (a closed terminal).

with handle_signals(lambda number, frame: came.append(number)): ...     # for the time of a block
exit_on_signals()                                                       # for the time of the process

Ctrl-C waits for the end of an import: an exception inside of one leaves half a module, and native modules
turn it into errors that look like a broken installation.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from cgan_runtime.system.exit_codes import SIGNAL_EXIT

Handler = Callable[[int, FrameType | None], object]

TERMINATING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals by which others end the process; Windows has no SIGHUP."""

_RETRY_SECONDS = 0.02

STOPPING = (signal.SIGINT, *TERMINATING)


@contextmanager
def handle_signals(handler: Handler, numbers: Iterable[int] = STOPPING) -> Iterator[dict[int, Handler]]:
    """Handle signals for the time of a block; outside of the main thread, do nothing.

    Signals that are ignored, or end the process at once, stay as they are.

    Yields:
        The handlers that stand back meanwhile, by their signals.
    """
    previous: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        previous = {number: found for number in numbers if callable(found := signal.getsignal(number))}
    try:
        for number in previous:
            signal.signal(number, handler)
        yield previous
    finally:
        for number, found in previous.items():
            signal.signal(number, found)


def exit_on_signals() -> None:
    """Let terminating signals raise `SystemExit`, so that `finally` blocks remove temporary files.

    Ctrl-C raises `KeyboardInterrupt`, as always, but not within an import.
    """
    for number in TERMINATING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise_exit)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def stop_by_signal(number: int) -> NoReturn:
    """Raise what a signal raises by default in a command of cgan: `KeyboardInterrupt` or `SystemExit`."""
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(SIGNAL_EXIT + number)


def _raise_exit(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(SIGNAL_EXIT + number)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__":
            _thread.start_new_thread(_interrupt_again, ())
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again() -> None:
    time.sleep(_RETRY_SECONDS)
    if hasattr(signal, "pthread_kill"):  # it also ends what the main thread waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
