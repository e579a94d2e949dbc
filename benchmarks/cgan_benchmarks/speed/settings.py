"""What a comparison measures and for how long: `Settings` and its `TimingPlan`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

StepCallback = Callable[[int, int], None]  # the steps that are done, and all
_TURN_SECONDS = 0.2  # of timed runs
_MIN_ROUNDS = 3
_MIN_ROUNDS_ALONE = 5  # of a single process, whose interval covers its rounds only


@dataclass(frozen=True)
class TimingPlan:
    """How long to measure each subject."""

    seconds: float = 2.4  # of timed runs, at least
    runs: int = 30  # timed runs, at least
    processes: int = 4  # fresh processes, one after another
    seed: int = 0  # of the order in which the subjects take turns

    def rounds(self) -> int:
        """Rounds in each process."""
        least = _MIN_ROUNDS if self.processes > 1 else _MIN_ROUNDS_ALONE
        return max(least, math.ceil(self.seconds / self.processes / _TURN_SECONDS))

    def runs_in_a_turn(self, once: float) -> int:
        """Timed runs in one turn of a subject whose single run takes `once` seconds."""
        wanted = max(self.seconds / max(once, 1e-9), self.runs)
        return max(1, math.ceil(wanted / (self.processes * self.rounds())))


@dataclass(frozen=True)
class Settings:
    """What to measure, and how."""

    size: tuple[int, int] | None = None  # height and width; None for the checkpoint's own
    batches: tuple[int, ...] = (1,)  # images in a run; each batch size is measured by itself
    threads: int = 2  # CPU threads of each engine
    backends: tuple[str, ...] | None = None  # registry names and `pytorch`; None for all that work here
    precisions: tuple[str, ...] | None = None  # only subjects that compute in these; None for all
    every: bool = True  # PyTorch compiled and in half precision too; else as it is loaded
    generator: str = ""  # FILE.py:NAME of the checkpoint's own generator
    plan: TimingPlan = field(default_factory=TimingPlan)
    pythons: Mapping[str, str] = field(default_factory=dict)  # another Python for a back end, by its name
