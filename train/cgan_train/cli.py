"""`cgan-train`: train a colouriser.

cgan-train --data photos/ --recipe edge --epochs 40 --out runs/edge
cgan-train --data photos/ --out runs/edge --resume
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_runtime import __version__
from cgan_runtime.console import guard
from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:
    from cgan_train.data.sources import Picture, Source
    from cgan_train.loop import Progress, Trainer

_RECIPES = ("edge", "paper", "seed")  # held equal to recipes.RECIPES by a test; importing it would load torch
_MEASURED = 60  # pictures at most


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--data",
    "data",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="CIFAR-10 (cifar-10-batches-py or its tar.gz), a folder of photos, a tar shard of photos, "
    "or a folder of shards; may be given several times. Shards named val or test are only measured on.",
)
@click.option("--val", type=click.Path(path_type=Path), help="Photos to measure on after each epoch.")
@click.option("--recipe", "name", type=click.Choice(_RECIPES), default="edge", help="Settings to start from.")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the pictures.  [default: the recipe's]",
    show_default=False,
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Pictures in a batch.  [default: the recipe's]",
    show_default=False,
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/cgan"), help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out from its last checkpoint.")
@click.option(
    "--init", type=click.Path(path_type=Path), help="Checkpoint to take the generator's weights from."
)
@click.option(
    "--encoder-weights",
    type=click.Choice(["imagenet", "none"]),
    show_default=False,
    help="What the encoder starts from.  [default: the recipe's]",
)
@click.option(
    "--gan-only", is_flag=True, help="Only the recipe's phases with a discriminator; goes with --init."
)
@click.option("--seed", type=int, default=0, help="Seed of weights, order and crops.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]", show_default=False
)
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@click.version_option(__version__, prog_name="cgan-train")
def main(
    data: tuple[Path, ...],
    val: Path | None,
    name: str,
    epochs: int | None,
    batch_size: int | None,
    out: Path,
    resume: bool,
    init: Path | None,
    encoder_weights: str | None,
    gan_only: bool,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> None:
    """Train a generator that colours grey pictures, as the generator of a conditional GAN.

    Checkpoints, sample sheets and a log go to the run's folder; a run that was stopped goes on with
    --resume. Export the result with cgan-export.
    """
    if resume and (epochs or batch_size or encoder_weights or init or gan_only):
        raise ConfigError(
            "--resume goes on with a run as it was; leave out --epochs, --batch-size, --encoder-weights, "
            "--init and --gan-only, or begin a new run"
        )
    if gan_only and init is None:
        raise ConfigError("--gan-only trains on from a checkpoint; name it with --init")
    _use_threads(threads)
    source, pictures = _open(data, val)
    if resume:
        from cgan_train.loop import Trainer

        trainer = Trainer.resume(out, source, pictures)
    else:
        changes = {
            "epochs": epochs,
            "batch_size": batch_size,
            "encoder_weights": encoder_weights,
            "seed": seed,
        }
        trainer = _begin(name, changes, gan_only, source, pictures, out, init)
    epochs, recipe_name = trainer.config.epochs, trainer.config.recipe
    click.echo(f"{len(source):,} pictures, {epochs} epochs, recipe {recipe_name}, into {out}")
    with _Bar(trainer, quiet) as bar:
        newest = trainer.run(bar.show)
    for index, reason in list(trainer.skipped.items())[:10]:
        click.echo(f"left out picture {index}: {reason}", err=True)
    click.echo(f"done: {newest}; export it with: cgan-export {newest} -o exported")


def _use_threads(threads: int | None) -> None:
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs PyTorch; run: pip install 'cgan[train]'") from error
    if threads:
        torch.set_num_threads(threads)


def _open(data: Sequence[Path], val: Path | None) -> tuple[Source, list[Picture]]:
    from cgan_train.data.sources import open_photos, open_sources

    source, measuring = open_sources(data)
    if val is not None:
        measuring = open_photos(val)
    if measuring is None:
        return source, []
    step = max(1, len(measuring) // _MEASURED)
    return source, [measuring.read(index) for index in range(0, len(measuring), step)][:_MEASURED]


def _begin(
    name: str,
    changes: dict[str, Any],
    gan_only: bool,
    source: Source,
    pictures: list[Picture],
    out: Path,
    init: Path | None,
) -> Trainer:
    from cgan_train.loop import Trainer
    from cgan_train.recipes import only_gan, recipe

    config = recipe(name, **{key: value for key, value in changes.items() if value is not None})
    return Trainer.start(only_gan(config) if gan_only else config, source, out, pictures, init=init)


class _Bar:
    """A progress bar over the whole run: phase, losses, pictures per second, time left."""

    def __init__(self, trainer: Trainer, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[losses]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._epochs = trainer.config.epochs
        self._task = self._bar.add_task("starting", total=float(self._epochs), losses="", rate="")

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, now: Progress) -> None:
        """Draw what is known after a step."""
        self._bar.update(
            self._task,
            completed=now.epoch - 1 + now.step / now.steps,
            description=f"epoch {now.epoch}/{self._epochs} {now.phase}",
            losses=" ".join(f"{name} {value:.4f}" for name, value in now.losses.items()),
            rate=f"{now.rate:.0f} pictures/s",
        )
