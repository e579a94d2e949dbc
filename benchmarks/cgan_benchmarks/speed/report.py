"""The result of a comparison: rows (each subject beside PyTorch on its device), machine, method; as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

import numpy as np

from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.results.document import FORMAT, FORMAT_VERSION, Document, new_document
from cgan_benchmarks.results.intervals import Interval, Intervals
from cgan_benchmarks.speed.measurements import Measured, Measurements, Start
from cgan_benchmarks.speed.scenarios import Scenario
from cgan_benchmarks.speed.subjects.subject import PYTORCH
from cgan_benchmarks.speed.timing import Timing
from cgan_runtime.backends.base import FloatArray
from cgan_train.checkpoint import WEIGHTS
from cgan_train.evaluation.agreement import Agreement, agreement


@dataclass(frozen=True)
class Throughput:
    """Images a second with several engines at once: mean of all processes, least and most."""

    mean: float
    least: float
    most: float


@dataclass(frozen=True)
class Row:
    """One form of the model in one engine. See `speed.scenarios` for what a sample is."""

    model: str  # its name in the table
    backend: str  # what ran it
    device: str
    precision: str  # in which the network computes
    weights: str  # precision of the stored weights
    batch: int  # images in a run
    megabytes: float
    timing: Timing
    p50_interval_ms: Interval
    speedup: float  # the reference's median by this one's
    speedup_interval: Interval
    reference: str  # the key of that row, "model / backend"
    engine_ms: float | None  # median by the device's own clock; None where it has none
    throughput: Throughput | None  # with several engines at once; None where not measured
    start: Start
    gflop: float  # 10^9 operations of a run
    gflops: float | None  # 10^9 operations of a second; None in `startup`
    share_of_peak: float | None  # None where the peak was not measured
    equality: Agreement  # with the reference, on photographs
    samples_ms: list[Any]  # processes, rounds, runs

    def document(self) -> Document:
        """As plain JSON values; timing, equality and start lie flat beside the other fields."""
        row: Document = asdict(self)
        timing, equality, start = (row.pop(name) for name in ("timing", "equality", "start"))
        samples = {"samples_ms": row.pop("samples_ms")}
        del equality["images"]
        for name in ("largest", "mean"):
            equality[f"{name}_difference"] = equality.pop(name)
        return {**row, **timing, **equality, **start, **samples}


@dataclass(frozen=True)
class SpeedReport:
    """Everything that was measured, and how."""

    machine: Document  # from `describe_machine`
    method: tuple[str, ...]  # one sentence each
    scenario: str
    recipe: str
    checkpoint_sha256: str  # of the weights that all rows share
    size: tuple[int, int]  # height and width
    peaks: dict[str, Peak] = field(default_factory=dict)  # by device and, where it is not float32, precision
    rows: tuple[Row, ...] = ()  # the references first
    missing: dict[str, str] = field(default_factory=dict)  # why, by name
    video: Document = field(default_factory=dict)  # from `measure_video`; empty where none was measured

    def document(self) -> Document:
        """As plain JSON values."""
        values = asdict(self) | {"rows": [row.document() for row in self.rows]}
        return new_document(FORMAT, FORMAT_VERSION, **values)


def make_rows(scenario: Scenario, found: Measurements, inputs: Sequence[FloatArray], gflop: float) -> list[Row]:
    """A row for each subject; `gflop` are the 10^9 operations of a run, `inputs` those of the session."""
    samples = {measured.subject.key: scenario.samples(measured) for measured in found.subjects}
    intervals = Intervals(samples)
    batch, _, height, width = inputs[0].shape
    runs = scenario.images(batch) / batch if scenario.times_network else 0.0  # in a sample
    rows = []
    for measured in found.subjects:
        subject, key = measured.subject, measured.subject.key
        reference = _reference(measured, found.subjects)
        timing = Timing.of(samples[key], scenario.images(batch))
        seconds, peak = timing.p50_ms / 1e3, found.peak_for(subject)
        file = subject.file / WEIGHTS if subject.backend == PYTORCH else subject.file
        size = file.stat().st_size
        least = peak.least_seconds(gflop, (size + 12 * batch * height * width) / 1e9) if peak else None
        low, high = intervals.median(key)
        rows.append(
            Row(
                model=subject.model,
                backend=subject.run_by,
                device=measured.device,
                precision=subject.precision,
                weights=measured.weights,
                batch=batch,
                megabytes=size / 1e6,
                timing=timing,
                p50_interval_ms=(low * 1e3, high * 1e3),
                speedup=intervals.medians[reference.subject.key] / intervals.medians[key],
                speedup_interval=intervals.ratio(reference.subject.key, key),
                reference=reference.subject.key,
                engine_ms=_engine_ms(measured),
                throughput=_throughput(measured),
                start=_median([times.start for times in measured.processes]),
                gflop=gflop,
                gflops=runs * gflop / seconds or None,
                share_of_peak=runs * least / seconds if least else None,
                equality=agreement(zip(inputs, reference.answers, measured.answers, strict=True)),
                samples_ms=np.round(samples[key] * 1e3, 4).tolist(),
            )
        )
    return rows


def _reference(measured: Measured, subjects: Sequence[Measured]) -> Measured:
    """Eager PyTorch, on the same kind of device where it was measured there."""
    references = [other for other in subjects if other.subject.is_reference]
    same = (other for other in references if other.subject.device == measured.subject.device)
    return next(same, references[0])


def _engine_ms(measured: Measured) -> float | None:
    seconds = [second for times in measured.processes for second in times.engine]
    return float(np.median(seconds)) * 1e3 if seconds else None


def _throughput(measured: Measured) -> Throughput | None:
    runs = [times.concurrent for times in measured.processes if times.concurrent is not None]
    rates = [run.images / run.seconds for run in runs]
    return Throughput(float(np.mean(rates)), min(rates), max(rates)) if rates else None


def _median(starts: Sequence[Start]) -> Start:
    columns = zip(*map(astuple, starts), strict=True)
    return Start(*(None if None in column else float(np.median(column)) for column in columns))  # type: ignore[arg-type]
