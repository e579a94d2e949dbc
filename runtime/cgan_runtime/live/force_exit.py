"""Ends the process after Ctrl-C even while a library hangs: in a screen, a device or a network.

    with force_exit_on_hang(console):
        ...                                          # after a signal, it has GRACE_SECONDS to end

Python handles a signal only when the library's call returns. A wakeup descriptor notices the signal at once,
and a thread ends the process if nothing else does. A recording then loses its last second and is playable.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cgan_runtime.console import Console
from cgan_runtime.system.exit_codes import SIGNAL_EXIT
from cgan_runtime.system.signals import STOPPING

GRACE_SECONDS = 1.5
_END_OF_BLOCK = b"\0"


@contextmanager
def force_exit_on_hang(console: Console) -> Iterator[None]:
    """Limit how long a signal takes to end the block. Call it in the main thread."""
    if sys.platform == "win32":  # its pipes block
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # required by set_wakeup_fd
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(reading, ended, console), name="force-exit", daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writing)
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        os.write(writing, _END_OF_BLOCK)
        watcher.join()
        os.close(reading)
        os.close(writing)


def _watch(reading: int, ended: threading.Event, console: Console) -> None:
    """Wait for a signal, then for the end of the block, and exit if it does not come in time."""
    while not ended.is_set():
        (number,) = os.read(reading, 1)
        if number in STOPPING and not ended.wait(GRACE_SECONDS):
            console.warn("the screen or the camera did not respond; the program ended without waiting for it")
            os._exit(SIGNAL_EXIT + number)
