"""ONNX Runtime on an NVIDIA GPU: for machines without TensorRT.

pip install "cgan[gpu]"
"""

from __future__ import annotations

from typing import ClassVar

from cgan_runtime.backends.onnxruntime import OnnxBackend, onnxruntime

_PROVIDER = "CUDAExecutionProvider"

if _PROVIDER not in onnxruntime.get_available_providers():
    raise ImportError("the installed onnxruntime has no CUDA provider; [gpu] replaces [cpu], never beside it")


class CudaBackend(OnnxBackend):
    """A generator in ONNX Runtime's CUDA provider."""

    name = "cuda"
    _provider: ClassVar[str] = _PROVIDER
    _provider_options: ClassVar[dict[str, str]] = {"use_tf32": "0"}  # float32 is float32

    @staticmethod
    def _device_of(threads: int) -> str:
        del threads
        return "CUDA, GPU 0"
