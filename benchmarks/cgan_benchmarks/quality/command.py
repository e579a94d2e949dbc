"""`cgan-bench quality`: how close a model's colors come to the true ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_benchmarks import options
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.options.groups import GroupedCommand, option_group

if TYPE_CHECKING:
    from cgan_runtime.backends.base import Backend
    from cgan_train.evaluation.tally import Features


@dataclass(frozen=True)
class SetOptions:
    """What is measured on."""

    data: tuple[Path, ...]
    roots: tuple[Path, ...]
    frames: int


@dataclass(frozen=True)
class AgainOptions:
    """What is measured once more, in another way."""

    without: str
    grays: tuple[str, ...] | None
    hints: tuple[int, ...] | None


@dataclass(frozen=True)
class SubjectOptions:
    """What is measured: exported models, checkpoints, or the model that ships."""

    models: tuple[Path, ...]
    checkpoints: tuple[Path, ...]
    generator: str
    backend: str
    threads: int

    @property
    def names(self) -> list[str]:
        """What each is called in a table of several."""
        return [str(path) for path in (*self.models, *self.checkpoints)]

    def check(self) -> None:
        """Find all of them before the first is measured, which takes minutes; raises ModelFileError."""
        from cgan_runtime.manifest import Manifest
        from cgan_runtime.models import find_model
        from cgan_train.checkpoint import find_checkpoint

        for model in self.models:
            Manifest.load(find_model(model))
        for checkpoint in self.checkpoints:
            find_checkpoint(checkpoint)

    def open(self) -> Iterator[Backend]:
        """A back end for each, open until the next is asked for."""
        from cgan_train.checkpoint import load_checkpoint
        from cgan_train.torch_backend import TorchBackend

        for model in self.models or ([] if self.checkpoints else [None]):
            with options.ModelOptions(model, self.backend, self.threads).open() as backend:
                yield backend
        for checkpoint in self.checkpoints:
            with TorchBackend(load_checkpoint(checkpoint, self.generator), threads=self.threads) as backend:
                yield backend


set_options = option_group(
    "sets", SetOptions, "What is measured on",
    click.option(
        "--data", type=options.PATH, required=True, multiple=True,
        help="A folder or tar shard of photos not trained on, a video or a folder of videos in color, CIFAR-10, or a "
        "list (benchmarks/sets/*.csv). Give it again for further sets.",
    ),
    click.option(
        "--root", "roots", type=options.PATH, multiple=True, default=(".",),
        help="Folder with the files that lists name. Give it again for further ones.",
    ),
    click.option(
        "--frames", type=click.IntRange(1, 1000), default=12,
        help="Frames of each video that are measured, evenly spaced.",
    ),
)  # fmt: skip

subject_options = option_group(
    "subjects", SubjectOptions, "What is measured",
    click.option(
        "--model", "models", type=options.PATH, multiple=True,
        help="ONNX file with its manifest, or the name of a model that ships. Give it again for one table of several "
        "models.  [default: edge]",
    ),
    click.option(
        "--checkpoint", "checkpoints", type=options.PATH, multiple=True,
        help="A PyTorch checkpoint, or the newest of a run. Given several times, such as for runs of several seeds, it "
        "makes one table with mean and deviation.",
    ),
    click.option(
        "--generator", default="", metavar="FILE.py:NAME", show_default=False,
        help="The own generator that checkpoints were trained with. The file is run: name one that you trust.",
    ),
    click.option("--backend", default="auto", help="What runs models; auto takes the best that works here."),
    options.threads_option,
)  # fmt: skip


again_options = option_group(
    "again", AgainOptions, "Measured once more",
    click.option("--without", default="", help="Without the images whose names fit this pattern."),
    click.option(
        "--gray", "grays", type=options.NAMES,
        help="From the gray that film and cameras record in place of lightness: panchromatic, orthochromatic, "
        "infrared, faded, blurred, scratched; or several with commas.",
    ),
    click.option(
        "--hints", type=options.COUNTS,
        help="With so many hints at random places, each a square of 8 px of 256 in its true colors: 0,1,10. Only a "
        "guided model takes hints.",
    ),
)  # fmt: skip


@click.command(
    cls=GroupedCommand,
    context_settings={"show_default": True},
    short_help="How close a model's colors come to the true ones.",
)
@set_options
@subject_options
@again_options
@click.option("--sheet", type=options.OutputFileType(), help="Write a contact sheet as PNG: gray, colored, truth.")
@options.json_option()
@click.pass_context
def quality(
    context: click.Context, *, sets: SetOptions, subjects: SubjectOptions, again: AgainOptions,
    sheet: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how close a model's colors come to the true ones of images and videos.

    Prints the mean CIEDE2000 difference of colored images and of gray ones; how colorful they are beside the
    truth, and the Fréchet distance from it on the features of an ImageNet network; and the measures of the
    paper: mean absolute error over RGB, and accuracy at 2 % and 5 %. Of videos and lists every clip and group
    has its own row. Of CIFAR-10 the test split is measured.
    """
    if subjects.checkpoints and not subjects.models and "--backend" in options.given(context):
        raise click.UsageError("--checkpoint is run by PyTorch; leave --backend out")
    if len(subjects.names) > 1 and (sheet is not None or again.hints):
        raise click.UsageError("--sheet and --hints are of one model; give one")
    options.require_pytorch()
    subjects.check()
    from cgan_benchmarks.quality.guided import check_guided, measure_guided
    from cgan_benchmarks.quality.measure import measure_model, write_sheet
    from cgan_benchmarks.quality.report import print_guided, print_quality, print_several, write_quality
    from cgan_benchmarks.quality.truths import open_truths, ways_to_measure

    opened = [open_truths(path, sets.roots, sets.frames) for path in sets.data]
    images = [image for truths in opened for image in truths.images]
    ways = ways_to_measure(opened, again.without, again.grays or ())
    total = sum(len(way.truths.images) for way in ways) + (len(images) if again.hints else 0)
    done, total, features = itertools.count(1), total * max(1, len(subjects.names)), _features()
    reports, guided = [], []
    with Console().progress("coloring") as on_progress:

        def on_image() -> None:
            on_progress(next(done), total)

        for subject in subjects.open():
            if again.hints:
                check_guided(subject.manifest)
            reports.append([report for way in ways for report in measure_model(subject, way, features, on_image)])
            guided += measure_guided(subject, images, again.hints, on_image) if again.hints else []
            if sheet is not None:
                write_sheet(subject, images, sheet)
    if len(reports) > 1:
        print_several(subjects.names, reports, spread=not subjects.models)
    else:
        print_quality(reports[0], cifar=any(truths.cifar for truths in opened))
        print_guided(guided)
    if sheet is not None:
        Console().note(f"the contact sheet is {sheet}")
    write_quality([report for each in reports for report in each], guided, subjects.threads, json_file)


def _features() -> Features | None:
    """The network whose features tell how far colors are from true ones; None, and a note, where it is missing."""
    from cgan_train.evaluation.frechet import ImageNetFeatures

    try:
        return ImageNetFeatures()
    except ConfigError as error:
        Console().note(f"without Fréchet distance: {error}")
        return None
