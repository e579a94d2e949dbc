"""The options of `cgan-run` for colors that are known: they fill `Guide`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime.guide.settings import Guide
from cgan_runtime.options.groups import PlaceType, option_group

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    from cgan_runtime.guide.settings import Hint

    _HintsBase = click.ParamType[tuple[Hint, ...]]
else:
    _HintsBase = click.ParamType

HEADING = "Known colors"


class HintsType(_HintsBase):
    """A file of hints; becomes the hints in it."""

    name = "FILE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Hint, ...]:
        """Read the file; a CganError says what is wrong in it."""
        if isinstance(value, tuple):
            return value
        from cgan_runtime.guide.hints import read_hints  # loads NumPy

        return read_hints(Path(str(value)))


guide_options = option_group(
    "guide",
    Guide,
    HEADING,
    click.option(
        "--hints", type=HintsType(), default=(), metavar="FILE",
        help='Colors of places: a JSON file {"hints": [{"x": 0.31, "y": 0.62, "color": "#2f4f9f"}]}, x and y as '
        "fractions of the picture. They spread to what looks the same."),
    click.option(
        "--reference", "references", type=PlaceType(), multiple=True, metavar="FILE",
        help="A colored picture of similar things, to take colors from. May be given several times."),
    click.option(
        "--keys", type=PlaceType(), metavar="DIR",
        help="Colored frames of the video, named by number (000123.png, from 0) or time (00h01m02.500.png): each "
        "colors its shot. For a folder of videos: a folder with one for each video, of its name."),
)  # fmt: skip
