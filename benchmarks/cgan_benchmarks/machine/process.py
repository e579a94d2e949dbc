"""What a measured process gets and takes: its environment, and the most memory that it held."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")  # Linux
_KIB = 1024
_TUNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""How OpenMP's threads wait. With PASSIVE, PyTorch is slower, and other engines would look too good."""


def untuned_environment() -> dict[str, str]:
    """The environment of this process without the user's own tuning of threads."""
    return {name: value for name, value in os.environ.items() if name not in _TUNING}


def peak_memory_mb() -> float:
    """The most memory that this process has held, 10^6 bytes; NaN where the system does not report it."""
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
