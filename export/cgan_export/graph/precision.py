"""The forms that a float32 ONNX graph is converted to, `FORMS`:

    fp32            unchanged
    fp16-weights    the same network with weights stored in half precision, each with a Cast to float32 that
                    the engines fold when they load the file: half the size, the same speed
    fp16            half precision throughout, between a Cast after each input and one before each output

All start from the float32 graph, in which BatchNorm is already folded. `generator.half()` in PyTorch would
first convert the running variances, which exceed half precision's 65,504 in well-trained generators.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import Precision

_HALF_MAX = np.finfo(np.float16).max
# Weights with fewer values stay in float32: biases are 0.1 % of the file and cause most of the error.
_LEAST_STORED = 1024

# Inputs that are float32 by the ONNX standard, whatever the others are (regions, scales, thresholds).
_FLOAT32_INPUTS = {"Resize": (1, 2), "Upsample": (1,), "NonMaxSuppression": (0, 1, 3, 4)}


@dataclass(frozen=True)
class Form:
    """One way to store a network."""

    name: str  # as above
    precision: Precision  # what the network computes in
    weights: Precision  # how they are stored
    suffix: str  # of the file's name, if there are several forms of one network
    convert: Callable[[onnx.ModelProto], onnx.ModelProto]  # from the float32 graph, which it does not change


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same float32 network with its large weights stored in half precision."""
    model = copy.deepcopy(model)
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LEAST_STORED or not np.abs(values).max() <= _HALF_MAX:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], f"widen_{name}", to=TensorProto.FLOAT))
    _set_nodes(model, [*casts, *model.graph.node])
    onnx.checker.check_model(model, full_check=True)
    return model


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network in half precision; inputs and outputs stay float32.

    Raises:
        ConfigError: An operator in it does not exist in half precision.
    """
    model = copy.deepcopy(model)
    graph = model.graph
    kept = {
        node.input[index]
        for node in graph.node
        for index in _FLOAT32_INPUTS.get(node.op_type, ())
        if index < len(node.input)
    }
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in kept:
            tensor.CopyFrom(_half(tensor))
    inner = {value.name: f"{value.name}_half" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        _rename(node, inner)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
            elif attribute.t.data_type == TensorProto.FLOAT:  # of a Constant
                attribute.t.CopyFrom(_half(attribute.t))
    first = [
        helper.make_node("Cast", [v.name], [inner[v.name]], f"narrow_{v.name}", to=TensorProto.FLOAT16)
        for v in graph.input
    ]
    last = [
        helper.make_node("Cast", [inner[v.name]], [v.name], f"widen_{v.name}", to=TensorProto.FLOAT)
        for v in graph.output
    ]
    _set_nodes(model, [*first, *graph.node, *last])
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"the generator cannot be exported in half precision ({reason}); use fp32") from error
    return model


def emulate_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A half-precision network for engines without half arithmetic, with the same roundings.

    ONNX Runtime and OpenVINO on most CPUs run a half-precision file in float32 throughout, which hides the
    errors of a GPU. Here every operator computes in float32 and its result is rounded to half precision, as
    tensor cores do, which multiply halves and sum in float32.
    """
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    fp16, inner = TensorProto.FLOAT16, model.graph.value_info
    half = {value.name for value in inner if value.type.tensor_type.elem_type == fp16}
    half |= {tensor.name for tensor in model.graph.initializer if tensor.data_type == fp16}
    nodes: list[onnx.NodeProto] = []
    widened: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Cast":
            nodes.append(node)
            continue
        read = {name: f"{name}_wide" for name in node.input if name in half}
        written = {name: f"{name}_exact" for name in node.output if name in half}
        for name in read.keys() - widened:
            nodes.append(helper.make_node("Cast", [name], [read[name]], to=TensorProto.FLOAT))
        widened |= read.keys()
        _rename(node, read | written)
        nodes.append(node)
        for name, exact in written.items():
            nodes.append(helper.make_node("Cast", [exact], [name], to=TensorProto.FLOAT16))
    _set_nodes(model, nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


FORMS = {
    form.name: form
    for form in (
        Form("fp32", "fp32", "fp32", "", copy.deepcopy),
        Form("fp16-weights", "fp32", "fp16", "-fp16-weights", with_half_weights),
        Form("fp16", "fp16", "fp16", "-fp16", in_half),
    )
}
"""By name."""


def _half(tensor: onnx.TensorProto) -> onnx.TensorProto:
    with np.errstate(over="ignore"):  # values that do not fit become infinite; the comparison notices
        return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name)


def _rename(node: onnx.NodeProto, names: dict[str, str]) -> None:
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]


def _set_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Replace a graph's nodes, and infer the types and shapes between them again."""
    nodes = [copy.deepcopy(node) for node in nodes]
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    model.CopyFrom(onnx.shape_inference.infer_shapes(model))
