"""What the worker processes measured of each subject, before it becomes rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.speed.subjects.subject import HALF, Subject
from cgan_runtime.backends.base import FloatArray

Rounds = tuple[tuple[float, ...], ...]
"""Seconds of timed runs, round by round."""


@dataclass(frozen=True)
class ConcurrentRun:
    """Images that several engines at once finished, and the seconds that this took."""

    images: int
    seconds: float


@dataclass(frozen=True)
class Start:
    """The start of a process, or medians over several.

    Attributes:
        to_result_s: Seconds from the start of the process to its first result.
        load_s: Seconds of reading the model and building the engine, without imports.
        first_run_s: Seconds of the first inference.
        host_mb: The most memory that the process held until the end of its timed runs, 10^6 bytes.
        device_mb: GPU memory that it took; None where there is no GPU.
    """

    to_result_s: float
    load_s: float
    first_run_s: float
    host_mb: float
    device_mb: float | None = None


@dataclass(frozen=True)
class ProcessTimes:
    """What one process measured of its subject.

    Attributes:
        rounds: Seconds of its timed runs.
        engine: Seconds of the same runs by the device's own clock; empty where it has none.
        concurrent: Several engines at once; None where this was not measured.
    """

    start: Start
    rounds: Rounds = ()
    engine: tuple[float, ...] = ()
    concurrent: ConcurrentRun | None = None


@dataclass(frozen=True)
class Measured:
    """What all processes of one subject measured; the answers are chroma, (batches, N, 2, H, W)."""

    subject: Subject
    device: str
    weights: str
    answers: FloatArray
    processes: tuple[ProcessTimes, ...]


@dataclass(frozen=True)
class Measurements:
    """Everything that one comparison measured: the subjects, references first; why others are missing, by
    their key; and the peaks of the machine, by device and, where it is not float32, precision.
    """

    subjects: tuple[Measured, ...]
    missing: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, Peak] = field(default_factory=dict)

    def peak_for(self, subject: Subject) -> Peak | None:
        """The peak of a subject's device and precision; None if it was not measured.

        On a CPU, half-precision weights in a file are widened: the network computes in float32.
        """
        if subject.precision == "int8":
            return None
        widened = subject.device == "cpu" and subject.variant != HALF
        if subject.precision == "fp32" or widened:
            return self.peaks.get(subject.device)
        return self.peaks.get(f"{subject.device} {subject.precision}")
