"""The forms of a graph, on graphs of a few nodes whose answers can be worked out by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.conftest import write_tiny_model

from cgan_export.graph.cpu_engines import outputs_of
from cgan_export.graph.half_range import keep_in_float32, operators_spoiled_by_half
from cgan_export.graph.precision import emulate_half, in_half, with_half_weights
from cgan_export.onnx_files import Exported
from cgan_runtime.errors import ConfigError

Array = npt.NDArray[np.float32]

SHAPE = (1, 1, 2, 2)
ODD = 2049.0  # half precision has no odd numbers above 2048


def graph_of(nodes: Sequence[onnx.NodeProto], **constants: npt.ArrayLike) -> onnx.ModelProto:
    """A float32 model from `lightness` to `chroma`."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, SHAPE) for n in ("lightness", "chroma")]
    tensors = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in constants.items()]
    graph = helper.make_graph(list(nodes), "test", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, lightness: Array) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"lightness": lightness})[0])


@pytest.fixture
def rounding() -> onnx.ModelProto:
    """Adds 2048 and takes it away again: what is left shows where a sum was rounded."""
    nodes = [
        helper.make_node("Add", ["lightness", "much"], ["sum"]),
        helper.make_node("Sub", ["sum", "much"], ["chroma"]),
    ]
    return graph_of(nodes, much=2048.0)


def test_emulation_rounds_where_half_arithmetic_does(rounding: onnx.ModelProto) -> None:
    one = np.full(SHAPE, ODD - 2048, np.float32)
    np.testing.assert_array_equal(run(rounding, one), one)
    np.testing.assert_array_equal(run(emulate_half(in_half(rounding)), one), np.zeros_like(one))


def test_conversions_leave_the_graph_they_start_from(rounding: onnx.ModelProto) -> None:
    before = rounding.SerializeToString()
    for convert in (in_half, with_half_weights):
        convert(rounding)
    half = in_half(rounding)
    kept = half.SerializeToString()
    emulate_half(half)
    assert rounding.SerializeToString() == before
    assert half.SerializeToString() == kept


def test_a_constant_and_a_cast_inside_follow_the_network() -> None:
    value = numpy_helper.from_array(np.float32([0.5]), "value")
    nodes = [
        helper.make_node("Constant", [], ["half"], value=value),
        helper.make_node("Greater", ["lightness", "half"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["mask", "lightness"], ["chroma"]),
    ]
    given = np.float32([[[[0.25, 0.75], [1.0, -1.0]]]])
    np.testing.assert_array_equal(run(in_half(graph_of(nodes)), given), [[[[0, 0.75], [1, 0]]]])


def test_large_weights_are_stored_in_half_and_small_ones_and_huge_ones_stay() -> None:
    random = np.random.default_rng(0)
    constants = {
        "weights": random.normal(size=(1024, 1, 1, 1)),
        "bias": random.normal(size=1),
        "huge": np.full((1024, 1, 1, 1), 1e6),
    }
    nodes = [
        helper.make_node("ReduceSum", ["weights"], ["a"], keepdims=0),
        helper.make_node("ReduceSum", ["huge"], ["b"], keepdims=0),
        helper.make_node("Add", ["lightness", "a"], ["c"]),
        helper.make_node("Add", ["c", "b"], ["d"]),
        helper.make_node("Add", ["d", "bias"], ["chroma"]),
    ]
    stored = with_half_weights(graph_of(nodes, **constants))
    kinds = {tensor.name: tensor.data_type for tensor in stored.graph.initializer}
    assert kinds == {
        "weights_half": TensorProto.FLOAT16, "bias": TensorProto.FLOAT, "huge": TensorProto.FLOAT,
    }  # fmt: skip
    given = np.zeros(SHAPE, np.float32)
    expected = constants["weights"].astype(np.float16).sum(dtype=np.float64) + constants["bias"] + 1024e6
    np.testing.assert_allclose(run(stored, given), np.full(SHAPE, expected), rtol=1e-6)


def test_a_second_input_is_converted_too_and_zeros_are_fed(tmp_path: Path) -> None:
    lightness = np.random.default_rng(0).uniform(-1, 1, (2, 1, 32, 48)).astype(np.float32)
    plain = onnx.load(write_tiny_model(tmp_path / "plain.onnx"))
    hinted = onnx.load(write_tiny_model(tmp_path / "hinted.onnx", hints=True))
    for convert in (in_half, with_half_weights, lambda model: emulate_half(in_half(model))):
        model = convert(hinted)
        assert [value.name for value in model.graph.input] == ["lightness", "hints"]
        for expected, found in zip(outputs_of(plain, lightness), outputs_of(model, lightness), strict=True):
            np.testing.assert_allclose(found[0], expected[0], atol=2e-3)


def test_an_operator_without_a_half_form_is_named() -> None:
    nodes = [
        helper.make_node("Flatten", ["lightness"], ["flat"]),
        helper.make_node("DynamicQuantizeLinear", ["flat"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["wide"]),
        helper.make_node("Reshape", ["wide", "shape"], ["chroma"]),
    ]
    model = graph_of(nodes)
    model.graph.initializer.append(numpy_helper.from_array(np.int64(SHAPE), "shape"))
    with pytest.raises(ConfigError, match=r"in half precision \(.*DynamicQuantizeLinear.*use fp32"):
        in_half(model)


def test_onnx_runtime_folds_the_casts_of_stored_weights(paper_exports: list[Exported], tmp_path: Path) -> None:
    counts = []
    for one in paper_exports[:2]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        onnxruntime.InferenceSession(str(one.path), options, ["CPUExecutionProvider"])
        counts.append(Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node))
    assert Counter(node.op_type for node in onnx.load(paper_exports[1].path).graph.node)["Cast"] > 5
    assert counts[0] == counts[1]


def test_convolutions_whose_weights_cancel_stay_in_float32() -> None:
    first = np.array([1.0004, 1.0], np.float32).reshape(2, 1, 1, 1)  # half precision has no number between
    model = graph_of(
        [
            helper.make_node("Conv", ["lightness", "first"], ["two"], "first"),
            helper.make_node("Conv", ["two", "difference"], ["small"], "second"),
            helper.make_node("Conv", ["small", "third"], ["chroma"], "third"),
        ],
        first=first,
        difference=np.array([512.0, -512.0]).reshape(1, 2, 1, 1),
        third=np.full((1, 1, 1, 1), 0.5),
    )
    lightness = np.full((3, *SHAPE[1:]), 0.8, np.float32)
    assert operators_spoiled_by_half(model, lightness, 0.005) == ["first"]
    assert operators_spoiled_by_half(model, lightness, 0.5) == []
    expected, halved = run(model, lightness[:1]), run(in_half(model), lightness[:1])
    assert np.abs(halved - expected).max() > 0.05
    rescued = run(keep_in_float32(in_half(model), model, ["first", "second"]), lightness[:1])
    assert np.abs(rescued - expected).max() < 1e-3
