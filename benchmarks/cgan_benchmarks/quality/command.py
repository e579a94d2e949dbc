"""`cgan-bench quality`: how close a model's colors come to the true ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from cgan_benchmarks import options
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.options.groups import GroupedCommand


@click.command(
    cls=GroupedCommand,
    context_settings={"show_default": True},
    short_help="How close a model's colors come to the true ones.",
)
@click.option(
    "--data", type=options.PATH, required=True, multiple=True,
    help="What is measured on: a folder or tar shard of photos not trained on, a video or a folder of videos in color, "
    "CIFAR-10, or a list (benchmarks/sets/*.csv). Give it again for further sets.",
)  # fmt: skip
@click.option(
    "--root", "roots", type=options.PATH, multiple=True, default=(".",),
    help="Folder with the files that lists name. Give it again for further ones.",
)  # fmt: skip
@click.option(
    "--frames", type=click.IntRange(1, 1000), default=12, help="Frames of each video that are measured, evenly spaced."
)
@options.model_options
@click.option("--checkpoint", type=options.PATH, help="Measure a PyTorch checkpoint, or the newest of a run, instead.")
@click.option("--without", default="", help="Measure a second time without the images whose names fit this pattern.")
@click.option("--sheet", type=options.OutputFileType(), help="Write a contact sheet as PNG: gray, colored, truth.")
@options.json_option()
@click.pass_context
def quality(
    context: click.Context, *, data: tuple[Path, ...], roots: tuple[Path, ...], frames: int,
    model: options.ModelOptions, checkpoint: Path | None, without: str, sheet: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how close a model's colors come to the true ones of images and videos.

    Prints the mean CIEDE2000 difference of colored images and of gray ones; how colorful they are beside the
    truth, and the Fréchet distance from it on the features of an ImageNet network; and the measures of the
    paper: mean absolute error over RGB, and accuracy at 2 % and 5 %. Of videos and lists every clip and group
    has its own row. Of CIFAR-10 the test split is measured.
    """
    if model.model is not None and checkpoint is not None:
        raise click.UsageError("--model and --checkpoint are both what is measured; give one of them")
    if checkpoint is not None and "--backend" in options.given(context):
        raise click.UsageError("--checkpoint is run by PyTorch; leave --backend out")
    options.require_pytorch()
    from cgan_benchmarks.quality.measure import measure_model, write_sheet
    from cgan_benchmarks.quality.report import print_quality, write_quality
    from cgan_benchmarks.quality.truths import Truths, open_truths, with_pattern
    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.evaluation.frechet import ImageNetFeatures
    from cgan_train.torch_backend import TorchBackend

    sets = [open_truths(path, roots, frames) for path in data]
    chosen = with_pattern(sets, without)
    done, total = itertools.count(1), sum(len(truths.without(pattern).images) for truths, pattern in chosen)
    features = None
    try:
        features = ImageNetFeatures()
    except ConfigError as error:
        Console().note(f"without Fréchet distance: {error}")
    subject = TorchBackend(load_checkpoint(checkpoint), threads=model.threads) if checkpoint else model.open()
    with subject, Console().progress("coloring") as on_progress:
        reports = [
            report
            for truths, pattern in chosen
            for report in measure_model(
                subject, truths, without=pattern, features=features, on_image=lambda: on_progress(next(done), total)
            )
        ]
        if sheet is not None:
            write_sheet(subject, Truths("", [image for truths in sets for image in truths.images]), sheet)
    print_quality(reports, cifar=any(truths.cifar for truths in sets))
    if sheet is not None:
        Console().note(f"the contact sheet is {sheet}")
    write_quality(reports, model.threads, json_file)
