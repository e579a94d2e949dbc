"""Runs ONNX models on the CPU without a back end: graphs in the making, and whole-image models.

for chroma, *others in outputs_of(model, lightness): ...
color = open_image_model(Path("edge-end-to-end.onnx"), "onnxruntime")
rgb = color(gray)                         # uint8 (H, W) to uint8 (H, W, 3)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from cgan_export.graph.guides import guided_inputs, plain_inputs
from cgan_export.graph.trace import tensor_of
from cgan_runtime.backends.libraries import load_onnxruntime, load_openvino
from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.manifest import Manifest
from cgan_train.evaluation.metrics import Array

ColorImage = Callable[[Plane], Plane]  # colors a gray image: uint8 (H, W) to uint8 (H, W, 3)
_Run = Callable[[Mapping[str, Any]], list[Any]]
_FATAL = 4  # log severity: errors are raised, so they need not be printed too


def outputs_of(model: onnx.ModelProto, lightness: Array, engine: str = "") -> Iterator[list[Array]]:
    """All outputs of a model for photographs (N, 1, H, W), one photograph at a time.

    `engine` is a key of `ENGINES`, by default the first that is installed; with none: BackendUnavailable.
    """
    if not (engine := engine or next(iter(installed_engines()), "")):
        raise BackendUnavailable('no engine is installed to try the network; run: pip install "cgan[cpu]"')
    run = ENGINES[engine](model.SerializeToString())
    for inputs in inputs_of(model, lightness):
        yield [np.asarray(output) for output in run(inputs)]


def inputs_of(model: onnx.ModelProto, lightness: Array) -> Iterator[dict[str, Array]]:
    """A network's inputs for photographs (N, 1, H, W), one at a time: repeated where the batch is fixed.

    Every second photograph has hints, if the network takes any; other inputs are zeros, as in the runtime.
    """
    tensors = [tensor_of(value) for value in model.graph.input]
    count = tensors[0].shape[0]
    for index, plane in enumerate(lightness):
        batch = np.repeat(plane[None], count if isinstance(count, int) else 1, axis=0)
        yield guided_inputs(tensors, batch) if index % 2 else plain_inputs(tensors, batch)


def open_image_model(path: Path, engine: str) -> ColorImage:
    """Open a whole-image model, made by --end-to-end, in an engine of `ENGINES` that is installed.

    A batch that the file has fixed is filled with the same image.
    """
    gray = Manifest.load(path).input
    copies = gray.shape[0] if isinstance(gray.shape[0], int) else 1
    run = ENGINES[engine](path.read_bytes())
    return lambda image: np.asarray(run({gray.name: np.repeat(image[None], copies, axis=0)})[0][0])


def installed_engines() -> list[str]:
    """The keys of `ENGINES` whose library is installed."""
    return [name for name in ENGINES if find_spec(name)]


def _in_onnxruntime(content: bytes) -> _Run:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda inputs: list(session.run(None, inputs))


def _in_openvino(content: bytes) -> _Run:
    core = load_openvino().Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}  # not bfloat16, which some processors would take
    request = core.compile_model(core.read_model(content), "CPU", settings).create_infer_request()
    return lambda inputs: list(request.infer(inputs).to_tuple())


ENGINES: dict[str, Callable[[bytes], _Run]] = {"onnxruntime": _in_onnxruntime, "openvino": _in_openvino}
"""Each takes an ONNX file's bytes and returns a function from inputs by name to the list of outputs."""
