"""How steady the color of a video is kept; light to import, since the command line builds it for `--help`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cgan_runtime.checks import check_types
from cgan_runtime.errors import ConfigError

Strength = Literal["off", "low", "high"]
Every = int | Literal["auto"]

STRENGTHS: tuple[Strength, ...] = get_args(Strength)
AUTO: Literal["auto"] = "auto"
MAX_EVERY = 100  # largest number in `every`, frames: four seconds in which the network does not see the video


@dataclass(frozen=True)
class TemporalSettings:
    """How steady the color is, and how often the network runs.

    Attributes:
        strength: How long the color of a place is averaged; "off" shows each prediction as it is.
        every: The network runs on every so many frames and after cuts; between, color follows the motion.
            "auto" runs it where the frames ask for it (`temporal.need`); with strength "off" that is always.

    Raises:
        ConfigError: Unknown strength, or `every` out of range.
    """

    strength: Strength = "high"
    every: Every = AUTO

    def __post_init__(self) -> None:
        check_types(self)
        if self.every != AUTO and not 1 <= self.every <= MAX_EVERY:
            raise ConfigError(f"every {self.every!r} is out of range; take {AUTO}, or 1 to {MAX_EVERY} frames")

    @property
    def passes_through(self) -> bool:
        """Whether each frame simply shows the network's prediction."""
        return self.strength == "off" and self.every in (AUTO, 1)

    @property
    def carries(self) -> bool:
        """Whether there are frames on which the network does not run."""
        return self.every != 1 and not self.passes_through
