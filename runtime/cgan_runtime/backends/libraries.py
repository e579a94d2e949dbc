"""The engines' Python libraries, imported so that they send nothing anywhere.

    onnxruntime = load_onnxruntime()

Nothing else in the project imports them first: both decide about telemetry while they are imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# Of OpenVINO: its telemetry, and the converter of other frameworks' models, which takes longer than all the rest.
_UNWANTED = ("openvino_telemetry", "openvino.tools.ovc")


def load_onnxruntime() -> Any:
    """Import ONNX Runtime, which from 1.29 on reports its use to Microsoft unless a variable forbids it.

    Raises:
        ImportError: It is not installed, or cannot be loaded.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def load_openvino() -> Any:
    """Import OpenVINO, which reports to Google Analytics if it can import its telemetry package.

    Raises:
        ImportError: It is not installed, or cannot be loaded.
    """
    blocked = [name for name in _UNWANTED if name not in sys.modules]
    for name in blocked:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails
    try:
        import openvino
        import openvino.frontend
    finally:
        for name in blocked:
            del sys.modules[name]
    return openvino
