"""`--preset`: speed and care in one word, in place of the options that make them up.

options = apply_preset("fast", options)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from cgan_runtime.errors import ConfigError
from cgan_runtime.options.groups import COMMON, section
from cgan_runtime.options.run import RunOptions
from cgan_runtime.video.write.codecs import ENCODERS, Effort


@dataclass(frozen=True)
class Preset:
    """What a word stands for."""

    effort: Effort  # of the encoder
    size: int | None = None  # of the network's input; None: what the model was made for


PRESETS = {"fast": Preset("fast", size=192), "balanced": Preset("balanced"), "best": Preset("best")}

preset_option = section(
    COMMON,
    click.option(
        "--preset", "preset_name", metavar="NAME", default="balanced", show_default=True,
        help="fast: --size 192 and a fast encoder. balanced: both as by default. best: a slow encoder, which makes "
        "smaller files. What you give yourself counts more. Or the speed of the encoder alone: ultrafast to veryslow "
        "of libx264 and libx265, 13 to 0 of libsvtav1."),
)  # fmt: skip
"""Adds `--preset` to a command."""


def apply_preset(name: str, options: RunOptions) -> RunOptions:
    """The options with what a preset stands for, but for those that the command line itself gives.

    Args:
        name: One of `PRESETS`, or an encoder's own preset.
        options: Of the command line.

    Raises:
        ConfigError: It is neither.
    """
    video = options.video
    if name not in PRESETS:
        if not any(name in encoder.presets for encoder in ENCODERS.values()):
            raise ConfigError(
                f"no preset {name!r}; choose fast, balanced or best, or an encoder's: ultrafast to veryslow, 13 to 0"
            )
        return replace(options, video=replace(video, encoder=replace(video.encoder, preset=name)))
    preset = PRESETS[name]
    model = replace(options.model, size=options.model.size or preset.size)
    return replace(options, model=model, video=replace(video, encoder=replace(video.encoder, effort=preset.effort)))
