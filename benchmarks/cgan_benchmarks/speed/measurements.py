"""TODO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cgan_benchmarks.results.intervals import Samples
from cgan_benchmarks.speed.subject import HALF, Subject
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import BackendUnavailable

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Started:
    """What starts of one subject took, one value for each process.

    Attributes:
        to_result: Seconds from the start of the process to the first result.
        load: Seconds of reading the model and building the engine, its import left out.
        first: Seconds of the first run.
        host_mb: The most memory that a process held until the end of the timed runs.
        device_mb: GPU memory that was taken; None where there is no GPU.
    """

    device: str
    weights: str
    to_result: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    host_mb: list[float] = field(default_factory=list)
    device_mb: list[float] = field(default_factory=list)


@dataclass
class Found:
    """All that was measured, by the key of the subject."""

    subjects: list[Subject]
    missing: dict[str, str] = field(default_factory=dict)
    raw: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    starts: dict[str, Started] = field(default_factory=dict)
    answers: dict[str, FloatArray] = field(default_factory=dict)
    flights: dict[str, list[float]] = field(default_factory=dict)
    engine: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def samples(self) -> dict[str, Samples]:
        """Seconds of each run, (processes, rounds, runs)."""
        return {key: np.array(times) for key, times in self.raw.items()}

    @property
    def engine_ms(self) -> dict[str, float]:
        """Medians by the device's own clock."""
        return {key: float(np.median(times)) * 1e3 for key, times in self.engine.items() if times}

    def subject(self, key: str) -> Subject:
        """Of that key."""
        return next(subject for subject in self.subjects if subject.key == key)

    def leave_out(self, key: str, error: BackendUnavailable) -> None:
        """Go on without a subject that failed; without a reference there is nothing to go on for."""
        subject = self.subject(key)
        if subject.is_reference:
            raise error
        self.missing[key] = str(error)
        self.subjects.remove(subject)
        self.raw.pop(key, None)  # of fewer processes or rounds than the others'

    def peak_for(self, subject: Subject) -> dict[str, float] | None:
        """The peak that a subject is held against, of its device and precision; None if not measured.

        On a CPU halves in a file are widened: the network computes in float32.
        """
        if subject.precision == "int8":
            return None
        widened = subject.device == "cpu" and subject.variant != HALF
        if subject.precision == "fp32" or widened:
            return self.peaks.get(subject.device)
        return self.peaks.get(f"{subject.device} {subject.precision}")
