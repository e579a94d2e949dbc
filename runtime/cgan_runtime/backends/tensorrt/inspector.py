"""What an engine's inspector says that it computes in, held against what was claimed.

precisions = convolution_precisions(information)
check_half(precisions)
"""

from __future__ import annotations

import json

from cgan_runtime.errors import BackendUnavailable

_HALF = ("fp16", "half")  # as inspectors of different versions write it
_FLOATS = ("fp32", "float")
_UNTOLD = "N/A"
"""TensorRT 8.5 tells the formats of free sizes only once an image came, but always the weights' type."""


def convolution_precisions(information: str) -> dict[str, str]:
    """What the inspector says that each convolution of an engine computes in: layer name to precision.

    Args:
        information: `EngineInspector.get_engine_information` as JSON.

    Returns:
        `fp16`, `fp32`, `int8` or `other` for each layer that is a convolution; empty where it tells of none.
    """
    try:
        layers = json.loads(information).get("Layers", [])
    except (ValueError, AttributeError):
        return {}
    found: dict[str, str] = {}
    for layer in layers:
        if not isinstance(layer, dict):  # names alone: the engine was built without details
            continue
        kind = f"{layer.get('LayerType', '')} {layer.get('ParameterType', '')}".lower()
        if "conv" not in kind:
            continue
        told = " ".join(str(tensor.get("Format/Datatype", "")) for tensor in layer.get("Inputs", []))
        if _UNTOLD in told and isinstance(weights := layer.get("Weights"), dict):
            told = str(weights.get("Type", ""))
        kinds = (("fp16", _HALF), ("fp32", _FLOATS), ("int8", ("int8",)))
        found[str(layer.get("Name", len(found)))] = next(
            (name for name, words in kinds if any(word in told.lower() for word in words)), "other"
        )
    return found


def check_half(precisions: dict[str, str], float32_convolutions: int = 0) -> None:
    """Hold what the inspector found against the claim that an engine computes in half precision.

    Args:
        precisions: By `convolution_precisions`.
        float32_convolutions: How many may be in float32.

    Raises:
        BackendUnavailable: A convolution computes in something else, or none is told of.
    """
    wrong = [name for name, precision in precisions.items() if precision != "fp16"]
    if not precisions:
        raise BackendUnavailable(
            "the engine's inspector tells of no convolution, so it cannot be shown that it computes in half "
            "precision; build with --fp32, or with another version of TensorRT"
        )
    if len(wrong) > float32_convolutions:
        raise BackendUnavailable(
            f"{len(wrong)} of {len(precisions)} convolutions of the engine do not compute in half precision "
            f"({wrong[0]}); this GPU may have no fast FP16: build with --fp32"
        )


def check_int8(precisions: dict[str, str]) -> None:
    """Hold what the inspector found against the claim that an engine computes in 8 bits, where the file says.

    Raises:
        BackendUnavailable: No convolution does.
    """
    if "int8" not in precisions.values():
        raise BackendUnavailable(
            f"none of the engine's {len(precisions)} convolutions computes in 8 bits, as far as its "
            "inspector tells; this GPU may have no fast INT8: build with --fp16"
        )
