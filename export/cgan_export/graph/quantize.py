"""INT8: convolutions in 8 bits, told by pairs of quantize and dequantize nodes, which all engines fuse.

    form = int8_form(lightness_of(comparison_photos(), 256, 256))
    model = form.convert(float32_graph)

Ranges are those that photographs reach; weights are scaled by channel, activations by one factor and without
offset, which is all that TensorRT takes. A few convolutions, most of them near the image, bear it badly:
those are found by quantizing each alone, and left in float32 until the colors hold.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import onnx

from cgan_export.graph.cpu_engines import inputs_of, installed_engines, outputs_of
from cgan_export.graph.precision import Form
from cgan_runtime.errors import ConfigError
from cgan_train.evaluation.agreement import agreement
from cgan_train.evaluation.metrics import Array

# isort: split
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

_QUANTIZED = "Conv"
_ENOUGH = 0.5
"""Mean CIEDE2000 from float32, on the photographs that were calibrated on, at which no more is left out."""

_JUDGES = 4  # photographs on which single convolutions are judged
_STEPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # convolutions left in float32
_OPTIONS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,  # TensorRT takes it in float32
    # A result is rounded once, where the next convolution reads it, after what lies between.
    "OpTypesToExcludeOutputQuantization": [_QUANTIZED],
}

Report = Callable[[str], None]


def int8_form(lightness: Array, report: Report = lambda _: None) -> Form:
    """The form `int8`, calibrated on photographs as the network sees them, (N, 1, H, W)."""
    return Form("int8", "int8", "int8", "-int8", partial(in_int8, lightness=lightness, report=report))


def in_int8(model: onnx.ModelProto, *, lightness: Array, report: Report = lambda _: None) -> onnx.ModelProto:
    """The network with its convolutions in 8 bits, but for those that would cost too much.

    Args:
        model: In float32; it stays as it is.
        lightness: Photographs to calibrate and judge on.
        report: Is told what is being done.

    Raises:
        ConfigError: It has no convolution, or cannot be quantized without harm.
    """
    convolutions = [node.name for node in model.graph.node if node.op_type == _QUANTIZED]
    if not convolutions:
        raise ConfigError("the generator has no convolution to quantize; export it with --fp16")
    report("calibrating")
    quantize = partial(_quantized, model, _ranges(model, lightness))
    judge = _Judge(model, lightness)
    effects = {}
    for number, name in enumerate(convolutions):
        report(f"judging convolution {number + 1} of {len(convolutions)}")
        effects[name] = judge.distance(quantize([name]), images=_JUDGES)
    ranked = sorted(convolutions, key=effects.__getitem__, reverse=True)
    for left in _STEPS:
        if left >= len(ranked):
            break
        report(f"leaving {left} of {len(ranked)} convolutions in float32")
        quantized = quantize(ranked[left:])
        if judge.worst(quantized) <= _ENOUGH:
            onnx.checker.check_model(quantized, full_check=True)
            return quantized
    raise ConfigError("the generator cannot be quantized without harm to its colors; export it with --fp16")


class _Photographs(CalibrationDataReader):  # type: ignore[misc]
    """Photographs one by one, as ONNX Runtime's calibrator asks for them."""

    def __init__(self, model: onnx.ModelProto, lightness: Array) -> None:
        self._left = inputs_of(model, lightness)

    def get_next(self) -> dict[str, Array] | None:
        """The next one, or None."""
        return next(self._left, None)


def _ranges(model: onnx.ModelProto, lightness: Array) -> Any:
    """Between which values each convolution's input and output lie."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float32.onnx"
        onnx.save(model, source)
        calibrator = create_calibrator(
            source,
            [_QUANTIZED],
            augmented_model_path=str(Path(folder) / "calibration.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"symmetric": True},
        )
        calibrator.collect_data(_Photographs(model, lightness))
        return calibrator.compute_data()


def _quantized(model: onnx.ModelProto, ranges: Any, convolutions: Sequence[str]) -> onnx.ModelProto:
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=ranges,
        nodes_to_quantize=list(convolutions),
        nodes_to_exclude=[],
        op_types_to_quantize=[_QUANTIZED],
        extra_options=_OPTIONS,
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    made: onnx.ModelProto = quantizer.model.model
    used = {node.domain for node in made.graph.node}
    versions = [entry for entry in made.opset_import if entry.domain in used]
    del made.opset_import[:]
    made.opset_import.extend(versions)
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    return made


class _Judge:
    """Tells how far a quantized network is from the float32 one."""

    def __init__(self, model: onnx.ModelProto, lightness: Array) -> None:
        self._lightness = lightness
        self._expected = [found[0] for found in outputs_of(model, lightness)]

    def worst(self, model: onnx.ModelProto) -> float:
        """Mean CIEDE2000 in the engine where it is the largest: each fuses the roundings its own way."""
        return max(self.distance(model, engine) for engine in installed_engines())

    def distance(
        self, model: onnx.ModelProto, engine: str = "onnxruntime", images: int | None = None
    ) -> float:
        """Mean CIEDE2000 over the first images, or all."""
        given = self._lightness[:images]
        return agreement(
            (plane[None], wanted[:1], found[0][:1])
            for plane, wanted, found in zip(
                given, self._expected, outputs_of(model, given, engine), strict=False
            )
        ).ciede2000
