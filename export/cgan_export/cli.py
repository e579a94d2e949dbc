"""`cgan-export`: a checkpoint to ONNX and engines, proven equal to the PyTorch model.

cgan-export -o exported                          # the model that ships
cgan-export runs/edge -o exported --fp16
cgan-export verify runs/edge exported/edge.onnx  # any two models
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_export.options import (
    _PATH,
    CheckOptions,
    EngineChoice,
    FormOptions,
    OutputOptions,
    ShapeOptions,
    check_options,
    engine_options,
    form_options,
    output_options,
    shape_options,
)
from cgan_export.requirements import require_packages
from cgan_export.verify import verify
from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import GroupedCommand

if TYPE_CHECKING:
    pass


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
    from cgan_export.progress import Exporting, add_to_triton, print_results, require_engines

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
