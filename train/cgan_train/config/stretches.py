"""The phases of a run in steps, and runs that are made longer.

for stretch in stretches(config, steps=364): ...     # stretch.phase from stretch.first to stretch.last
longer = extended(config, epochs=60)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import Phase, TrainConfig


@dataclass(frozen=True)
class Stretch:
    """A phase with its first step in a run, counted from 0, and the step after its last."""

    phase: Phase
    first: int
    last: int


def stretches(config: TrainConfig, steps: int) -> list[Stretch]:
    """The phases in steps, of a run with so many steps an epoch.

    Phases begin with an epoch. Where there are too few epochs for all phases, they shrink together, and
    begin within epochs; only with fewer steps than phases are some left out.
    """
    total, end, first = steps * config.epochs, 0.0, 0
    by_epochs = not config.skipped_phases()
    found = []
    for index, phase in enumerate(config.phases):
        end += phase.share * config.epochs
        last = round(end) * steps if by_epochs else max(first + 1, round(end * steps))
        last = total if index == len(config.phases) - 1 else min(last, total)
        if last > first:
            found.append(Stretch(phase, first, last))
        first = last
    return found


def extended(config: TrainConfig, epochs: int) -> TrainConfig:
    """The config of a run that goes on for more epochs, which its last phase gets.

    Raises:
        ConfigError: That are no more epochs than now.
    """
    if epochs <= config.epochs:
        raise ConfigError(f"this is a run of {config.epochs} epochs; --resume --epochs makes it longer, give more")
    found = stretches(config, 1) if not config.skipped_phases() else []
    phases, shares = config.phases, [phase.share * config.epochs / epochs for phase in config.phases]
    if found:
        phases, shares = tuple(s.phase for s in found), [(s.last - s.first) / epochs for s in found]
    shares[-1] = 1 - sum(shares[:-1])
    pairs = zip(phases, shares, strict=True)
    longer = tuple(dataclasses.replace(phase, share=share) for phase, share in pairs)
    return dataclasses.replace(config, epochs=epochs, phases=longer)
