"""`cgan-train`: train a colorizer.

cgan-train --data photos/ --recipe edge --epochs 40 --out runs/edge
cgan-train --data photos/ --out runs/edge --resume
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_runtime import __version__
from cgan_runtime.console import guard
from cgan_runtime.errors import ConfigError, DataError

if TYPE_CHECKING:
    from cgan_train.config.schema import TrainConfig
    from cgan_train.data.sources import Image, Source
    from cgan_train.training.loop import Trainer
    from cgan_train.training.run_log import Progress

# Held equal to recipes.RECIPES by a test; importing it would load torch.
_RECIPES = ("edge", "paper", "paper-unet", "places", "seed")
_DEFAULT = "edge"
_MEASURED = 60  # images at most
_NAMED = 10  # images that were left out


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
@click.option(
    "--val", type=click.Path(path_type=Path), help="Photos, or CIFAR-10, to measure on after each epoch."
)
@click.option(
    "--recipe",
    "name",
    type=click.Choice(_RECIPES),
    show_default=False,
    help=f"Settings to start from.  [default: {_DEFAULT}]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file of settings that replace the recipe's.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Replace one setting of the recipe, such as ema=0.99 or phases.gan.lr=1e-4; may be given several "
    "times. A checkpoint's config.json lists them all.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the images.  [default: the recipe's]",
    show_default=False,
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Images in a batch.  [default: the recipe's]",
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
    "--channels",
    type=click.Choice(["ab", "lab"]),
    show_default=False,
    help="Predict chroma alone, or lightness too, as the paper's code does.  [default: the recipe's]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so many minutes; --resume goes on.  [default: train to the end]",
    show_default=False,
)
@click.option(
    "--gan-only", is_flag=True, help="Only the recipe's phases with a discriminator; goes with --init."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    show_default=False,
    help="Seed of weights, order and crops.  [default: the recipe's]",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]", show_default=False
)
@click.option(
    "--tensorboard", is_flag=True, help="Write events for TensorBoard too, into the run's folder tensorboard."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@click.version_option(__version__, prog_name="cgan-train")
def main(
    data: tuple[Path, ...],
    val: Path | None,
    name: str | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    epochs: int | None,
    batch_size: int | None,
    out: Path,
    resume: bool,
    init: Path | None,
    encoder_weights: str | None,
    channels: str | None,
    minutes: float | None,
    gan_only: bool,
    seed: int | None,
    threads: int | None,
    tensorboard: bool,
    quiet: bool,
) -> None:
    """Train a generator that colors gray images, as the generator of a conditional GAN.

    Checkpoints, sample sheets and a log go to the run's folder; a run that was stopped goes on with
    --resume. Export the result with cgan-export.
    """
    short = {
        "epochs": epochs,
        "batch_size": batch_size,
        "encoder_weights": encoder_weights,
        "generator.channels": channels,
        "seed": seed,
    }
    changes = {key: value for key, value in short.items() if value is not None}
    if minutes is not None and math.isnan(minutes):
        raise click.BadParameter("nan is no number of minutes", param_hint="--minutes")
    if resume and (changes or settings or config_file or init or gan_only or name):
        raise ConfigError(
            "--resume goes on with a run as it was; leave out what changes it (--recipe, --epochs...), or "
            "begin a new run"
        )
    if gan_only and init is None:
        raise ConfigError("--gan-only trains on from a checkpoint; name it with --init")
    _use_threads(threads)
    from cgan_train.training.distributed import join, leave
    from cgan_train.training.loop import Trainer

    world = join()
    try:
        source, images = _open(data, val, speaks=world.first)
        if resume:
            trainer = Trainer.resume(out, source, images, world=world, tensorboard=tensorboard)
        else:
            changes = _changes(config_file, settings) | changes
            config = _config(name or _DEFAULT, changes, gan_only)
            trainer = Trainer.start(
                config, source, out, images, init=init, world=world, tensorboard=tensorboard
            )
        _train(trainer, minutes, len(source), quiet=quiet, speaks=world.first)
    finally:
        leave(world)


def _train(trainer: Trainer, minutes: float | None, images: int, *, quiet: bool, speaks: bool) -> None:
    """Train, and say at the beginning and at the end what there is to say, in one of the processes."""
    quiet = quiet or not speaks
    if not quiet:
        click.echo(_beginning(trainer, images))
        if skipped := trainer.config.skipped_phases():
            epochs = f"{trainer.config.epochs} epoch{'s' if trainer.config.epochs > 1 else ''}"
            click.echo(f"note: in {epochs} there is no time for the phases: {', '.join(skipped)}", err=True)
    from cgan_train.training.run_log import SKIPPED

    try:
        with _Bar(trainer, quiet) as bar:
            newest = trainer.run(bar.show, minutes=minutes)
    except (KeyboardInterrupt, SystemExit):
        if speaks:
            click.echo(_stopped(trainer.folder), err=True)
        raise
    if not speaks:
        return
    for index, reason in list(trainer.skipped.items())[:_NAMED]:
        click.echo(f"left out image {index}: {reason}", err=True)
    if (count := len(trainer.skipped)) > _NAMED:
        click.echo(f"left out {count} images in all; {trainer.folder / SKIPPED} names them", err=True)
    if not quiet and trainer.done:
        click.echo(f"done: {newest}; export it with: cgan-export {newest} -o exported")
    elif not quiet:
        click.echo(
            f"the time is over in epoch {trainer.epoch + 1}; go on with --out {trainer.folder} --resume"
        )


def _stopped(folder: Path) -> str:
    from cgan_train.checkpoint import has_state

    kept = f"stopped; go on with --out {folder} --resume"
    return kept if has_state(folder) else "stopped before anything was kept"


def _beginning(trainer: Trainer, images: int) -> str:
    config = trainer.config
    epochs = f"{config.epochs} epoch{'s' if config.epochs > 1 else ''}"
    at = ", all done before" if trainer.done else f", going on in epoch {trainer.epoch + 1}"
    at = at if trainer.epoch or trainer.step else ""
    return f"{images:,} images, {epochs}, recipe {config.recipe}, into {trainer.folder}{at}"


def _changes(config_file: Path | None, settings: Sequence[str]) -> dict[str, Any]:
    """What a file and `--set` replace, the latter last."""
    from cgan_train.config.overrides import read_changes

    changes = read_changes(config_file) if config_file else {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set {setting} has no value; give NAME=VALUE, such as ema=0.99")
        changes[name.strip()] = value.strip()
    return changes


def _use_threads(threads: int | None) -> None:
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs PyTorch; run: pip install 'cgan[train]'") from error
    if threads:
        torch.set_num_threads(threads)


def _open(data: Sequence[Path], val: Path | None, *, speaks: bool) -> tuple[Source, list[Image]]:
    from cgan_train.data.sources import evenly, open_measuring, open_sources

    source, measuring = open_sources(data)
    if val is not None:
        measuring = open_measuring(val)
    images: list[Image] = []
    if measuring is None:
        return source, images
    for index in evenly(_MEASURED, len(measuring)):
        try:
            images.append(measuring.read(index))
        except DataError as error:
            if speaks:
                click.echo(f"note: not measured on: {error}", err=True)
    return source, images


def _config(name: str, changes: dict[str, Any], gan_only: bool) -> TrainConfig:
    from cgan_train.config.overrides import changed
    from cgan_train.config.recipes import only_gan, recipe

    config = changed(recipe(name), changes)
    return only_gan(config) if gan_only else config


class _Bar:
    """A progress bar over the whole run: phase, losses, images per second, time left."""

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
        self._lines = not quiet and not console.is_terminal
        self._task = self._bar.add_task("starting", total=float(self._epochs), losses="", rate="")

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, now: Progress) -> None:
        """Draw what is known after a step; where there is no terminal, print a line after each epoch."""
        losses = " ".join(f"{name} {value:.4f}" for name, value in now.losses.items())
        if self._lines and now.step == now.steps:
            told = f"epoch {now.epoch}/{self._epochs} {now.phase}: {losses}, {now.rate:.0f} images/s"
            click.echo(told, err=True)
        self._bar.update(
            self._task,
            completed=now.epoch - 1 + now.step / now.steps,
            description=f"epoch {now.epoch}/{self._epochs} {now.phase}",
            losses=losses,
            rate=f"{now.rate:.0f} images/s",
        )
