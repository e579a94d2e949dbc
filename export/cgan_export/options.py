"""TODO."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime.options.groups import BatchType, SizeType, option_group

if TYPE_CHECKING:
    from cgan_export.graph.precision import Form
    from cgan_export.targets.tensorrt import EngineOptions

_MIB = 1 << 20


_WORKSPACE = 1024  # MiB


_MOST_WORKSPACE = 1 << 20  # MiB; no GPU has as much


_TARGET = "tensorrt"


_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class OutputOptions:
    """Where the files go."""

    output: Path
    name: str
    triton: Path | None


@dataclass(frozen=True)
class FormOptions:
    """Which forms to write."""

    fp32: bool
    fp16: bool
    int8: bool
    calibration: Path | None
    every: bool
    weights: str | None
    end_to_end: bool

    def forms(self) -> tuple[Form, ...]:
        """The forms that were asked for, but for INT8, which needs photographs; float32 where none was."""
        from cgan_export.graph.precision import FORMS

        if self.every:
            return tuple(FORMS.values())
        plain = FORMS["fp16-weights" if self.weights == "fp16" else "fp32"]
        return (
            *([plain] if self.fp32 or not (self.fp16 or self.int8) else []),
            *([FORMS["fp16"]] if self.fp16 else []),
        )


@dataclass(frozen=True)
class ShapeOptions:
    """Which sizes the model takes."""

    size: tuple[int, int] | None
    dynamic: bool
    batch: tuple[int, int, int] | None


@dataclass(frozen=True)
class EngineChoice:
    """Which engines to build."""

    engine: bool | None
    target: str
    workspace: int
    hardware_compatible: bool
    version_compatible: bool

    def given(self) -> list[str]:
        """The options that say something on engines."""
        said = {
            "--target": self.target != _TARGET,
            "--workspace": self.workspace != _WORKSPACE,
            "--hardware-compatible": self.hardware_compatible,
            "--version-compatible": self.version_compatible,
        }
        return [option for option, given in said.items() if given]

    def options(self, shape: ShapeOptions) -> EngineOptions:
        """As the builder takes them."""
        from cgan_export.targets.tensorrt import EngineOptions
        from cgan_runtime.backends.tensorrt.build import BuildOptions

        build = BuildOptions(self.workspace * _MIB, self.hardware_compatible, self.version_compatible)
        return EngineOptions(self.target, shape.size, shape.batch, build)


@dataclass(frozen=True)
class CheckOptions:
    """What to compare on."""

    data: Path | None
    no_verify: bool


output_options = option_group(
    "files",
    OutputOptions,
    "Output",
    click.option("-o", "--output", type=_PATH, default=Path("exported"), help="Folder for the files."),
    click.option(
        "--name", default="", show_default=False, help="Name of the files.  [default: the recipe's]"
    ),
    click.option(
        "--triton",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Add each model, or its engine, to this repository of Triton Inference Server too.",
    ),
)


form_options = option_group(
    "form",
    FormOptions,
    "Form",
    click.option(
        "--fp32",
        is_flag=True,
        help="Write NAME.onnx, which computes in float32. This is done unless another form is asked for.",
    ),
    click.option(
        "--fp16",
        is_flag=True,
        help="Write NAME-fp16.onnx, which computes in half precision throughout, for GPUs.",
    ),
    click.option(
        "--int8",
        is_flag=True,
        help="Write NAME-int8.onnx, whose convolutions compute in 8 bits where the colors bear it.",
    ),
    click.option(
        "--calibration",
        type=_PATH,
        show_default=False,
        help="Photos for the ranges of --int8, a folder or tar.  [default: eight that come with cgan]",
    ),
    click.option("--all", "every", is_flag=True, help="Write fp32, fp32 with fp16 weights, and fp16."),
    click.option(
        "--weights",
        type=click.Choice(["fp32", "fp16"]),
        show_default=False,
        help="How a float32 network's weights are stored; fp16 halves the file, not the speed.  "
        "[default: fp32]",
    ),
    click.option(
        "--end-to-end",
        is_flag=True,
        help="Write NAME-end-to-end.onnx instead, for other programs: a gray image of any size in, uint8 "
        "(N, H, W), the colored one out, uint8 (N, H, W, 3) RGB.",
    ),
)


shape_options = option_group(
    "shape",
    ShapeOptions,
    "Shape",
    click.option(
        "--size", type=SizeType(), show_default=False, help="In pixels.  [default: the checkpoint's]"
    ),
    click.option(
        "--dynamic/--fixed",
        default=True,
        help="Leave batch, height and width free, which costs no speed, or fix them.",
    ),
    click.option(
        "--batch",
        type=BatchType(),
        show_default=False,
        help="Images at once: a number with --fixed; of a dynamic engine smallest:best:largest.  "
        "[default: 1, of a network's engine 1:1:4]",
    ),
)


engine_options = option_group(
    "engines",
    EngineChoice,
    "TensorRT engine",
    click.option(
        "--engine/--no-engine",
        default=None,
        help="Build TensorRT engines too.  [default: with --fp16, where TensorRT and a GPU are]",
        show_default=False,
    ),
    click.option(
        "--target",
        type=click.Choice(["tensorrt", "tensorrt-rtx"]),
        default=_TARGET,
        help="What engines are for: this machine's GPU, or any RTX card, ahead of time.",
    ),
    click.option(
        "--workspace",
        type=click.IntRange(1, _MOST_WORKSPACE),
        default=_WORKSPACE,
        metavar="MIB",
        help="GPU memory that an engine's layer may use beside its tensors.",
    ),
    click.option("--hardware-compatible", is_flag=True, help="An engine for all GPUs from Ampere on."),
    click.option(
        "--version-compatible",
        is_flag=True,
        help="An engine that later TensorRT versions of the same major load too.",
    ),
)


check_options = option_group(
    "checks",
    CheckOptions,
    "Comparison with PyTorch",
    click.option(
        "--data",
        type=_PATH,
        show_default=False,
        help="Folder or tar of photos to compare on.  [default: eight that come with cgan]",
    ),
    click.option("--no-verify", is_flag=True, help="Do not compare; the manifest will say so."),
)
