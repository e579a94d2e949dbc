"""The command `cgan-train`: train a colorizer.

cgan-train --data photos/ --recipe edge --epochs 40 --out runs/edge
cgan-train --data photos/ --out runs/edge --resume
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import GroupedCommand
from cgan_train.options import RecipeOptions, RunOptions, recipe_options, run_options
from cgan_train.run import TrainSettings, open_run

if TYPE_CHECKING:  # these load PyTorch
    from cgan_train.training.loop import Trainer
    from cgan_train.training.run_log import TrainingProgress

_MAX_SKIPPED = 10  # images named on the terminal


@guard
@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@run_options
@recipe_options
@click.version_option(__version__, prog_name="cgan-train")
def main(run: RunOptions, recipe: RecipeOptions) -> None:
    """Train a generator that colors gray images, as the generator of a conditional GAN.

    Checkpoints, sample sheets and a log go to the run's folder; a run that was stopped goes on with
    --resume. Export the result with cgan-export.
    """
    run.check()
    settings = TrainSettings(recipe.overrides(), recipe.gan_only, run.minutes, run.threads, run.tensorboard)
    with open_run(
        run.data, run.out, recipe=recipe.recipe, val=run.val, init=run.init, resume=run.resume,
        settings=settings, warn=Console().note,
    ) as trainer:  # fmt: skip
        _train(trainer, settings.minutes, quiet=run.quiet)


def _train(trainer: Trainer, minutes: float | None, *, quiet: bool) -> None:
    """Train, and report the start, the progress and the end in the main process."""
    from cgan_train.data.loader import count_skipped
    from cgan_train.training.run_log import SKIPPED

    config, is_main = trainer.config, trainer.world.is_main
    console = Console(quiet=quiet or not is_main)
    epochs = f"{config.epochs} epoch{'s' if config.epochs > 1 else ''}"
    where = f"into {trainer.folder}{_position(trainer)}"
    console.result(f"{trainer.images:,} images, {epochs}, recipe {config.recipe}, {where}")
    console.note(f"{trainer.found}; {trainer.folder / SKIPPED} lists what is left out")
    if unused := config.skipped_phases():
        console.note(f"in {epochs} there is no time for the phases: {', '.join(unused)}")
    try:
        with console.fraction("training") as show:

            def on_step(now: TrainingProgress) -> None:
                losses = " ".join(f"{name} {value:.4f}" for name, value in now.losses.items())
                text = f"epoch {now.epoch}/{config.epochs} {now.phase}: {losses}, {now.rate:.0f} images/s"
                show((now.epoch - 1 + now.step / now.steps) / config.epochs, text)
                if now.step == now.steps and is_main and not quiet and not sys.stderr.isatty():
                    click.echo(text, err=True)

            newest = trainer.run(on_step, minutes=minutes)
    except (KeyboardInterrupt, SystemExit):
        if is_main:
            click.echo(_stopped(trainer), err=True)
        raise
    if not is_main:
        return
    for index, reason in list(trainer.skipped.items())[:_MAX_SKIPPED]:
        click.echo(f"left out image {index}: {reason}", err=True)
    if trainer.skipped:
        count = f"left out while training: {count_skipped(trainer.skipped)}"
        click.echo(f"{count}; {trainer.folder / SKIPPED} names them", err=True)
    if trainer.done:
        console.result(f"done: {newest}; export it with: cgan-export {newest} -o exported")
    else:
        console.result(f"the time is over in epoch {trainer.epoch + 1}; go on with --out {trainer.folder} --resume")


def _position(trainer: Trainer) -> str:
    if not trainer.position:
        return ""
    return ", all done before" if trainer.done else f", going on in epoch {trainer.epoch + 1}"


def _stopped(trainer: Trainer) -> str:
    from cgan_train.checkpoint import has_state

    kept = f"stopped; go on with --out {trainer.folder} --resume"
    return kept if has_state(trainer.folder) else "stopped before anything was kept"
