"""The model that ships with cgan: `edge.onnx` and its manifest lie in this folder."""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.errors import ModelFileError

_BUNDLED = Path(__file__).with_name("edge.onnx")


def bundled_model() -> Path:
    """Path of the model that ships with cgan; raises ModelFileError if this copy has none."""
    if not _BUNDLED.is_file():
        raise ModelFileError(
            f"this copy of cgan has no model at {_BUNDLED}; install cgan from a wheel, "
            "or name a model exported with cgan-export"
        )
    return _BUNDLED
