"""What the worker processes measured of each subject, before it becomes rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.speed.subjects.subject import HALF, Subject
from cgan_runtime.backends.base import FloatArray

Rounds = tuple[tuple[float, ...], ...]  # seconds of timed runs, round by round


@dataclass(frozen=True)
class ConcurrentRun:
    """Images that several engines at once finished, and the seconds that this took."""

    images: int
    seconds: float


@dataclass(frozen=True)
class Start:
    """The start of a process, or medians over several."""

    to_result_s: float  # from the start of the process to its first result
    load_s: float  # of reading the model and building the engine, without imports
    first_run_s: float  # of the first inference
    host_mb: float  # the most memory until the end of the timed runs, 10^6 bytes
    device_mb: float | None = None  # GPU memory; None where there is no GPU


@dataclass(frozen=True)
class ProcessTimes:
    """What one process measured of its subject."""

    start: Start
    rounds: Rounds = ()  # of its timed runs
    engine: tuple[float, ...] = ()  # the same runs by the device's own clock; empty where it has none
    concurrent: ConcurrentRun | None = None  # several engines at once; None where not measured


@dataclass(frozen=True)
class Measured:
    """What all processes of one subject measured."""

    subject: Subject
    device: str
    weights: str
    answers: FloatArray  # chroma, (batches, N, 2, H, W)
    processes: tuple[ProcessTimes, ...]


@dataclass(frozen=True)
class Measurements:
    """Everything that one comparison measured."""

    subjects: tuple[Measured, ...]  # references first
    missing: dict[str, str] = field(default_factory=dict)  # why, by their key
    peaks: dict[str, Peak] = field(default_factory=dict)  # by device and, where it is not float32, precision

    def peak_for(self, subject: Subject) -> Peak | None:
        """The peak of a subject's device and precision; None if it was not measured."""
        if subject.precision == "int8":
            return None
        # On a CPU, half-precision weights in a file are widened: the network computes in float32.
        widened = subject.device == "cpu" and subject.variant != HALF
        if subject.precision == "fp32" or widened:
            return self.peaks.get(subject.device)
        return self.peaks.get(f"{subject.device} {subject.precision}")
