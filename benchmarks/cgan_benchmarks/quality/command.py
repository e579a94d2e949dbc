"""`cgan-bench quality`: how close a model's colors come to the true ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from cgan_benchmarks import options
from cgan_runtime.console import Console
from cgan_runtime.options.groups import GroupedCommand


@click.command(
    cls=GroupedCommand,
    context_settings={"show_default": True},
    short_help="How close a model's colors come to the true ones.",
)
@click.option(
    "--data", type=options.PATH, required=True, help="Folder or tar shard of photos not trained on, or CIFAR-10."
)
@options.model_options
@click.option("--checkpoint", type=options.PATH, help="Measure a PyTorch checkpoint, or the newest of a run, instead.")
@click.option("--without", default="", help="Measure a second time without the photos whose names fit this pattern.")
@click.option("--sheet", type=options.OutputFileType(), help="Write a contact sheet as PNG: gray, colored, truth.")
@options.json_option()
@click.pass_context
def quality(
    context: click.Context, data: Path, model: options.ModelOptions, checkpoint: Path | None, without: str,
    sheet: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how close a model's colors come to the true ones of images.

    Prints the mean CIEDE2000 difference of colored images and of gray ones, the colorfulness of colored
    images relative to the truth, and the measures of the paper: mean absolute error over RGB, and
    accuracy at 2 % and 5 %. Of CIFAR-10 the test split is measured.
    """
    if model.model is not None and checkpoint is not None:
        raise click.UsageError("--model and --checkpoint are both what is measured; give one of them")
    if checkpoint is not None and "--backend" in options.given(context):
        raise click.UsageError("--checkpoint is run by PyTorch; leave --backend out")
    options.require_pytorch()
    from cgan_benchmarks.quality.measure import measure_model, print_quality, write_quality, write_sheet
    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.data.cifar import CifarSource
    from cgan_train.data.sources import open_validation
    from cgan_train.torch_backend import TorchBackend

    source = open_validation(data)
    patterns = ("", without) if without else ("",)
    done, total = itertools.count(1), len(source) * len(patterns)
    subject = TorchBackend(load_checkpoint(checkpoint), threads=model.threads) if checkpoint else model.open()
    with subject, Console().progress("coloring") as on_progress:
        reports = [
            measure_model(subject, source, without=pattern, on_image=lambda: on_progress(next(done), total))
            for pattern in patterns
        ]
        if sheet is not None:
            write_sheet(subject, source, sheet)
    print_quality(reports, cifar=isinstance(source, CifarSource))
    if sheet is not None:
        Console().note(f"the contact sheet is {sheet}")
    write_quality(reports, model.threads, json_file)
