"""Which levels are stretched; light to import, since the command line builds it for `--help`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from cgan_runtime.checks import check_types
from cgan_runtime.errors import ConfigError

Whom = Literal["picture", "network"]

AUTO, OFF = "auto", "off"
WHOM: tuple[Whom, ...] = get_args(Whom)

_PAIR = re.compile(r"(\d{1,3}(?:\.\d{1,3})?),(\d{1,3}(?:\.\d{1,3})?)")


@dataclass(frozen=True)
class Levels:
    """What becomes black, and what becomes white.

    Attributes:
        levels: "auto" follows the picture; "2,8" are percentages of the range from black to white; "off" stretches
            nothing.
        levels_for: Whether the picture is stretched, or only what the network sees.

    Raises:
        ConfigError: Not such a text.
    """

    levels: str = OFF
    levels_for: Whom = "picture"

    def __post_init__(self) -> None:
        check_types(self)
        if self.levels not in (AUTO, OFF):
            found = _PAIR.fullmatch(self.levels)
            if found is None or not 0 <= float(found[1]) < float(found[2]) <= 100:
                raise ConfigError(
                    f"levels {self.levels!r} are none; give auto, off, or what becomes black and white as percentages "
                    "of the range, such as 2,8"
                )

    @property
    def off(self) -> bool:
        """Whether nothing is stretched."""
        return not self.auto and self.bounds == (0.0, 1.0)

    @property
    def auto(self) -> bool:
        """Whether the levels follow the picture."""
        return self.levels == AUTO

    @property
    def for_picture(self) -> bool:
        """Whether the picture itself is stretched."""
        return self.levels_for == "picture"

    @property
    def bounds(self) -> tuple[float, float]:
        """What becomes black and white at first, as shares of the range."""
        found = _PAIR.fullmatch(self.levels)
        return (float(found[1]) / 100, float(found[2]) / 100) if found else (0.0, 1.0)

    def __str__(self) -> str:
        levels = OFF if self.off else self.levels
        return levels if self.for_picture or self.off else f"{levels} for the network"


UNCHANGED = Levels()
