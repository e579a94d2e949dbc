"""`cgan-bench`: how much faster, smaller and how equal exported models are, against PyTorch.

cgan-bench                                       # the model that ships, every form, every back end
cgan-bench --checkpoint runs/edge --json bench.json
cgan-bench quality --data photos.tar             # how well a model colours, rather than how fast
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.options import SizeType

if TYPE_CHECKING:
    from cgan_benchmarks.report import Report
    from cgan_benchmarks.suite import Settings
    from cgan_train.checkpoint import Checkpoint

_NEEDED = ("torch", "safetensors")
_SECONDS = 3.0
_QUICK_SECONDS = 0.5
_PATH = click.Path(path_type=Path)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option("--checkpoint", type=_PATH, help="The PyTorch model.  [default: the one that ships]")
@click.option(
    "--model",
    "models",
    type=_PATH,
    multiple=True,
    help="ONNX file exported from it; may be given several times.  [default: every form, exported now]",
)
@click.option("--size", type=SizeType(), help="Size in pixels.  [default: the checkpoint's]")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Pictures in a run.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of every engine.")
@click.option("--backends", help="Names, with commas between.  [default: all that work here]")
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    help=f"Seconds of timed runs for each row.  [default: {_SECONDS:g}]",
)
@click.option("--runs", type=click.IntRange(min=1), help="Timed runs of each row, in place of --duration.")
@click.option("--quick", is_flag=True, help=f"A first impression: {_QUICK_SECONDS:g} seconds for each row.")
@click.option("--seed", type=int, default=0, help="Of the order in which the rows take turns.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there as well.")
@click.version_option(__version__, prog_name="cgan-bench")
@click.pass_context
def cli(
    context: click.Context,
    checkpoint: Path | None,
    models: tuple[Path, ...],
    size: tuple[int, int] | None,
    batch: int,
    threads: int,
    backends: str | None,
    duration: float | None,
    runs: int | None,
    quick: bool,
    seed: int,
    json_file: Path | None,
) -> None:
    """Measure exported models against the PyTorch model that they came from.

    With no COMMAND, speed and equality: same weights, same inputs, taking turns. Prints a table of latency
    percentiles, pictures per second, file sizes and differences from PyTorch on photographs.
    """
    if context.invoked_subcommand is not None:
        return
    if sum((duration is not None, runs is not None, quick)) > 1:
        raise click.UsageError("--duration, --runs and --quick all say how long to measure; give one of them")
    _check_needs(json_file)
    from cgan_benchmarks.measure import Plan
    from cgan_benchmarks.report import print_table, write_json
    from cgan_benchmarks.suite import Settings

    seconds = _QUICK_SECONDS if quick else duration or _SECONDS
    names = tuple(name.strip() for name in backends.split(",")) if backends is not None else None
    settings = Settings(size, batch, threads, names, Plan(seconds, runs, seed))
    report = _run(checkpoint, models, settings)
    print_table(report)
    if json_file is not None:
        write_json(report, json_file)
        Console().note(f"all figures are in {json_file}")


@cli.command(context_settings={"show_default": True})
@click.option(
    "--data", type=_PATH, required=True, help="Folder or tar shard of photos not trained on, or CIFAR-10."
)
@click.option("--model", type=_PATH, help="ONNX file with its manifest.  [default: the one that ships]")
@click.option(
    "--checkpoint", type=_PATH, help="Measure a PyTorch checkpoint, or the newest of a run, instead."
)
@click.option("--backend", default="auto", help="What runs the model; auto takes the best that works here.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")
@click.option(
    "--without", default="", help="Measure a second time without the photos whose names fit this pattern."
)
@click.option("--sheet", type=_PATH, help="Write a contact sheet there, as PNG: grey, coloured, truth.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there as well.")
def quality(
    data: Path, model: Path | None, checkpoint: Path | None, backend: str, threads: int, without: str,
    sheet: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how near a model's colours come to the true ones of pictures.

    Prints the mean CIEDE2000 difference of coloured pictures and of grey ones, how colourful the coloured
    ones are relative to the truth, and the measures of the paper: mean absolute error over RGB, and
    accuracy at 2 % and 5 %. Of CIFAR-10 the test split is measured.
    """
    if model is not None and checkpoint is not None:
        raise click.UsageError("--model and --checkpoint are both what is measured; give one of them")
    _check_needs(json_file)
    from rich.console import Console as Terminal
    from rich.progress import Progress

    from cgan_benchmarks.quality import measure_model, open_subject, print_quality, write_quality, write_sheet
    from cgan_train.data.sources import Cifar, open_measuring

    source = open_measuring(data)
    patterns = ("", without) if without else ("",)
    terminal = Terminal(stderr=True)
    with (
        open_subject(model, checkpoint, backend=backend, threads=threads) as subject,
        Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar,
    ):
        task = bar.add_task("colouring", total=len(source) * len(patterns))
        reports = [
            measure_model(subject, source, without=pattern, advance=lambda: bar.advance(task))
            for pattern in patterns
        ]
        if sheet is not None:
            write_sheet(subject, source, sheet)
    print_quality(reports, cifar=isinstance(source, Cifar))
    if sheet is not None:
        Console().note(f"the contact sheet is {sheet}")
    if json_file is not None:
        write_quality(reports, threads, json_file)
        Console().note(f"all figures are in {json_file}")


main = guard(cli)


def _check_needs(json_file: Path | None) -> None:
    """Say what is missing before anything is measured."""
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f'measuring against PyTorch needs {", ".join(missing)}; run: pip install "cgan[bench,cpu]"'
        )
    if json_file is not None and not json_file.parent.is_dir():
        raise ConfigError(f"there is no folder {json_file.parent} for {json_file.name}; make it first")


def _run(checkpoint: Path | None, models: tuple[Path, ...], settings: Settings) -> Report:
    """Load, export where no models were given, and measure, with a bar on a terminal."""
    import rich.console
    from rich.progress import Progress

    from cgan_benchmarks.suite import export_forms, run_suite
    from cgan_train.checkpoint import SHIPPED, load_checkpoint

    loaded = load_checkpoint(checkpoint or SHIPPED)
    terminal = rich.console.Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder,
        Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar,
    ):
        task = bar.add_task("exporting", total=None)
        stems = [path.stem for path in models]
        files = {
            stem if stems.count(stem) == 1 else str(path): path
            for stem, path in zip(stems, models, strict=True)
        }
        if not models:
            files = export_forms(loaded.path, Path(folder))
            files |= _shipped(loaded)
        bar.update(task, description="measuring")
        return run_suite(
            loaded, files, settings, lambda done, total: bar.update(task, completed=done, total=total)
        )


def _shipped(checkpoint: Checkpoint) -> dict[str, Path]:
    """The bundled model, where it is of the same weights."""
    from cgan_runtime.manifest import Manifest
    from cgan_runtime.models import bundled_model

    try:
        path = bundled_model()
    except ModelFileError:
        return {}
    same = Manifest.load(path).checkpoint_sha256 == checkpoint.sha256
    return {"as shipped": path} if same else {}


if __name__ == "__main__":
    main()
