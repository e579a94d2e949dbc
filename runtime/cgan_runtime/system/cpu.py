"""What there is of a processor for us: cores, which numbers of threads are made from, and instructions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_FEW_CORES = 4
_AVX512_SKX = 256  # OpenCV's number, which its Python module does not name


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_avx512() -> bool:
    """Whether the processor has AVX-512 with its parts F, CD, BW, DQ and VL (x86 servers, some PCs)."""
    import cv2

    return bool(cv2.checkHardwareSupport(_AVX512_SKX))


@contextmanager
def opencv_beside_stages() -> Iterator[None]:
    """Give OpenCV one thread while stages run beside each other on few cores.

    Its other threads wait by spinning, and take from codecs and network what they gain: 2 core-ms a frame at 1080p
    on two cores.
    """
    import cv2

    before = cv2.getNumThreads()
    if usable_cores() <= _FEW_CORES:
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
