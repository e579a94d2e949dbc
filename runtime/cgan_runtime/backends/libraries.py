"""The engines' Python libraries, imported so that they send nothing anywhere.

    onnxruntime = load_onnxruntime()

Nothing else in the project imports them first: both decide about telemetry while they are imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_OPENVINO_TELEMETRY = "openvino_telemetry"


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
    blocked = _OPENVINO_TELEMETRY not in sys.modules
    if blocked:
        sys.modules[_OPENVINO_TELEMETRY] = None  # type: ignore[assignment]  # importing it fails
    try:
        import openvino
        import openvino.frontend
    finally:
        if blocked:
            del sys.modules[_OPENVINO_TELEMETRY]
    return openvino
