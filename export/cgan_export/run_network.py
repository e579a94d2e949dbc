"""Runs a graph that is still in the making, in ONNX Runtime on the CPU.

for chroma, *others in answers(model, lightness): ...
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx

from cgan_export.to_onnx import INPUT, axes_of
from cgan_runtime.backends import onnx as _quiet  # noqa: F401 (before ONNX Runtime: it turns reports off)
from cgan_train.metrics import Array

# isort: split
import onnxruntime


def answers(model: onnx.ModelProto, lightness: Array) -> Iterator[list[Array]]:
    """All outputs of a model for photographs one by one, (N, 1, H, W)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for given in inputs(model, lightness):
        yield [np.asarray(found) for found in session.run(None, given)]


def inputs(model: onnx.ModelProto, lightness: Array) -> Iterator[dict[str, Array]]:
    """Photographs as a model takes them: one by one, and repeated where its batch is fixed."""
    count = axes_of(model.graph.input[0])[0]
    for plane in lightness:
        yield {INPUT: np.repeat(plane[None], count if isinstance(count, int) else 1, axis=0)}
