"""ONNX Runtime on an NVIDIA GPU: for machines without TensorRT.

pip install "cgan[gpu]"
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar


def _has_provider() -> bool:
    """Whether the installed ONNX Runtime has the library for CUDA. To load all of it to ask takes 30 ms."""
    found = find_spec("onnxruntime")
    places = (found.submodule_search_locations if found is not None else None) or []
    return any(True for place in places for _ in Path(place, "capi").glob("*onnxruntime_providers_cuda*"))


if find_spec("onnxruntime") is not None and not _has_provider():
    raise ImportError("the installed onnxruntime has no CUDA provider; [gpu] replaces [cpu], never beside it")

from cgan_runtime.backends.onnxruntime import OnnxBackend  # noqa: E402 (it is loaded last)


class CudaBackend(OnnxBackend):
    """A generator in ONNX Runtime's CUDA provider."""

    name = "cuda"
    _provider: ClassVar[str] = "CUDAExecutionProvider"
    _provider_options: ClassVar[dict[str, str]] = {"use_tf32": "0"}  # float32 is float32

    @staticmethod
    def _device_of(threads: int) -> str:
        del threads
        return "CUDA, GPU 0"
