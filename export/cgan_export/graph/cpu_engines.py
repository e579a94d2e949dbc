"""Runs a graph that is still in the making, on the CPU.

for chroma, *others in answers(model, lightness): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx

from cgan_export.graph.trace import INPUT, axes_of
from cgan_runtime.errors import BackendUnavailable
from cgan_train.evaluation.metrics import Array


def answers(model: onnx.ModelProto, lightness: Array, engine: str = "") -> Iterator[list[Array]]:
    """All outputs of a model for photographs one by one, (N, 1, H, W), in an engine of `ENGINES`.

    Args:
        model: The graph.
        lightness: The photographs.
        engine: By default the first that is installed.

    Raises:
        BackendUnavailable: None is.
    """
    if not ENGINES:
        raise BackendUnavailable('no engine is installed to try the network; run: pip install "cgan[cpu]"')
    infer = ENGINES[engine or next(iter(ENGINES))](model.SerializeToString())
    for given in inputs(model, lightness):
        yield [np.asarray(found) for found in infer(given)]


def _in_onnxruntime(content: bytes) -> Callable[[dict[str, Array]], Any]:
    from cgan_runtime.backends import onnxruntime as _quiet  # noqa: F401, I001 (before ONNX Runtime: it turns reports off)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda given: session.run(None, given)


def _in_openvino(content: bytes) -> Callable[[dict[str, Array]], Any]:
    from cgan_runtime.backends import openvino as silenced  # noqa: F401, I001 (before OpenVINO: as above)
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}  # not bfloat16, which some processors would take
    request = core.compile_model(core.read_model(content), "CPU", settings).create_infer_request()
    return lambda given: request.infer(given).to_tuple()


ENGINES: dict[str, Callable[[bytes], Callable[[dict[str, Array]], Any]]] = {
    **({"onnxruntime": _in_onnxruntime} if find_spec("onnxruntime") else {}),
    **({"openvino": _in_openvino} if find_spec("openvino") else {}),
}
"""Those that are installed, ONNX Runtime first."""


def inputs(model: onnx.ModelProto, lightness: Array) -> Iterator[dict[str, Array]]:
    """Photographs as a model takes them: one by one, and repeated where its batch is fixed."""
    count = axes_of(model.graph.input[0])[0]
    for plane in lightness:
        yield {INPUT: np.repeat(plane[None], count if isinstance(count, int) else 1, axis=0)}
