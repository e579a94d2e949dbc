"""`cgan-bench quality`: how near a model's colors come to the true ones."""

from __future__ import annotations

from pathlib import Path

import click

from cgan_benchmarks.options import PATH, check_needs, given
from cgan_runtime.console import Console


@click.command(
    context_settings={"show_default": True}, short_help="How near a model's colors come to the true ones."
)
@click.option(
    "--data", type=PATH, required=True, help="Folder or tar shard of photos not trained on, or CIFAR-10."
)
@click.option("--model", type=PATH, help="ONNX file with its manifest.  [default: the one that ships]")
@click.option(
    "--checkpoint", type=PATH, help="Measure a PyTorch checkpoint, or the newest of a run, instead."
)
@click.option("--backend", default="auto", help="What runs the model; auto takes the best that works here.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")
@click.option(
    "--without", default="", help="Measure a second time without the photos whose names fit this pattern."
)
@click.option("--sheet", type=PATH, help="Write a contact sheet there, as PNG: gray, colored, truth.")
@click.option("--json", "json_file", type=PATH, help="Write all figures there as well.")
@click.pass_context
def quality(
    context: click.Context, data: Path, model: Path | None, checkpoint: Path | None, backend: str,
    threads: int, without: str, sheet: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how near a model's colors come to the true ones of images.

    Prints the mean CIEDE2000 difference of colored images and of gray ones, how colorful the colored
    ones are relative to the truth, and the measures of the paper: mean absolute error over RGB, and
    accuracy at 2 % and 5 %. Of CIFAR-10 the test split is measured.
    """
    if model is not None and checkpoint is not None:
        raise click.UsageError("--model and --checkpoint are both what is measured; give one of them")
    if checkpoint is not None and "--backend" in given(context):
        raise click.UsageError("--checkpoint is run by PyTorch; leave --backend out")
    check_needs(json_file, sheet)
    from rich.console import Console as Terminal
    from rich.progress import Progress

    from cgan_benchmarks.quality.measure import (
        measure_model,
        open_subject,
        print_quality,
        write_quality,
        write_sheet,
    )
    from cgan_train.data.sources import Cifar, open_measuring

    source = open_measuring(data)
    patterns = ("", without) if without else ("",)
    terminal = Terminal(stderr=True)
    with (
        open_subject(model, checkpoint, backend=backend, threads=threads) as subject,
        Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar,
    ):
        task = bar.add_task("coloring", total=len(source) * len(patterns))
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
