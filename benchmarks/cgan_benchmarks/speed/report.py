"""The result of a comparison: rows, machine and method, and its JSON document.

write_document(report.document(), Path("bench.json"))
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.results.document import FORMAT, FORMAT_VERSION, Document, new_document
from cgan_benchmarks.results.intervals import Interval
from cgan_benchmarks.speed.measurements import Start
from cgan_benchmarks.speed.timing import Timing
from cgan_train.evaluation.agreement import Agreement


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
