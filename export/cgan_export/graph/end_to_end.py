"""Wraps a network for other people's programs: a gray image of any size in, the colored image out.

    model = end_to_end(network, side=256, multiple=32)      # gray uint8 (N, H, W) to rgb uint8 (N, H, W, 3)

All that `cgan_runtime.colorizer.Colorizer.image` does around the network becomes ONNX operators. The graph
resizes by products with matrices that it makes from the image's size: ONNX's Resize has no mean over an area
before operator set 18, and engines differ in their bicubic interpolation.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from cgan_export.graph.trace import INPUT, OUTPUT, axes_of, tensor_of
from cgan_runtime.backends.axes import Axes
from cgan_runtime.color import lab, transfer
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.upsampling import EPSILON, RADIUS
from cgan_runtime.manifest import AB_SCALE
from cgan_runtime.network_shape import MAX_ASPECT, network_shape

GRAY, RGB = "gray", "rgb"

_SHAPE = "network_shape"  # metadata of a model whose network sees every image in one shape
_SPAN = 2.0  # of lightness, -1 to 1
_CUBIC = -0.75  # OpenCV's constant of bicubic interpolation
_TINY = 1e-6
_SAMPLES = 4096  # aspects that are tried to find where the network's shape changes
_HALVINGS = 60  # of the interval between two of them, down to the last bit

Table = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def end_to_end(network: onnx.ModelProto, *, side: int, multiple: int) -> onnx.ModelProto:
    """Wrap a network of any form, which is not changed; its inputs beside the lightness are zeros.

    Images are resized to an area of `side` x `side` pixels in sides that are multiples of `multiple`, or to
    the network's height and width where these are fixed. The checked model takes `gray` uint8 (N, H, W), sRGB
    codes, to `rgb` uint8 (N, H, W, 3). H and W are free; N is free if the network's batch is.
    """
    graph = _Graph()
    pixels = graph("Cast", GRAY, to=TensorProto.FLOAT)
    table = graph.constant(lab.lightness_table(Encoding("bt709", full_range=True, bits=8)))
    codes = graph("Cast", pixels, to=TensorProto.INT32)
    large = graph("Unsqueeze", graph("Gather", table, codes), graph.integers(1))  # (N, 1, H, W)
    shape = graph("Shape", GRAY)
    image = graph.item(shape, 1), graph.item(shape, 2)
    small = _network_size(graph, network, image, side, multiple)
    rows = _shrinking(graph, image[0], small[0])
    columns = graph("Transpose", _shrinking(graph, image[1], small[1]))
    graph.nodes.append(helper.make_node("MatMul", [graph("MatMul", rows, large), columns], [INPUT]))
    for value in network.graph.input[1:]:
        zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
        sizes = _sizes_of(graph, network, value, graph.item(shape, 0), small)
        graph.nodes.append(helper.make_node("ConstantOfShape", [sizes], [value.name], value=zero))
    graph.nodes.extend(copy.deepcopy(network.graph.node))
    chroma = _enlarged(graph, image, small, large)
    graph.nodes.append(helper.make_node("Cast", [_codes(graph, large, chroma)], [RGB], to=TensorProto.UINT8))
    batch, _, *fixed = axes_of(network.graph.input[0])
    axes = (batch if isinstance(batch, int) else "n", "height", "width")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in ((GRAY, axes), (RGB, (*axes, 3)))
    ]
    tensors = [*graph.constants, *network.graph.initializer]
    whole = helper.make_graph(graph.nodes, "end_to_end", ends[:1], ends[1:], tensors)
    model = helper.make_model(whole, opset_imports=network.opset_import, ir_version=network.ir_version)
    model.producer_name, model.producer_version = network.producer_name, network.producer_version
    properties = {entry.key: entry.value for entry in network.metadata_props}
    if all(isinstance(axis, int) for axis in fixed):
        properties[_SHAPE] = "x".join(map(str, fixed))
    helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    return model


def fixed_network_shape(model: onnx.ModelProto) -> tuple[int, int] | None:
    """Height and width that a wrapped network sees every image in; None if they follow its aspect."""
    for entry in model.metadata_props:
        if entry.key == _SHAPE:
            height, width = map(int, entry.value.split("x"))
            return height, width
    return None


class _Graph:
    """Collects nodes: `graph("Add", a, b)` adds one and returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        (result,) = self.several(operator, 1, *inputs, **attributes)
        return result

    def several(self, operator: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several results."""
        names = [self._name() for _ in range(count)]
        self.nodes.append(helper.make_node(operator, inputs, names, names[0], **attributes))
        return names

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """A constant array."""
        name = self._name()
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def integers(self, *values: int) -> str:
        """A constant list of int64: axes, pads."""
        return self.constant(values, np.int64)

    def item(self, vector: str, index: int) -> str:
        """One value of a vector, as a scalar."""
        return self("Gather", vector, self.constant(index, np.int64))

    def number(self, integer: str) -> str:
        """An integer as float32."""
        return self("Cast", integer, to=TensorProto.FLOAT)

    def times(self, value: str, factor: float) -> str:
        """A value times a constant."""
        return self("Mul", value, self.constant(factor))

    def line(self, value: str, slope: float, offset: float) -> str:
        """A linear function of a value."""
        return self("Add", self.times(value, slope), self.constant(offset))

    def count_to(self, length: str) -> str:
        """0, 1, 2... in float32, (length,)."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        return self.number(self("Range", zero, length, one))

    def _name(self) -> str:
        self._count += 1
        return f"image_{self._count}"


def _network_size(
    graph: _Graph, network: onnx.ModelProto, image: tuple[str, str], side: int, multiple: int
) -> tuple[str, str]:
    """Height and width of the network's input for an image, int64 scalars, as the runtime chooses them."""
    _, _, height, width = axes_of(network.graph.input[0])
    if isinstance(height, int) and isinstance(width, int):
        return graph.constant(height, np.int64), graph.constant(width, np.int64)
    limits, heights, widths = shapes_by_aspect(side, multiple)
    aspect = graph("Div", graph.number(image[1]), graph.number(image[0]))
    above = graph("Cast", graph("GreaterOrEqual", aspect, graph.constant(limits)), to=TensorProto.INT64)
    place = graph("ReduceSum", above, graph.integers(0), keepdims=0)
    return tuple(graph("Gather", graph.constant(sides, np.int64), place) for sides in (heights, widths))  # type: ignore[return-value]


def _sizes_of(
    graph: _Graph, network: onnx.ModelProto, value: onnx.ValueInfoProto, batch: str, small: tuple[str, str]
) -> str:
    """The sizes of a further input beside a first one of `batch` images and `small` pixels, an int64 vector."""
    tensors, multiple = (tensor_of(network.graph.input[0]), tensor_of(value)), 1024
    axes = Axes()
    axes.take(tensors[0], (1, 1, multiple, multiple))
    sizes = []
    for index, (axis, part) in enumerate(zip(tensors[1].shape, axes.shape(tensors[1]), strict=True)):
        if isinstance(axis, int):
            sizes.append(graph.constant(axis, np.int64))
        elif index == 0:
            sizes.append(batch)
        elif index == 1:  # rows, of which there may be any number
            sizes.append(graph.constant(part, np.int64))
        else:
            scaled = graph("Mul", small[index - 2], graph.constant(part, np.int64))
            sizes.append(graph("Div", scaled, graph.constant(multiple, np.int64)))
    return graph("Concat", *(graph("Unsqueeze", size, graph.integers(0)) for size in sizes), axis=0)


def shapes_by_aspect(side: int, multiple: int) -> Table:
    """The runtime's choice of the network's shape, as a table.

    It has rising aspects at which the shape changes, (k,), and the heights and widths around them, (k + 1,).
    """

    def shape(aspect: float) -> tuple[int, int]:
        return network_shape(aspect, side, multiple)

    # At the ratio of two sides alone, two shapes may be equally good; so these are tried too.
    sides = np.arange(1, round(side * np.sqrt(MAX_ASPECT) / multiple) + 2)
    ratios = np.unique(np.divide.outer(sides, sides))
    between = ratios[(ratios > 1 / MAX_ASPECT) & (ratios < MAX_ASPECT)]
    aspects = np.sort(np.concatenate([np.geomspace(1 / MAX_ASPECT, MAX_ASPECT, _SAMPLES), between]))
    limits, shapes = [], [shape(float(aspects[0]))]
    for low, high in itertools.pairwise(map(float, aspects)):
        while (wanted := shape(high)) != shapes[-1]:
            below, above = low, high
            for _ in range(_HALVINGS):
                middle = (below + above) / 2
                below, above = (middle, above) if shape(middle) == shapes[-1] else (below, middle)
            limits.append(above)
            shapes.append(shape(above))
            low = above
            if shapes[-1] == wanted:
                break
    rounded = np.array(limits, np.float32)
    rounded = np.where(rounded < limits, np.nextafter(rounded, np.float32(np.inf)), rounded)
    heights, widths = np.array(shapes, np.int64).T
    return rounded, heights, widths


def _shrinking(graph: _Graph, large: str, small: str) -> str:
    """The matrix (small, large) that resizes an axis as `colorizer._resize` does.

    Where the axis shrinks each row is the mean over the stretch that a small pixel covers; where it grows,
    linear interpolation.
    """
    step = graph("Div", graph.number(large), graph.number(small))
    row = graph("Unsqueeze", graph.count_to(small), graph.integers(1))
    column = graph("Unsqueeze", graph.count_to(large), graph.integers(0))
    one, zero, half = graph.constant(1), graph.constant(0), graph.constant(0.5)
    ends = graph("Min", graph("Mul", graph("Add", row, one), step), graph("Add", column, one))
    starts = graph("Max", graph("Mul", row, step), column)
    area = graph("Div", graph("Max", graph("Sub", ends, starts), zero), step)
    center = graph("Sub", graph("Mul", graph("Add", row, half), step), half)
    last = graph("Sub", graph.number(large), one)
    center = graph("Min", graph("Max", center, zero), last)
    linear = graph("Max", graph("Sub", one, graph("Abs", graph("Sub", center, column))), zero)
    return graph("Where", graph("Greater", step, one), area, linear)


def _growing(graph: _Graph, small: str, large: str) -> str:
    """The matrix (large, small) of bicubic interpolation along an axis, its ends repeated, as OpenCV's."""
    step = graph("Div", graph.number(small), graph.number(large))
    half, one, zero = graph.constant(0.5), graph.constant(1), graph.constant(0)
    row = graph("Unsqueeze", graph.count_to(large), graph.integers(1))
    column = graph("Unsqueeze", graph.count_to(small), graph.integers(0))
    place = graph("Sub", graph("Mul", graph("Add", row, half), step), half)
    first = graph("Floor", place)
    last = graph("Sub", graph.number(small), one)
    matrix = zero
    for tap in (-1, 0, 1, 2):
        position = graph("Add", first, graph.constant(tap))
        weight = _cubic(graph, graph("Abs", graph("Sub", place, position)), near=tap in (0, 1))
        held = graph("Min", graph("Max", position, zero), last)
        there = graph("Cast", graph("Equal", column, held), to=TensorProto.FLOAT)
        matrix = graph("Add", matrix, graph("Mul", weight, there))
    return matrix


def _cubic(graph: _Graph, distance: str, *, near: bool) -> str:
    """Weight of a pixel at a distance (Keys 1981), below 1 where `near`, else from 1 to 2."""
    a = _CUBIC
    powers = (a + 2, -(a + 3), 0.0, 1.0) if near else (a, -5 * a, 8 * a, -4 * a)
    value = graph.constant(powers[0])
    for power in powers[1:]:
        value = graph("Add", graph("Mul", value, distance), graph.constant(power))
    return value


def _enlarged(graph: _Graph, image: tuple[str, str], small: tuple[str, str], guide: str) -> str:
    """The network's chroma at the image's size, with the luma as guide: `enlarge_chroma` as a graph."""
    add = graph.constant(EPSILON * _SPAN**2)
    square, product = graph("Mul", INPUT, INPUT), graph("Mul", OUTPUT, INPUT)
    means = _box(graph, graph("Concat", INPUT, square, OUTPUT, product, axis=1))
    mean, squares, colors, products = graph.several("Split", 4, means, graph.integers(1, 1, 2, 2), axis=1)
    variance = graph("Add", graph("Sub", squares, graph("Mul", mean, mean)), add)
    covariance = graph("Sub", products, graph("Mul", mean, colors))
    slope = _box(graph, graph("Div", covariance, variance))
    shift = graph("Sub", OUTPUT, graph("Mul", slope, INPUT))
    rows = _growing(graph, small[0], image[0])
    columns = graph("Transpose", _growing(graph, small[1], image[1]))
    slope, shift = (graph("MatMul", graph("MatMul", rows, plane), columns) for plane in (slope, shift))
    return graph("Add", graph("Mul", slope, guide), shift)  # (N, 2, H, W)


def _box(graph: _Graph, planes: str) -> str:
    """Mean over the window around each pixel, the image mirrored at its border."""
    reach = [0, 0, RADIUS, RADIUS]
    padded = graph("Pad", planes, graph.integers(*reach, *reach), mode="reflect")
    return graph("AveragePool", padded, kernel_shape=[2 * RADIUS + 1] * 2)


def _codes(graph: _Graph, lightness: str, chroma: str) -> str:
    """sRGB codes 0 to 255 of lightness and chroma, rounded, float32 (N, H, W, 3): `rgb_of_lab` as a graph."""
    a, b = graph.several("Split", 2, chroma, graph.integers(1, 1), axis=1)
    y_root = graph.line(lightness, lab.L_SCALE / lab.L_GAIN, (lab.L_SCALE + lab.L_OFFSET) / lab.L_GAIN)
    y = _cube(graph, y_root)
    x, z = (
        graph("Sub", _cube(graph, graph("Add", y_root, graph.times(axis, gain))), y)
        for axis, gain in ((a, AB_SCALE / lab.A_GAIN), (b, -AB_SCALE / lab.B_GAIN))
    )
    # With X, Y and Z divided by those of white, each channel less Y is a sum of X - Y and Z - Y.
    xyz_of_rgb = transfer.xyz_of_rgb("bt709")
    of_white = np.linalg.inv(xyz_of_rgb) * xyz_of_rgb.sum(axis=1)
    channels = [graph("Add", graph.times(x, row[0]), graph.times(z, row[2])) for row in of_white]
    tiny, zero, one = graph.constant(_TINY), graph.constant(0), graph.constant(1)
    up = graph("Div", graph("Sub", one, y), graph("Max", *channels, tiny))
    down = graph("Div", y, graph("Max", graph("Neg", graph("Min", *channels)), tiny))
    room = graph("Min", graph("Max", graph("Min", up, down), zero), one)
    light = graph("Add", y, graph("Mul", room, graph("Concat", *channels, axis=1)))
    toe = graph.constant(transfer.TOE_END)
    power = graph("Pow", graph("Max", light, toe), graph.constant(1 / transfer.GAMMA))
    knee = transfer.OFFSET + transfer.TOE_SLOPE * transfer.TOE_END
    bright = graph.line(power, 255 * (1 + transfer.OFFSET), -255 * knee)
    encoded = graph("Add", bright, graph.times(graph("Min", light, toe), 255 * transfer.TOE_SLOPE))
    # Clipped before the cast: other values wrap around in some engines.
    whole = graph("Min", graph("Max", graph("Round", encoded), zero), graph.constant(255))
    return graph("Transpose", whole, perm=[0, 2, 3, 1])


def _cube(graph: _Graph, root: str) -> str:
    """The inverse of L*a*b*'s f: the cube above the knee, its tangent below."""
    knee = graph.constant(lab.KNEE)
    above = graph("Max", root, knee)
    cube = graph("Mul", graph("Mul", above, above), above)
    return graph("Add", cube, graph.line(graph("Min", root, knee), 3 * lab.KNEE**2, -3 * lab.KNEE**3))
