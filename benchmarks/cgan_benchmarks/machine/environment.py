"""TODO."""

from __future__ import annotations

import os

_TUNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""How OpenMP's threads wait: with PASSIVE, PyTorch is slower, and engines would look better than they are."""


def as_it_comes() -> dict[str, str]:
    """The environment without what the person at this terminal has set to tune threads."""
    return {name: value for name, value in os.environ.items() if name not in _TUNING}
