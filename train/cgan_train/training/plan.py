"""What a run will do, before it does it: its phases, and the room that it takes on the disk.

plan = Plan.of(config, 364, 32, size_of(generator), size_of(discriminator))
print(plan.text())
plan.check_room(Path("runs/x"))
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from cgan_runtime.errors import ConfigError
from cgan_runtime.progress import size_text
from cgan_train.config.schema import TrainConfig
from cgan_train.config.stretches import Stretch, stretches

KEEP = 3  # checkpoints of a run


@dataclass(frozen=True)
class Plan:
    """A run's phases in steps, and its size.

    Attributes:
        stretches: The phases.
        steps: Steps of an epoch.
        batch: Images in a step.
        room: Bytes that the run's checkpoints take at most, while one is written.
    """

    stretches: tuple[Stretch, ...]
    steps: int
    batch: int
    room: int

    @classmethod
    def of(cls, config: TrainConfig, steps: int, batch: int, generator: int, discriminator: int) -> Plan:
        """The plan of a run with so many steps of `batch` images an epoch, and networks of so many bytes."""
        weights = generator
        state = 3 * (generator + discriminator) + (generator if config.ema else 0)  # with Adam's two averages
        return cls(tuple(stretches(config, steps)), steps, batch, (KEEP + 2) * weights + 2 * state)

    def text(self) -> str:
        """In one line for people."""
        phases = ", ".join(f"{s.phase.name} {self._length(s)} at {s.phase.crop} px" for s in self.stretches)
        images = f"{self.steps:,} step{'s' * (self.steps != 1)} of {self.batch} images an epoch"
        return f"plan: {phases}; {images}; checkpoints take up to {size_text(self.room)}"

    def hours_left(self, step: int, images_a_second: float) -> float:
        """Hours from a step of the run to its end, at the present rate.

        Later phases are taken to be as fast per pixel as the present one. Measuring comes on top.
        """
        now = next((s for s in self.stretches if step < s.last), self.stretches[-1])
        pixels = sum((s.last - max(step, s.first)) * s.phase.crop**2 for s in self.stretches if s.last > step)
        return pixels / now.phase.crop**2 * self.batch / max(images_a_second, 1e-9) / 3600

    def check_room(self, folder: Path) -> None:
        """Raise ConfigError if a run's folder, which exists, has no room for its checkpoints."""
        free = shutil.disk_usage(folder).free
        if free < self.room:
            raise ConfigError(
                f"{folder} has {size_text(free)} free, the run takes up to {size_text(self.room)}; free some space, "
                "or give another --out"
            )

    def _length(self, stretch: Stretch) -> str:
        steps = stretch.last - stretch.first
        if steps % self.steps or stretch.first % self.steps:
            return f"{steps:,} step{'s' * (steps != 1)}"
        return f"{steps // self.steps} epoch{'s' * (steps != self.steps)}"


def size_of(network: nn.Module) -> int:
    """Bytes of a network's weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def time_text(hours: float) -> str:
    """A time for people: `40 seconds`, `25 minutes`, `3.4 hours`."""
    if hours < 1 / 60:
        return f"{max(1, round(hours * 3600))} seconds"
    return f"{round(hours * 60)} minutes" if hours < 1.5 else f"{hours:.1f} hours"
