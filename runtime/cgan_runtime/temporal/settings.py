"""How steady the color of a video is kept; light to import, since the command line builds it for `--help`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cgan_runtime.errors import ConfigError

Strength = Literal["off", "low", "high"]

STRENGTHS: tuple[Strength, ...] = get_args(Strength)
MAX_EVERY = 100  # largest `every`, frames: four seconds in which the network does not see the video


@dataclass(frozen=True)
class TemporalSettings:
    """How steady the color is, and how often the network runs.

    Attributes:
        strength: How long the color of a place is averaged; "off" shows each prediction as it is.
        every: The network runs on every so many frames and after cuts; between, color follows the motion.

    Raises:
        ConfigError: Unknown strength, or `every` out of range.
    """

    strength: Strength = "high"
    every: int = 1

    def __post_init__(self) -> None:
        if self.strength not in STRENGTHS:
            raise ConfigError(f"temporal strength {self.strength!r} is unknown; take one of {', '.join(STRENGTHS)}")
        if not 1 <= self.every <= MAX_EVERY:
            raise ConfigError(f"every {self.every} is out of range; take 1 to {MAX_EVERY} frames")

    @property
    def passes_through(self) -> bool:
        """Whether each frame simply shows the network's prediction."""
        return self.strength == "off" and self.every == 1
