"""`cgan-export`: a checkpoint to ONNX files and engines, compared with the PyTorch model.

cgan-export -o exported                          # the model that ships
cgan-export runs/edge -o exported --fp16
cgan-export my_net.py:Net --weights w.pt         # any torch module: lightness in, chroma out
cgan-export verify runs/edge exported/edge.onnx  # any two models
cgan-export --target web -o site                 # a page that colors in the browser
"""

from __future__ import annotations

from pathlib import Path

import click

from cgan_export import options
from cgan_export.requirements import require_packages
from cgan_export.source import ModelSource
from cgan_export.verify import verify
from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import GroupedCommand, given

_OF_TRITON = {"--triton", "--quiet", "checkpoint"}
_OF_A_PAGE = {"--target", "--engine-from", "--output", "--overwrite", "--quiet", "checkpoint"}
_OF_A_CHECKPOINT = {"--generator", "--weights", "--data", "--no-verify"}


class _Commands(GroupedCommand, click.Group):
    """Exports by default; takes the name of a command in place of a checkpoint."""

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
@options.output_options
@options.form_options
@options.shape_options
@options.engine_options
@options.check_options
@options.generator_option
@click.argument("checkpoint", required=False, type=options.MODEL_PATH)
@click.version_option(__version__, prog_name="cgan-export")
@click.pass_context
def cli(
    ctx: click.Context, *, files: options.OutputOptions, form: options.FormOptions,
    shape: options.ShapeOptions, engines: options.EngineChoice, checks: options.CheckOptions,
    generator: str, checkpoint: Path | None = None,
) -> None:  # fmt: skip
    """Turn CHECKPOINT (a folder, or a run of cgan-train) into ONNX files with their manifests.

    Without CHECKPOINT the model that ships is exported. FILE.py:NAME in its place exports any torch module
    that takes lightness and returns chroma, and runs that file; an ONNX file with --triton is served as it is,
    and with --target web it is the page's model.
    Every file is run on real photographs and compared
    with the PyTorch model before it appears.
    """
    if ctx.invoked_subcommand:
        return
    if engines.target == options.WEB:
        source = ModelSource(checkpoint, generator, form.state_dict)
        _write_page(source, files, engines, checks, ctx)
        return
    if checkpoint is not None and checkpoint.suffix == ".onnx":
        _serve(checkpoint, files, ctx)
        return
    require_packages(*(["onnxruntime"] if form.int8 else []))
    engine = form.fp16 if engines.engine is None else engines.engine
    engines.check(engine=engine, triton=files.triton is not None)
    shape.check(engine=engine)
    form.check()
    checks.check()
    source = ModelSource(checkpoint, generator, form.state_dict)
    source.check()
    from cgan_export.progress import TerminalExport, add_to_triton, require_engines

    console = Console(quiet=files.quiet)
    if engines.engine:
        require_engines(engines.target)
    work = TerminalExport(source, shape.size, checks, console)
    exported = work.export(files, form, shape)
    served = [one.path for one in exported]
    if engine:
        built = work.build_engines(exported, engines.options(shape))
        served = [one.path for one in built] or served
    if files.triton:
        add_to_triton(files.triton, served, console)


def _serve(model: Path, files: options.OutputOptions, ctx: click.Context) -> None:
    """Add an exported model to a repository of Triton, as it is."""
    if files.triton is None:
        raise click.UsageError(f"{model} is exported already; give --triton DIR to serve it, or a checkpoint to export")
    if others := sorted(set(given(ctx)) - _OF_TRITON):
        raise click.UsageError(f"{', '.join(others)} would have no effect on {model}, which is exported already")
    from cgan_export.progress import add_to_triton

    add_to_triton(files.triton, [model], Console(quiet=files.quiet))


def _write_page(
    source: ModelSource, files: options.OutputOptions, engines: options.EngineChoice, checks: options.CheckOptions,
    ctx: click.Context,
) -> None:  # fmt: skip
    """Write the page with an exported model as it is, or with one that is exported now."""
    is_exported = source.model is None or Path(source.model).suffix == ".onnx"
    engines.check_page(set(given(ctx)) - _OF_A_PAGE - (set() if is_exported else _OF_A_CHECKPOINT))
    if not is_exported:
        require_packages()
        checks.check()
        source.check()
    from cgan_export.web.command import page_of

    page_of(source, files, engines.engine_from, checks)


cli.add_command(verify)
main = guard(cli)


if __name__ == "__main__":
    main()
