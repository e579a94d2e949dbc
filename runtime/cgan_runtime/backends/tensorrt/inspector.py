"""Compares the precision that an engine computes in, as its inspector reports it, with its manifest.

precisions = convolution_precisions(information)
check_half(precisions)
"""

from __future__ import annotations

import json

from cgan_runtime.errors import BackendUnavailable

# As inspectors of different versions write them.
_KINDS = (("fp16", ("fp16", "half")), ("fp32", ("fp32", "float")), ("int8", ("int8",)))
_UNKNOWN = "N/A"
"""TensorRT 8.5 reports formats of free sizes only after the first image, but always the weights' type."""


def convolution_precisions(information: str) -> dict[str, str]:
    """The precision of each convolution of an engine by its name: `fp16`, `fp32`, `int8` or `other`.

    `information` is `EngineInspector.get_engine_information` as JSON; the result is empty if it reports none.
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
        formats = " ".join(str(tensor.get("Format/Datatype", "")) for tensor in layer.get("Inputs", []))
        if _UNKNOWN in formats and isinstance(weights := layer.get("Weights"), dict):
            formats = str(weights.get("Type", ""))
        found[str(layer.get("Name", len(found)))] = next(
            (name for name, words in _KINDS if any(word in formats.lower() for word in words)), "other"
        )
    return found


def check_half(precisions: dict[str, str], float32_convolutions: int = 0) -> None:
    """Check that an engine computes in half precision, except as many convolutions as may be in float32.

    Raises:
        BackendUnavailable: More convolutions compute in something else, or none is reported.
    """
    wrong = [name for name, precision in precisions.items() if precision != "fp16"]
    if not precisions:
        raise BackendUnavailable(
            "the engine's inspector reports no convolution, so half precision cannot be verified; "
            "build with --fp32, or with another version of TensorRT"
        )
    if len(wrong) > float32_convolutions:
        raise BackendUnavailable(
            f"{len(wrong)} of {len(precisions)} convolutions of the engine do not compute in half precision "
            f"({wrong[0]}); this GPU may have no fast FP16: build with --fp32"
        )


def check_int8(precisions: dict[str, str]) -> None:
    """Raise BackendUnavailable if no convolution of an engine computes in 8 bits."""
    if "int8" not in precisions.values():
        raise BackendUnavailable(
            f"none of the engine's {len(precisions)} convolutions computes in 8 bits, as far as its "
            "inspector reports; this GPU may have no fast INT8: build with --fp16"
        )
