"""INT8: convolutions in 8 bits, marked by pairs of quantize and dequantize nodes, which all engines fuse.

    form = int8_form(lightness_of(comparison_photos(), 256, 256))
    model = form.convert(float32_graph)

Ranges come from photographs. Weights are scaled by channel, activations by one factor without offset, which
is all that TensorRT takes. Some convolutions, most of them near the image, lose too much: each is quantized
alone to rank them, and the worst stay in float32 until the colors are right.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import onnx

from cgan_export.graph.cpu_engines import inputs_of, installed_engines, outputs_of
from cgan_export.graph.precision import Form
from cgan_runtime.backends.libraries import load_onnxruntime
from cgan_runtime.callbacks import StatusCallback
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.temporary import temporary_folder
from cgan_train.evaluation.agreement import agreement
from cgan_train.evaluation.metrics import Array

load_onnxruntime()  # the first import decides about telemetry
from onnxruntime import quantization  # noqa: E402
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer  # noqa: E402

_QUANTIZED = "Conv"
_MAX_DIFFERENCE = 0.5  # mean CIEDE2000 from float32, on the calibration photographs, that is small enough
_RANKING_IMAGES = 4  # photographs on which single convolutions are ranked
_STEPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # convolutions left in float32
_OPTIONS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,  # TensorRT takes it in float32
    # A result is rounded once, where the next convolution reads it, after the operators between.
    "OpTypesToExcludeOutputQuantization": [_QUANTIZED],
}


def int8_form(lightness: Array, progress: StatusCallback = lambda _: None) -> Form:
    """The form `int8`, calibrated on photographs as the network sees them, (N, 1, H, W)."""
    return Form("int8", "int8", "int8", "-int8", partial(in_int8, lightness=lightness, progress=progress))


def in_int8(model: onnx.ModelProto, *, lightness: Array, progress: StatusCallback = lambda _: None) -> onnx.ModelProto:
    """A float32 network with its convolutions in 8 bits, but those that would change the colors too much.

    Raises:
        ConfigError: It has no convolution, or cannot be quantized without visible harm.
    """
    convolutions = [node.name for node in model.graph.node if node.op_type == _QUANTIZED]
    if not convolutions:
        raise ConfigError("the generator has no convolution to quantize; export it with --fp16")
    progress("calibrating")
    quantize = partial(_quantized, model, _ranges(model, lightness))
    comparison = _Comparison(model, lightness)
    for left in _STEPS:
        if left >= len(convolutions):
            break
        if left == 1:  # all of them were too many
            effects = {}
            for number, name in enumerate(convolutions):
                progress(f"ranking convolution {number + 1} of {len(convolutions)}")
                effects[name] = comparison.distance(quantize([name]), images=_RANKING_IMAGES)
            convolutions.sort(key=effects.__getitem__, reverse=True)
        progress(f"leaving {left} of {len(convolutions)} convolutions in float32")
        quantized = quantize(convolutions[left:])
        if comparison.worst(quantized) <= _MAX_DIFFERENCE:
            onnx.checker.check_model(quantized, full_check=True)
            return quantized
    raise ConfigError("the generator cannot be quantized without harm to its colors; export it with --fp16")


class _Photographs(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Photographs one by one, as ONNX Runtime's calibrator asks for them."""

    def __init__(self, model: onnx.ModelProto, lightness: Array) -> None:
        self._left = inputs_of(model, lightness)

    def get_next(self) -> dict[str, Array] | None:
        """The next one, or None."""
        return next(self._left, None)


def _ranges(model: onnx.ModelProto, lightness: Array) -> Any:
    """The range of values of each convolution's input and output."""
    with temporary_folder() as folder:
        source = folder / "float32.onnx"
        onnx.save(model, source)
        calibrator = quantization.create_calibrator(
            source, [_QUANTIZED], augmented_model_path=str(folder / "calibration.onnx"),
            calibrate_method=quantization.CalibrationMethod.MinMax, extra_options={"symmetric": True},
        )  # fmt: skip
        calibrator.collect_data(_Photographs(model, lightness))
        return calibrator.compute_data()


def _quantized(model: onnx.ModelProto, ranges: Any, convolutions: Sequence[str]) -> onnx.ModelProto:
    int8 = quantization.QuantType.QInt8
    quantizer = QDQQuantizer(
        copy.deepcopy(model), per_channel=True, reduce_range=False, weight_qType=int8, activation_qType=int8,
        tensors_range=ranges, nodes_to_quantize=list(convolutions), nodes_to_exclude=[],
        op_types_to_quantize=[_QUANTIZED], extra_options=_OPTIONS,
    )  # fmt: skip
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    made: onnx.ModelProto = quantizer.model.model
    used = {node.domain for node in made.graph.node}
    versions = [entry for entry in made.opset_import if entry.domain in used]
    del made.opset_import[:]
    made.opset_import.extend(versions)
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    return made


class _Comparison:
    """Compares quantized networks with the float32 one."""

    def __init__(self, model: onnx.ModelProto, lightness: Array) -> None:
        self._lightness = lightness
        self._expected = [found[0] for found in outputs_of(model, lightness)]

    def worst(self, model: onnx.ModelProto) -> float:
        """Mean CIEDE2000 in the engine where it is largest: engines fuse the roundings differently."""
        return max(self.distance(model, engine) for engine in installed_engines())

    def distance(self, model: onnx.ModelProto, engine: str = "onnxruntime", images: int | None = None) -> float:
        """Mean CIEDE2000 over the first images, or all."""
        given = self._lightness[:images]
        found = zip(given, self._expected, outputs_of(model, given, engine), strict=False)
        return agreement((plane[None], wanted[:1], each[0][:1]) for plane, wanted, each in found).ciede2000
