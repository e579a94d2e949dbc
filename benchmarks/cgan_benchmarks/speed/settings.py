"""What a comparison measures and for how long: `Settings` and its `TimingPlan`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

StepCallback = Callable[[int, int], None]
"""Called with the number of steps that are done, and the number of all."""

_TURN_SECONDS = 0.2  # of timed runs
_MIN_ROUNDS = 3
_MIN_ROUNDS_ALONE = 5  # of a single process, whose interval covers its rounds only


@dataclass(frozen=True)
class TimingPlan:
    """How long to measure.

    Attributes:
        seconds: Of timed runs for each subject, at least.
        runs: Timed runs of each subject, at least.
        processes: Number of fresh processes for each subject, one after another.
        seed: Of the order in which the subjects take turns.
    """

    seconds: float = 2.4
    runs: int = 30
    processes: int = 4
    seed: int = 0

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
    """What to measure, and how.

    Attributes:
        size: Height and width; None for the checkpoint's own.
        batches: Images in a run. Each batch size is measured by itself.
        threads: CPU threads of each engine.
        backends: Names from the registry and `pytorch`; None for all that work here.
        precisions: Only subjects that compute in these; None for all.
        plan: How long.
    """

    size: tuple[int, int] | None = None
    batches: tuple[int, ...] = (1,)
    threads: int = 2
    backends: tuple[str, ...] | None = None
    precisions: tuple[str, ...] | None = None
    plan: TimingPlan = field(default_factory=TimingPlan)
