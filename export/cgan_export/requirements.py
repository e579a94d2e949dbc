"""What exporting needs: packages, and room on the disk; and what to do where it is missing.

require_packages()
check_room(Path("exported"), 50_000_000)
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from cgan_runtime.errors import ConfigError
from cgan_runtime.progress import size_text

_NEEDED = ("torch", "safetensors", "onnx", "onnxscript")


def require_packages(*more: str) -> None:
    """Raise a ConfigError that says what to install if PyTorch, ONNX or one of `more` is missing."""
    missing = [package for package in (*_NEEDED, *more) if find_spec(package) is None]
    if missing:
        raise ConfigError(f'exporting needs {", ".join(missing)}; run: pip install "cgan[export,cpu]"')


def check_room(folder: Path, size: int) -> None:
    """Raise a ConfigError if a folder, which may not exist yet, cannot be written, or holds less than `size` bytes."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise ConfigError(f"cannot write to {folder} ({there} is a file); give another folder with -o")
    if not os.access(there, os.W_OK):
        raise ConfigError(f"cannot write to {there}; give another folder with -o")
    free = shutil.disk_usage(there).free
    if free < size:
        raise ConfigError(
            f"{there} has {size_text(free)} free, the files take about {size_text(size)}; free some space, or give "
            "another folder with -o"
        )
