"""cgan export: PyTorch checkpoints to ONNX files that are compared with PyTorch.

    from cgan_export import ExportSettings, export
    (model,) = export("runs/edge", "exported", forms=["fp16"])

The names are loaded when they are first used, so that importing the package is fast.
"""

from __future__ import annotations

TYPE_CHECKING = False  # mypy knows the name; to load `typing` would take a while
if TYPE_CHECKING:
    from cgan_export.onnx_files import Exported, ExportSettings, export

__all__ = ["ExportSettings", "Exported", "export"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.onnx_files"), name)
