"""What there is of a processor for us: cores, which numbers of threads are made from, and instructions."""

from __future__ import annotations

import os

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
