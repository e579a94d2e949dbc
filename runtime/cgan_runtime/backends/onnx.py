"""ONNX Runtime on the CPU: the back end that runs everywhere (`pip install "cgan[cpu]"`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cgan_runtime.backends.base import Backend, FloatArray
from cgan_runtime.manifest import Manifest


class OnnxBackend(Backend):
    """A generator in ONNX Runtime, CPU provider, float32 in and out."""

    name = "onnxruntime"

    def __init__(self, path: Path, manifest: Manifest, *, threads: int | None = None) -> None:
        import onnxruntime

        super().__init__(manifest, "CPU")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def _run(self, lightness: FloatArray) -> FloatArray:
        outputs = self._session.run([self.manifest.output.name], {self.manifest.input.name: lightness})
        return np.asarray(outputs[0])
