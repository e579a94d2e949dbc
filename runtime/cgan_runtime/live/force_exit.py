"""Ctrl-C that works whatever hangs: a screen, a device or a network that a library waits for.

    with leaving_promptly(console):
        ...                                          # whoever is told to stop has GRACE_SECONDS

Python runs its handler of a signal when a library's call has come back. This notes the signal at once, and
ends the process where nothing else has. A recording loses its last second then, and can be played.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cgan_runtime.console import Console

GRACE_SECONDS = 1.5
_ASKED_TO_STOP = frozenset({signal.SIGINT, signal.SIGTERM})
_OVER = b"\0"
_SIGNAL_EXIT = 128  # plus the signal's number, as shells report it


@contextmanager
def leaving_promptly(console: Console) -> Iterator[None]:
    """Bound how long Ctrl-C takes, for as long as the block lasts. In the main thread."""
    if sys.platform == "win32":  # its pipes wait
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as a handler of signals needs it
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(reading, over, console), name="leaving", daemon=True)
    watch.start()
    before = signal.set_wakeup_fd(writing)
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.write(writing, _OVER)
        watch.join()
        os.close(reading)
        os.close(writing)


def _watch(reading: int, over: threading.Event, console: Console) -> None:
    """Wait for a signal; then for the end of the block, but not for long."""
    while not over.is_set():
        (number,) = os.read(reading, 1)
        if number in _ASKED_TO_STOP and not over.wait(GRACE_SECONDS):
            console.warn("the screen or the camera did not let go; ended without waiting for it")
            os._exit(_SIGNAL_EXIT + number)
