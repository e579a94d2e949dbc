"""What made a checkpoint: versions, command line, data, device and commit, for its `config.json`."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cgan_runtime import __version__

_GIT = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
_GIT_SECONDS = 5


def describe_origin(data: Sequence[Path], val: Path | None, device: torch.device) -> dict[str, Any]:
    """What made a run, as plain JSON values. Paths are written as they were given."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "cgan": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "data_paths": [str(path) for path in data],
        "val_path": None if val is None else str(val),
        "device_name": gpu or platform.processor() or platform.machine(),
        "git_commit": _commit(),
    }


def _commit() -> str | None:
    """The commit that is checked out where the command runs, with `-dirty` after changes; None outside of git."""
    try:
        done = subprocess.run(_GIT, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
