"""The command `cgan-train`: train a colorizer.

cgan-train --data photos/ --recipe edge --epochs 40 --out runs/edge
cgan-train --data photos/ --out runs/edge --resume
cgan-train --data photos/ --generator my_net.py:Net --out runs/net
"""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import GroupedCommand
from cgan_train.options import RecipeOptions, RunOptions, recipe_options, run_options
from cgan_train.run import TrainSettings, begun, open_run


@guard
@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@run_options
@recipe_options
@click.version_option(__version__, prog_name="cgan-train")
def main(run: RunOptions, recipe: RecipeOptions) -> None:
    """Train a generator that colors gray images, as the generator of a conditional GAN.

    Checkpoints, sample sheets and a log go to the run's folder. A run that was stopped goes on with
    --resume, and a finished one for longer. Export the result with cgan-export.
    """
    run.check()
    settings = TrainSettings(
        recipe.overrides(), recipe.generator, recipe.gan_only, run.minutes, run.threads, run.tensorboard, run.decoded,
        show_decoding=lambda: Console(quiet=run.quiet).fraction("decoding"),
    )  # fmt: skip
    if run.seeds is None:
        _train(run, recipe.recipe, settings)
        return
    first = int(settings.overrides.get("seed", 0))
    folders = [run.out / f"seed-{first + number}" for number in range(run.seeds)]
    for seed, folder in enumerate(folders, first):
        own = dataclasses.replace(run, out=folder, resume=run.resume and begun(folder))
        # A run that was begun has its settings already.
        changes: dict[str, Any] = {} if own.resume else {**settings.overrides, "seed": seed}
        if own.resume and "epochs" in settings.overrides:
            changes = {"epochs": settings.overrides["epochs"]}
        _train(own, None if own.resume else recipe.recipe, dataclasses.replace(settings, overrides=changes))
    from cgan_train.several import table_of_runs

    for line in table_of_runs(folders, recipe.generator):
        Console().result(line)


def _train(run: RunOptions, recipe: str | None, settings: TrainSettings) -> None:
    """Train one run."""
    with open_run(
        run.data, run.out, recipe=recipe, val=run.val, init=run.init, resume=run.resume,
        settings=settings, warn=Console().note,
    ) as trainer:  # fmt: skip
        from cgan_train.progress import train_on_terminal  # loads PyTorch

        train_on_terminal(trainer, settings.minutes, quiet=run.quiet)
