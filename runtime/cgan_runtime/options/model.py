"""The options of `cgan-run` that choose the model, what runs it, and how colorful its colors are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cgan_runtime.backends.registry import AUTO, BACKENDS, PRECISIONS
from cgan_runtime.options.groups import COMMON, option_group, section


@dataclass(frozen=True)
class ModelOptions:
    """What predicts the color: the arguments of `Colorizer.open`."""

    model: Path | None = None
    backend: str = AUTO
    threads: int | None = None
    precision: str = AUTO
    size: int | None = None
    saturation: float = 1.0


model_options = option_group(
    "model",
    ModelOptions,
    "Model",
    section(
        COMMON,
        click.option(
            "--strength", "--saturation", "saturation", type=click.FloatRange(0, 3), default=1.0, show_default=True,
            help="How colorful: 0 is gray, 1 is what the model predicts. Both names mean the same."),
    ),
    click.option(
        "--model", type=click.Path(path_type=Path), metavar="FILE",
        help="A model made by cgan-export, a file or its folder, or one that ships by its name. Default: edge."),
    click.option(
        "--backend", type=click.Choice((AUTO, *BACKENDS)), default=AUTO, show_default=True,
        help="What runs the model; auto takes the best that works here."),
    click.option(
        "--threads", type=click.IntRange(min=1),
        help="CPU threads of the back end. Default: its own choice."),
    click.option(
        "--precision", type=click.Choice(PRECISIONS), default=AUTO, show_default=True,
        help="What a CPU computes in. auto takes bfloat16 where the processor has instructions for it, which "
        "is nearly twice as fast with colors as good; with --cluster it takes float32, which all machines "
        "have."),
    click.option(
        "--size", type=click.IntRange(min=1),
        help="Side of the square, in pixels, that the model sees the image in; smaller is faster and "
        "coarser. Default: what the model was made for."),
)  # fmt: skip
