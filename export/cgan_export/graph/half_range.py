"""Half precision with some operators in float32: those whose values or weights half precision does not hold.

    kept = operators_beyond_half(model, lightness) + operators_spoiled_by_half(model, lightness, 0.005)
    half = keep_in_float32(in_half(model), model, kept)

Half precision ends at 65,504. Larger values become infinite and spoil everything after them. So operators
that write or read such a value on photographs, with a margin for other images, stay in float32. It also has
eleven bits only. Where large terms cancel, as in the first filters of an encoder on a flat background, weights
that are rounded to them shift whole areas. So do operators whose rounded weights alone change the colors.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cgan_export.graph.cpu_engines import outputs_of
from cgan_train.evaluation.metrics import Array

_LARGEST = float(np.finfo(np.float16).max)
_MOST = _LARGEST / 4  # value on photographs that is left to half precision; other images may reach four times as much


def operators_beyond_half(model: onnx.ModelProto, lightness: Array) -> list[str]:
    """Names of a float32 network's operators with values beyond half on photographs (N, 1, H, W)."""
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    inner = [value for value in inferred if value.type.tensor_type.elem_type == TensorProto.FLOAT]
    exposed = copy.deepcopy(model)
    exposed.graph.output.extend(inner)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    large = {n for n, w in weights.items() if w.dtype == np.float32 and np.abs(w).max(initial=0) > _MOST}
    names = [value.name for value in exposed.graph.output]
    for values in outputs_of(exposed, lightness):
        large |= {name for name, value in zip(names, values, strict=True) if np.abs(value).max() > _MOST}
    return [node.name for node in model.graph.node if large & {*node.input, *node.output}]


def operators_spoiled_by_half(model: onnx.ModelProto, lightness: Array, most: float) -> list[str]:
    """Names of a float32 network's convolutions whose weights, rounded to half, change a pixel by more than `most`.

    Each is tried by itself, but in groups first: most groups change nothing.
    """
    inner = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    exact = [outputs[0] for outputs in outputs_of(model, lightness)]

    def spoiled(nodes: Sequence[onnx.NodeProto]) -> list[str]:
        rounded = copy.deepcopy(model)
        names = {name for node in nodes for name in node.input if name in inner and inner[name].dtype == np.float32}
        for tensor in rounded.graph.initializer:
            if tensor.name in names:
                half = inner[tensor.name].clip(-_LARGEST, _LARGEST).astype(np.float16).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
        changed = (
            np.abs(found[0] - truth).max() for found, truth in zip(outputs_of(rounded, lightness), exact, strict=True)
        )
        if max(changed) <= most:
            return []
        if len(nodes) == 1:
            return [nodes[0].name]
        middle = len(nodes) // 2
        return spoiled(nodes[:middle]) + spoiled(nodes[middle:])

    return spoiled([node for node in model.graph.node if node.op_type == "Conv"])


def keep_in_float32(half: onnx.ModelProto, model: onnx.ModelProto, kept: Collection[str]) -> onnx.ModelProto:
    """A network in half precision with some of its operators in float32, as they were in `model`.

    Between two of those a value stays in float32; elsewhere it is cast.
    """
    half = copy.deepcopy(half)
    weights = {t.name: t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT}
    halves = {t.name for t in half.graph.initializer if t.data_type == TensorProto.FLOAT16}
    nodes: list[onnx.NodeProto] = []
    # The first operators narrow the inputs.
    wide = {node.output[0]: node.input[0] for node in half.graph.node[: len(half.graph.input)]}
    typed = onnx.shape_inference.infer_shapes(half).graph.value_info
    halves |= {value.name for value in typed if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    for node in half.graph.node:
        if node.name not in kept:
            nodes.append(node)
            continue
        for name in node.input:
            if name in halves and name not in wide:
                wide[name] = f"{name}_kept"
                if name in weights:
                    tensor = copy.deepcopy(weights[name])
                    tensor.name = wide[name]
                    half.graph.initializer.append(tensor)
                else:
                    nodes.append(helper.make_node("Cast", [name], [wide[name]], to=TensorProto.FLOAT))
        node.input[:] = [wide.get(name, name) for name in node.input]
        nodes.append(node)
        for index, name in enumerate(node.output):
            wide[name] = node.output[index] = f"{name}_kept"
            nodes.append(helper.make_node("Cast", [wide[name]], [name], to=TensorProto.FLOAT16))
    return _without_unused(half, nodes)


def _without_unused(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    """The model with these nodes, without casts and weights that no node reads."""
    read = {name for node in nodes for name in node.input} | {value.name for value in model.graph.output}
    nodes = [copy.deepcopy(node) for node in nodes if read & set(node.output)]
    tensors = [copy.deepcopy(tensor) for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.node[:], model.graph.value_info[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(tensors)
    onnx.checker.check_model(model, full_check=True)
    return onnx.shape_inference.infer_shapes(model)
