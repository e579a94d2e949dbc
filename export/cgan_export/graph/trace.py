"""Traces a PyTorch generator to one ONNX graph in float32, the source of every exported form.

    model = to_onnx(generator, size=(256, 256), dynamic=True)

The graph uses operator set 17, the newest that TensorRT 8.5 and runtimes of its age read. The exporter starts
at 18, and the conversion down is exact; a generator with operators that 17 lacks keeps 18.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import version_converter
from torch import nn
from torch.export import Dim

from cgan_runtime import __version__
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import Tensor
from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.guided import HINT_STRIDE, KEY_STRIDE, MEMORY_COLUMNS

if TYPE_CHECKING:
    from cgan_train.models.base import Generator

INPUT, OUTPUT = "lightness", "chroma"
INPUTS = (INPUT, "hints", "memory")
"""The inputs of a guided generator; others have the first alone."""

OUTPUTS = (OUTPUT, "keys")
"""The outputs of a guided generator; others have the first alone."""

OPSET = 17
MEMORY_ROWS = 2048
"""Rows of memory of a model of fixed size: two images of 256 px."""

_EXPORTER_OPSET = 18  # the oldest that torch.onnx implements
_IR_VERSION = 8  # of operator set 17


def to_onnx(
    generator: Generator, *, size: tuple[int, int], batch: int = 1, dynamic: bool = True, guided: bool = True
) -> onnx.ModelProto:
    """Export a generator in evaluation mode, float32, on the CPU.

    BatchNorm and padding are folded into the convolutions. The checked model takes `lightness` (N, 1, H, W)
    to `chroma` (N, 2, H, W), float32, ranges as in `Generator`. N, H and W are free if `dynamic`, the last
    two recorded as `32*h`, `32*w`; else they are `batch` and `size` (height and width, such multiples).

    A guided generator, if `guided`, takes `hints` (N, 3, H/4, W/4) and `memory` (N, M, 38) too, and returns `keys`
    (N, 32, H/8, W/8) too (`GuidedGenerator.forward`). M is free if `dynamic`, else `MEMORY_ROWS`.

    Raises:
        ConfigError: The generator cannot be exported.
    """
    guided = guided and generator.guided
    count = len(INPUTS) if guided else 1
    example, axes = _example(generator.size_multiple, (batch, *size), dynamic)
    try:
        with _silence():
            program = torch.onnx.export(
                _simplified(generator), example[:count], dynamo=True, external_data=False, verbose=False,
                opset_version=_EXPORTER_OPSET, input_names=INPUTS[:count],
                output_names=OUTPUTS if guided else OUTPUTS[:1],
                dynamic_shapes=axes[:count] if dynamic else None,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        hint = "; try a fixed size (--fixed)" if dynamic else ""
        raise ConfigError(f"{type(generator).__name__} cannot be exported to ONNX ({reason}){hint}") from error
    assert program is not None  # None only if a file was asked for
    model = _lowered(program.model_proto)
    _clean(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _simplified(generator: Generator) -> Generator:
    """The same network in fewer and simpler operators for the exporter: traced in two thirds of the time.

    What an operator costs is arithmetic on free sizes. The exporter would fold the BatchNorm of a large encoder only
    afterwards, and takes each ReLU6 apart into eight operators for a while.
    """
    if not isinstance(generator, EdgeGenerator):
        return generator
    generator = copy.deepcopy(generator)
    generator.encoder.drop_norms()
    if hasattr(torch.onnx, "ops"):  # PyTorch 2.8
        generator.encoder.replace_activations(_Clip)
    return generator


class _Clip(nn.ReLU6):
    """ReLU6, exported as the operator that ONNX has for it."""

    low: torch.Tensor
    high: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.tensor(0.0))
        self.register_buffer("high", torch.tensor(6.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.onnx.is_in_onnx_export():
            return super().forward(x)
        inputs = (x, self.low, self.high)
        return torch.onnx.ops.symbolic("Clip", inputs, dtype=x.dtype, shape=x.shape, version=_EXPORTER_OPSET)


def _example(
    multiple: int, shape: tuple[int, int, int], dynamic: bool
) -> tuple[tuple[torch.Tensor, ...], tuple[dict[int, Any], ...]]:
    """Inputs to trace a generator with, in the order of `INPUTS`, and their free axes."""
    n, h, w, m = Dim("n", min=1), Dim("h"), Dim("w"), Dim("m", min=1)
    small = max(1, multiple // HINT_STRIDE)  # of a guided generator, whose multiple is larger
    axes: tuple[dict[int, Any], ...] = (
        {0: n, 2: multiple * h, 3: multiple * w}, {0: n, 2: small * h, 3: small * w}, {0: n, 1: m},
    )  # fmt: skip
    # The exporter would take a 1, or two equal numbers, in the example for a rule.
    batch, height, width = (2, 2 * multiple, 3 * multiple) if dynamic else shape
    hints = torch.zeros(batch, 3, height // HINT_STRIDE, width // HINT_STRIDE)
    memory = torch.zeros(batch, 5 if dynamic else MEMORY_ROWS, MEMORY_COLUMNS)
    return (torch.zeros(batch, 1, height, width), hints, memory), axes


def describe(model: onnx.ModelProto, properties: dict[str, str]) -> None:
    """Write who made a model, and from what, into the file."""
    model.producer_name, model.producer_version = "cgan", __version__
    onnx.helper.set_model_props(model, properties)


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operator set that a model uses."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain == "")


def axes_of(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    """The axes of a model's input or output; a free axis is a name."""
    return tuple(axis.dim_param or int(axis.dim_value) for axis in value.type.tensor_type.shape.dim)


def tensor_of(value: onnx.ValueInfoProto) -> Tensor:
    """A model's input or output as its manifest describes it."""
    dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    return Tensor(value.name, dtype.name, axes_of(value))


def _lowered(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in `OPSET`, or unchanged if an operator has no older form."""
    try:
        lowered = version_converter.convert_version(model, OPSET)
    except RuntimeError:
        return model
    lowered.ir_version = _IR_VERSION
    return lowered


def _clean(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes (source lines, paths of this machine), and name the outputs' axes."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.doc_string = ""
        del part.metadata_props[:]
    axes = model.graph.input[0].type.tensor_type.shape.dim
    for index in (0, 2, 3):
        model.graph.output[0].type.tensor_type.shape.dim[index].CopyFrom(axes[index])
    for keys in model.graph.output[1:]:  # at half the size of the hints
        keys.type.tensor_type.shape.dim[0].CopyFrom(axes[0])
        for index in (2, 3):
            if name := axes[index].dim_param:
                multiple, side = name.split("*")
                keys.type.tensor_type.shape.dim[index].dim_param = f"{int(multiple) // KEY_STRIDE}*{side}"


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's warnings about itself and about packages that we do not need off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
