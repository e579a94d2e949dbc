"""Runs a model that was made by --end-to-end, as other people's programs do: to compare it.

run = open_image_model(Path("edge-end-to-end.onnx"), "onnxruntime")
rgb = run(gray)                           # uint8 (H, W) to uint8 (H, W, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cgan_export.graph.end_to_end import GRAY
from cgan_runtime.color.encoding import Plane
from cgan_runtime.manifest import Manifest

Run = Callable[[Plane], Plane]


def open_image_model(path: Path, engine: str) -> Run:
    """Open a model in an engine of `ENGINES`, which is installed.

    Returns:
        From a gray image, uint8 (H, W), to the colored one, uint8 (H, W, 3). A batch that the file has
        fixed is filled with the same image.
    """
    count = Manifest.load(path).input.shape[0]
    copies = count if isinstance(count, int) else 1
    infer = ENGINES[engine](path)
    return lambda gray: np.asarray(infer(np.repeat(gray[None], copies, axis=0))[0])


def _in_onnxruntime(path: Path) -> Callable[[Plane], Any]:
    from cgan_runtime.backends.onnxruntime import as_source  # noqa: I001 (before ONNX Runtime: it turns reports off)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    session = onnxruntime.InferenceSession(as_source(path), options, providers=["CPUExecutionProvider"])
    return lambda grays: session.run(None, {GRAY: grays})[0]


def _in_openvino(path: Path) -> Callable[[Plane], Any]:
    import openvino

    from cgan_runtime.backends import openvino as silenced  # noqa: F401 (before OpenVINO: as above)

    settings = {"INFERENCE_PRECISION_HINT": "f32"}  # not bfloat16, which some processors would take
    request = openvino.compile_model(str(path), "CPU", settings).create_infer_request()
    return lambda grays: request.infer([grays])[0]


ENGINES: dict[str, Callable[[Path], Callable[[Plane], Any]]] = {
    "openvino": _in_openvino,
    "onnxruntime": _in_onnxruntime,
}
