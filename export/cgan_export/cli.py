"""`cgan-export`: a checkpoint to ONNX and engines, proven equal to the PyTorch model.

cgan-export -o exported                          # the model that ships
cgan-export runs/edge -o exported --fp16
cgan-export verify runs/edge exported/edge.onnx  # any two models
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_export.needs import require_packages
from cgan_export.verify import verify
from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options import BatchType, GroupedCommand, SizeType, option_group

if TYPE_CHECKING:
    from cgan_export.precision import Form
    from cgan_export.to_engine import EngineOptions

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
        from cgan_export.precision import FORMS

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
        from cgan_export.to_engine import EngineOptions
        from cgan_runtime.backends.trt.build import BuildOptions

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
        help="Write NAME-int8.onnx, whose convolutions compute in 8 bits where the colours bear it.",
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
        help="Write NAME-end-to-end.onnx instead, for other programs: a grey picture of any size in, uint8 "
        "(N, H, W), the coloured one out, uint8 (N, H, W, 3) RGB.",
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
        help="Pictures at once: a number with --fixed; of a dynamic engine smallest:best:largest.  "
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


class _Commands(GroupedCommand, click.Group):
    """Exports by default; takes a name of a command in place of a checkpoint."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave what follows a command's name to that command."""
        ctx.meta[__name__] = named = bool(args) and args[0] in self.commands
        if args[:1] in (["-q"], ["--quiet"]) and args[1:2] and args[1] in self.commands:
            ctx.fail(f"{args[0]} is for an export; give {args[1]} first, without it")
        ctx.allow_interspersed_args = not named
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Where a command is named there is no checkpoint before it."""
        params = super().get_params(ctx)
        named = ctx.meta.get(__name__, False)
        return [param for param in params if not (named and isinstance(param, click.Argument))]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in groups, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.argument("checkpoint", required=False, type=_PATH)
@output_options
@form_options
@shape_options
@engine_options
@check_options
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.version_option(__version__, prog_name="cgan-export")
@click.pass_context
def cli(
    ctx: click.Context, *, files: OutputOptions, form: FormOptions, shape: ShapeOptions,
    engines: EngineChoice, checks: CheckOptions, quiet: bool, checkpoint: Path | None = None,
) -> None:  # fmt: skip
    """Turn CHECKPOINT (a folder, or a run of cgan-train) into ONNX files with their manifests.

    Without CHECKPOINT the model that ships is exported. Every file is run on real photographs and compared
    with the PyTorch model before it appears.
    """
    if ctx.invoked_subcommand:
        return
    require_packages(*(["onnxruntime"] if form.int8 else []))
    wanted = form.fp16 if engines.engine is None else engines.engine
    _check_usage(form, shape, engines, checks, engine=wanted)
    if files.triton and wanted and engines.target != "tensorrt":
        raise click.UsageError("--triton serves engines of --target tensorrt, or ONNX files with --no-engine")
    from cgan_export.export import Plan
    from cgan_export.terminal import Exporting, add_to_triton, print_results, require_engines

    batch = (shape.batch or (1,))[0]
    console = Console(quiet=quiet)
    if engines.engine:
        require_engines(engines.target)
    with Exporting(checkpoint, checks.data, compared=not checks.no_verify, quiet=quiet) as exporting:
        forms = form.forms()
        if form.int8:
            forms = (*forms, exporting.int8_form(shape.size, form.calibration))
        plan = Plan(forms, files.name, shape.size, batch, shape.dynamic, form.end_to_end)
        exported = exporting.export(files.output, plan)
        print_results(exported, console)
        served = [one.path for one in exported]
        if wanted:
            built = exporting.build_engines(exported, engines.options(shape), console)
            served = [engine.path for engine in built] or served
    if files.triton:
        add_to_triton(files.triton, served, console)


def _check_usage(
    form: FormOptions, shape: ShapeOptions, engines: EngineChoice, checks: CheckOptions, *, engine: bool
) -> None:
    batch = shape.batch
    if given := [] if engine else engines.given():
        raise click.UsageError(f"{given[0]} is for an engine; give --engine or --fp16 too, or leave it out")
    if batch is not None and not shape.dynamic and len(set(batch)) > 1:
        raise click.UsageError("--batch smallest:best:largest is for a dynamic engine; give one number")
    if batch is not None and shape.dynamic and not engine:
        raise click.UsageError("--batch goes with --fixed or an engine; a dynamic model takes any batch")
    if form.weights is not None and (form.every or ((form.fp16 or form.int8) and not form.fp32)):
        raise click.UsageError("--weights is for a float32 network; give it with --fp32, or leave it out")
    if form.calibration is not None and not form.int8:
        raise click.UsageError("--calibration is for --int8; give both, or leave it out")
    if checks.no_verify and checks.data is not None:
        raise click.UsageError("--data says what to compare on, --no-verify not to compare; give one of them")


cli.add_command(verify)
main = guard(cli)


if __name__ == "__main__":
    main()
