"""What exporting needs beside the runtime, and what to run where it is missing.

require_packages()
"""

from __future__ import annotations

from importlib.util import find_spec

from cgan_runtime.errors import ConfigError

_NEEDED = ("torch", "safetensors", "onnx", "onnxscript")


def require_packages(*more: str) -> None:
    """Raise a ConfigError that says what to install if PyTorch, ONNX or one of `more` is missing."""
    missing = [package for package in (*_NEEDED, *more) if find_spec(package) is None]
    if missing:
        raise ConfigError(f'exporting needs {", ".join(missing)}; run: pip install "cgan[export,cpu]"')
