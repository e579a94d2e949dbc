"""The options of `cgan-export` in groups; each group refuses what does not go together.

    @output_options
    @form_options
    def cli(files: OutputOptions, form: FormOptions) -> None: ...

A value is None or False where the option was not given, so that a check can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_runtime.options.groups import COMMON, BatchType, SizeType, option_group, section

if TYPE_CHECKING:  # they load PyTorch
    from cgan_export.graph.precision import Form
    from cgan_export.onnx_files import Exporter, ExportSettings
    from cgan_export.targets.tensorrt import EngineOptions

_MIB = 1 << 20
_WORKSPACE = 1024  # MiB
_MAX_WORKSPACE = 1 << 20  # MiB; no GPU has as much
_TARGET = "tensorrt"
WEB = "web"
"""The target that is no engine but a page (`cgan_export.web`)."""
MODEL_PATH = click.Path(path_type=Path)
_path = partial(click.option, type=MODEL_PATH)
_flag = partial(click.option, is_flag=True)


class _WeightsType(click.Path):
    """How weights are stored, or the file that they are read from."""

    name = "fp32|fp16|FILE"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what a person typed: text for a precision, a path for a file."""
        return value if value in ("fp32", "fp16") else super().convert(value, param, ctx)


generator_option = click.option(
    "--generator", default="", metavar="FILE.py:NAME", show_default=False,
    help="The own generator that CHECKPOINT was trained with. The file is run: name one that you trust.",
)  # fmt: skip


@dataclass(frozen=True)
class OutputOptions:
    """Where the files go."""

    output: Path
    overwrite: bool
    name: str
    triton: Path | None
    quiet: bool


@dataclass(frozen=True)
class FormOptions:
    """Which forms to write."""

    fp32: bool
    fp16: bool
    int8: bool
    calibration: Path | None
    every: bool
    weights: str | Path | None
    end_to_end: bool

    @property
    def stored(self) -> str | None:
        """How a float32 network's weights are stored."""
        return self.weights if isinstance(self.weights, str) else None

    @property
    def state_dict(self) -> Path | None:
        """Weights for a module of one's own."""
        return self.weights if isinstance(self.weights, Path) else None

    def check(self) -> None:
        """Refuse options that exclude each other; raises `click.UsageError`."""
        if self.stored is not None and (self.every or ((self.fp16 or self.int8) and not self.fp32)):
            raise click.UsageError(
                f"--weights {self.stored} is for a float32 network; give it with --fp32, or leave it out"
            )
        if self.calibration is not None and not self.int8:
            raise click.UsageError("--calibration is for --int8; give both, or leave it out")

    def names(self) -> list[str]:
        """The forms that were asked for; float32 where none was."""
        names = ["fp32", "fp16-weights", "fp16"]
        if not self.every:
            plain = ["fp16-weights" if self.stored == "fp16" else "fp32"]
            names = plain if self.fp32 or not (self.fp16 or self.int8) else []
            names += ["fp16"] if self.fp16 else []
        return names + (["int8"] if self.int8 else [])

    def forms(self, exporter: Exporter, size: tuple[int, int] | None) -> list[Form]:
        """The same, made; those in 8 bits are calibrated."""
        from cgan_export.graph.precision import FORMS

        return [exporter.int8_form(size, self.calibration) if name == "int8" else FORMS[name] for name in self.names()]


@dataclass(frozen=True)
class ShapeOptions:
    """Which sizes the model takes."""

    size: tuple[int, int] | None
    dynamic: bool
    batch: tuple[int, int, int] | None

    def check(self, *, engine: bool) -> None:
        """Refuse a batch that the model, or its `engine`, cannot have; raises `click.UsageError`."""
        if self.batch is not None and not self.dynamic and len(set(self.batch)) > 1:
            raise click.UsageError("--batch smallest:best:largest is for a dynamic engine; give one number")
        if self.batch is not None and self.dynamic and not engine:
            raise click.UsageError("--batch goes with --fixed or an engine; a dynamic model takes any batch")

    def settings(self, files: OutputOptions, *, end_to_end: bool) -> ExportSettings:
        """As the exporter takes them, with the files' name."""
        from cgan_export.onnx_files import ExportSettings

        batch = (self.batch or (1,))[0]
        return ExportSettings(files.name, self.size, batch, self.dynamic, end_to_end, files.overwrite)


@dataclass(frozen=True)
class EngineChoice:
    """Which engines to build."""

    engine: bool | None
    target: str
    workspace: int
    hardware_compatible: bool
    version_compatible: bool
    engine_from: Path | None

    def check_page(self, others: set[str]) -> None:
        """Refuse `others`, options that were given and that a page does not need; raises `click.UsageError`."""
        if others:
            raise click.UsageError(
                f"{', '.join(sorted(others))} would have no effect with --target {WEB}; leave it out"
            )

    def check(self, *, engine: bool, triton: bool) -> None:
        """Refuse what only an engine or a page needs, or Triton does not run; raises `click.UsageError`."""
        if self.engine_from is not None:
            raise click.UsageError(f"--engine-from is for a page; give --target {WEB} too, or leave it out")
        changed = {
            "--target": self.target != _TARGET,
            "--workspace": self.workspace != _WORKSPACE,
            "--hardware-compatible": self.hardware_compatible,
            "--version-compatible": self.version_compatible,
        }
        for option, given in changed.items():
            if given and not engine:
                raise click.UsageError(f"{option} is for an engine; give --engine or --fp16 too, or leave it out")
        if triton and engine and self.target != _TARGET:
            raise click.UsageError("--triton serves engines of --target tensorrt, or ONNX files with --no-engine")

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

    def check(self) -> None:
        """Refuse options that exclude each other; raises `click.UsageError`."""
        if self.no_verify and self.data is not None:
            raise click.UsageError("--data is to compare on, --no-verify is not to compare; give one of them")


output_options = option_group(
    "files",
    OutputOptions,
    "Output",
    section(
        COMMON,
        _path("-o", "--output", default=Path("exported"), help="Folder for the files."),
        _flag("--overwrite", help="Replace files that exist."),
    ),
    click.option("--name", default="", show_default=False, help="Name of the files.  [default: the recipe's]"),
    _path(
        "--triton",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Also add each model, or its engine, to this repository of Triton Inference Server.",
    ),
    section(COMMON, _flag("-q", "--quiet", help="Print nothing but errors.")),
)

form_options = option_group(
    "form",
    FormOptions,
    "Form",
    _flag(
        "--fp32", help="Write NAME.onnx, which computes in float32. This is the default unless another form is given."
    ),
    section(
        COMMON,
        _flag("--fp16", help="Write NAME-fp16.onnx, which computes in half precision throughout, for GPUs."),
        _flag("--int8", help="Write NAME-int8.onnx, whose convolutions compute in 8 bits where the colors allow it."),
    ),
    _path(
        "--calibration", help="Photos for the ranges of --int8, a folder or tar.  [default: eight that come with cgan]"
    ),
    _flag("--all", "every", help="Write fp32, fp32 with fp16 weights, and fp16."),
    click.option(
        "--weights",
        type=_WeightsType(),
        help="With FILE.py:NAME, the state dict to load: a .pt, .pth or .safetensors file. Or how a float32 network's "
        "weights are stored, fp32 or fp16; fp16 halves the file, not the speed.  [default: fp32]",
    ),
    _flag(
        "--end-to-end",
        help="Write NAME-end-to-end.onnx instead, for other programs: a gray image of any size in, uint8 "
        "(N, H, W), the colored one out, uint8 (N, H, W, 3) RGB.",
    ),
)

shape_options = option_group(
    "shape",
    ShapeOptions,
    "Shape",
    section(COMMON, click.option("--size", type=SizeType(), help="In pixels.  [default: the checkpoint's]")),
    click.option(
        "--dynamic/--fixed", default=True, help="Leave batch, height and width free, which costs no speed, or fix them."
    ),
    click.option(
        "--batch",
        type=BatchType(),
        help="Images at once: a number with --fixed; of a dynamic engine smallest:best:largest.  "
        "[default: 1, of a network's engine 1:1:4]",
    ),
)

engine_options = option_group(
    "engines",
    EngineChoice,
    "TensorRT engine",
    section(
        COMMON,
        click.option(
            "--engine/--no-engine",
            default=None,
            help="Also build TensorRT engines.  [default: with --fp16, if TensorRT and a GPU are there]",
        ),
    ),
    click.option(
        "--target",
        type=click.Choice(["tensorrt", "tensorrt-rtx", WEB]),
        default=_TARGET,
        help="What engines are for: this machine's GPU, or any RTX card, ahead of time. Or web: no engine, but "
        "a folder with a page that colors in the browser, for any web server.",
    ),
    click.option(
        "--workspace",
        type=click.IntRange(1, _MAX_WORKSPACE),
        default=_WORKSPACE,
        metavar="MIB",
        help="GPU memory that a layer of an engine may use beside its tensors.",
    ),
    _flag("--hardware-compatible", help="An engine for all GPUs from Ampere on."),
    _flag("--version-compatible", help="An engine that later TensorRT versions of the same major load too."),
    section(
        "Web page",
        _path(
            "--engine-from",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            metavar="DIR",
            help="Folder with the npm packages of the page of --target web, for machines without network.  "
            "[default: fetch them from npm once, 35 MB]",
        ),
    ),
)

photos_option = _path("--data", help="Folder or tar of photos to compare on.  [default: eight that come with cgan]")

check_options = option_group(
    "checks",
    CheckOptions,
    "Comparison with PyTorch",
    photos_option,
    _flag("--no-verify", help="Do not compare; the manifest will say so."),
)
