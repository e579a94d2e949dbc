"""The options of `cgan-train` in groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cgan_runtime.options.groups import COMMON, Decorator, option_group, section
from cgan_train.config.overrides import read_overrides
from cgan_train.config.recipes import DEFAULT, RECIPES

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class RunOptions:
    """What is trained on, where the run is kept, and how it runs."""

    data: tuple[Path, ...]
    val: Path | None
    out: Path
    resume: bool
    seeds: int | None
    init: Path | None
    minutes: float | None
    threads: int | None
    tensorboard: bool
    decoded: Path | None
    quiet: bool

    def check(self) -> None:
        """Refuse a time that is none; raises `click.BadParameter`."""
        if self.minutes is not None and math.isnan(self.minutes):
            raise click.BadParameter("nan is no number of minutes", param_hint="--minutes")


run_options = option_group(
    "run",
    RunOptions,
    "Run",
    section(
        COMMON,
        click.option(
            "--data", multiple=True, required=True, type=_PATH,
            help="CIFAR-10 (cifar-10-batches-py or its tar.gz), a folder of photos, a tar shard of photos, "
            "or a folder of shards; may be given several times. Shards named val or test are only measured "
            "on.",
        ),
        click.option(
            "--val", type=_PATH,
            help="Photos, or CIFAR-10, to measure on after each epoch; none measures on none.  [default: those that "
            "are in --data, else 5 % of the photos, which are held out]"),
        click.option("--out", type=_PATH, default=Path("runs/cgan"), help="Folder of the run."),
        click.option(
            "--resume", is_flag=True,
            help="Go on with the run in --out from its last checkpoint; with --epochs, for longer."),
        click.option("-q", "--quiet", is_flag=True, help="Print the end only: no plan, no progress."),
    ),
    click.option(
        "--seeds", type=click.IntRange(min=1, max=100),
        help="Train so many runs, with seeds from --seed on, in OUT/seed-N; then print their quality, mean and "
        "deviation."),
    click.option(
        "--init", type=_PATH,
        help="Checkpoint that the generator takes its weights from; edge is the one that ships."),
    click.option(
        "--minutes", type=click.FloatRange(min=0, min_open=True),
        help="Stop after so many minutes; --resume goes on.  [default: train to the end]",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]"),
    click.option(
        "--decoded", type=click.Path(path_type=Path, file_okay=False),
        help="Decode the photos once, into this folder, for all epochs and runs; it takes 3 bytes for each pixel.  "
        "[default: decode them in every epoch]"),
    click.option("--tensorboard", is_flag=True, help="Write events for TensorBoard to the run's folder."),
)  # fmt: skip


@dataclass(frozen=True)
class RecipeOptions:
    """The recipe, and what replaces its settings. None: as in the recipe."""

    recipe: str | None
    epochs: int | None
    batch_size: int | None
    seed: int | None
    encoder_weights: str | None
    teacher: str | None
    channels: str | None
    generator: str
    gan_only: bool
    config_file: Path | None
    changes: tuple[str, ...]

    def overrides(self) -> dict[str, Any]:
        """Settings that replace the recipe's: from the file, from `--set`, then from options of their own.

        Raises:
            ConfigError: The file cannot be read.
            click.UsageError: A `--set` has no value.
        """
        overrides = read_overrides(self.config_file) if self.config_file else {}
        for change in self.changes:
            name, equals, value = change.partition("=")
            if not equals:
                raise click.UsageError(f"--set {change} has no value; give NAME=VALUE, such as ema=0.99")
            overrides[name.strip()] = value.strip()
        single = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "encoder_weights": self.encoder_weights,
            "teacher": self.teacher,
            "generator.channels": self.channels,
        }
        return overrides | {name: value for name, value in single.items() if value is not None}


def _of_recipe(name: str, help_text: str, kind: Any) -> Decorator:
    return click.option(name, type=kind, help=f"{help_text}  [default: the recipe's]")


recipe_options = option_group(
    "recipe",
    RecipeOptions,
    "Settings",
    section(
        COMMON,
        click.option(
            "--recipe", type=click.Choice(sorted(RECIPES)),
            help=f"Settings to start from.  [default: {DEFAULT}]",
        ),
        _of_recipe("--epochs", "Passes over the images.", click.IntRange(min=1)),
    ),
    _of_recipe("--batch-size", "Images in a batch.", click.IntRange(min=1)),
    _of_recipe("--seed", "Seed of weights, order and crops.", click.IntRange(0, 2**63 - 1)),
    _of_recipe(
        "--encoder-weights", "Weights that the encoder starts from.", click.Choice(["imagenet", "none"])
    ),
    _of_recipe(
        "--teacher",
        "Checkpoint of a network whose colors are learned in place of the photos'; edge is the one that ships.",
        str,
    ),
    _of_recipe(
        "--channels",
        "Predict chroma alone, or lightness too, as the paper's code does.",
        click.Choice(["ab", "lab"]),
    ),
    click.option(
        "--generator", default="", metavar="FILE.py:NAME", show_default=False,
        help="Train a torch module of your own in place of the recipe's generator: lightness in, chroma out. "
        "The file is run, and a copy kept in the run's folder; --resume needs it again.",
    ),
    click.option(
        "--gan-only", is_flag=True, help="Only the recipe's phases with a discriminator; goes with --init."
    ),
    click.option(
        "--config", "config_file", type=click.Path(path_type=Path, dir_okay=False),
        help="A TOML file of settings that replace the recipe's.",
    ),
    click.option(
        "--set", "changes", multiple=True, metavar="NAME=VALUE",
        help="Replace one setting of the recipe, such as ema=0.99 or phases.gan.lr=1e-4; may be given "
        "several times. A checkpoint's config.json lists them all.",
    ),
)  # fmt: skip
