"""A guided colorizer made by hand: the inputs and outputs of the real one, in a dozen operators.

A place is known by a random projection of the lightness around it. What is like a row of memory takes its color;
a hint's color is shown exactly. Everything else is orange.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cgan_runtime.manifest import Manifest, Tensor, sha256_of

MULTIPLE, SIZE = 32, 64
ORANGE = (0.15, 0.25)  # (a*, b*)/110 of the automatic color
SHARPNESS, UNKNOWN = 24.0, 0.02

AXES = {
    "lightness": ("n", 1, "32*h", "32*w"), "hints": ("n", 3, "8*h", "8*w"), "memory": ("n", "m", 38),
    "chroma": ("n", 2, "32*h", "32*w"), "keys": ("n", 32, "4*h", "4*w"),
}  # fmt: skip


def write_guided_model(path: Path, *, size: int = SIZE) -> Path:
    """Write the model and its manifest."""
    onnx = pytest.importorskip("onnx")
    dice = np.random.default_rng(5)
    kernel = dice.normal(0, 1, (32, 1, 4, 4)).astype(np.float32).repeat(6, 2).repeat(6, 3)
    constants = {
        "kernel": kernel, "bias": dice.normal(0, 2, 32).astype(np.float32),
        "flat": np.array([0, 32, -1]), "rows": np.array([0, 0, 0, 0]),
        "axis": np.array([1]), "one": np.float32(1), "sharp": np.float32(SHARPNESS), "least": np.float32(UNKNOWN),
        "orange": np.float32(ORANGE).reshape(1, 2, 1, 1), "none": np.float32(0),
        "x4": np.float32([1, 1, 4, 4]), "x8": np.float32([1, 1, 8, 8]),
        "three": np.array([3]), "to": np.array([2]), "end": np.array([4]), "start": np.array([0]),
        "first": np.array([1]), "key_end": np.array([32]), "color_start": np.array([35]),
        "color_end": np.array([37]), "weight_end": np.array([38]), "columns": np.array([2]),
        "channels": np.array([1]), "two": np.array([2]), "mask_end": np.array([3]),
    }  # fmt: skip
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["lightness", "kernel", "bias"], ["raw"], strides=[8, 8], pads=[8] * 4),
        node("ReduceL2", ["raw", "axis"], ["length"], keepdims=1),
        node("Div", ["raw", "length"], ["keys"]),
        node("Reshape", ["keys", "flat"], ["places"]),
        node("Transpose", ["places"], ["query"], perm=[0, 2, 1]),
        node("Slice", ["memory", "start", "key_end", "columns"], ["key"]),
        node("Slice", ["memory", "color_start", "color_end", "columns"], ["color"]),
        node("Slice", ["memory", "color_end", "weight_end", "columns"], ["weight"]),
        node("Transpose", ["key"], ["key_t"], perm=[0, 2, 1]),
        node("MatMul", ["query", "key_t"], ["alike"]),
        node("Sub", ["alike", "one"], ["far"]),
        node("Mul", ["far", "sharp"], ["logit"]),
        node("Exp", ["logit"], ["share"]),
        node("Mul", ["color", "weight"], ["weighted"]),
        node("Concat", ["weighted", "weight"], ["value"], axis=2),
        node("MatMul", ["share", "value"], ["sums"]),
        node("Slice", ["sums", "two", "mask_end", "columns"], ["sum"]),
        node("Add", ["sum", "least"], ["sum_least"]),
        node("Div", ["sums", "sum_least"], ["recalled"]),
        node("Transpose", ["recalled"], ["recalled_t"], perm=[0, 2, 1]),
        node("Shape", ["keys"], ["shape"]),
        node("Slice", ["shape", "to", "end", "start"], ["sides"]),
        node("Slice", ["shape", "start", "first", "start"], ["count"]),
        node("Concat", ["count", "three", "sides"], ["target"], axis=0),
        node("Reshape", ["recalled_t", "target"], ["small"]),
        node("Resize", ["small", "", "x8"], ["known"], mode="nearest"),
        node("Resize", ["hints", "", "x4"], ["hinted"], mode="nearest"),
        *_mixed(node, "known", "orange_plane", "guided"),
        *_mixed(node, "hinted", "guided", "chroma"),
    ]
    nodes.insert(-8, node("Mul", ["lightness", "none"], ["zero"]))
    nodes.insert(-8, node("Add", ["zero", "orange"], ["orange_plane"]))
    info = onnx.helper.make_tensor_value_info
    float32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "guided",
        [info(name, float32, AXES[name]) for name in ("lightness", "hints", "memory")],
        [info(name, float32, AXES[name]) for name in ("chroma", "keys")],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    tensors = {name: Tensor(name, "float32", axes) for name, axes in AXES.items()}
    Manifest(
        name="guided", file=path.name, sha256=sha256_of(path), precision="fp32", weights="fp32", opset=18,
        size=size, size_multiple=MULTIPLE, recipe="guided",
        inputs=(tensors["lightness"], tensors["hints"], tensors["memory"]),
        outputs=(tensors["chroma"], tensors["keys"]),
    ).save(path)  # fmt: skip
    return path


def _mixed(node, over: str, under: str, out: str):  # type: ignore[no-untyped-def]
    """Premultiplied planes (a, b, share) over two planes."""
    return [
        node("Slice", [over, "start", "two", "channels"], [f"{over}_color"]),
        node("Slice", [over, "two", "mask_end", "channels"], [f"{over}_share"]),
        node("Sub", ["one", f"{over}_share"], [f"{over}_rest"]),
        node("Mul", [under, f"{over}_rest"], [f"{over}_under"]),
        node("Add", [f"{over}_color", f"{over}_under"], [out]),
    ]
