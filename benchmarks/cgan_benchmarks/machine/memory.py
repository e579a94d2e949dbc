"""TODO."""

from __future__ import annotations

import math
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")  # Linux


_KIB = 1024


def peak_memory_mb() -> float:
    """The most memory that this process has held, 10^6 bytes; not a number where the system does not tell."""
    if _STATUS.is_file():  # getrusage counts what the parent held before it started this process
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    unit = 1 if sys.platform == "darwin" else _KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
