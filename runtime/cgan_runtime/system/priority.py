"""Threads of ordinary priority, whatever a library asks for.

with ordinary_priority():
    context.open()

As root, SVT-AV1 makes its threads and the calling one real-time threads, which take the processor from all others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Give all threads of this process ordinary priority after the block, if the calling one has it before."""
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    try:
        yield
    finally:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # it has ended
                if os.sched_getscheduler(int(thread.name)) in (os.SCHED_FIFO, os.SCHED_RR):
                    os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
