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
    """One form of the model in one engine.

    Attributes:
        model: Its name in the table; `backend` is what ran it, on `device`.
        precision: In which the network computes; `weights` is that of the stored weights.
        batch: Images in a run.
        timing: Of the samples; see `speed.scenarios` for what a sample is.
        speedup: The reference's median by this one's.
        reference: The key of that row, "model / backend".
        engine_ms: Median by the device's own clock; None where it has none.
        throughput: With several engines at once; None where that was not measured.
        gflop: 10^9 operations of a run; `gflops` are those of a second, None in `startup`.
        share_of_peak: Of what the machine can do; None where the peak was not measured.
        equality: With the reference, on photographs.
        samples_ms: All samples: processes, rounds, runs.
    """

    model: str
    backend: str
    device: str
    precision: str
    weights: str
    batch: int
    megabytes: float
    timing: Timing
    p50_interval_ms: Interval
    speedup: float
    speedup_interval: Interval
    reference: str
    engine_ms: float | None
    throughput: Throughput | None
    start: Start
    gflop: float
    gflops: float | None
    share_of_peak: float | None
    equality: Agreement
    samples_ms: list[Any]

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
    """Everything that was measured, and how.

    Attributes:
        machine: From `describe_machine`.
        method: How it was measured, one sentence each.
        scenario: Name of what was measured.
        recipe: Of the checkpoint.
        checkpoint_sha256: Of the weights that all rows share.
        size: Height and width.
        peaks: Of the machine, by device and, where it is not float32, precision.
        rows: The references first.
        missing: What could not be measured, and why.
        video: From `video.scenario.measure_video`; empty where no video was measured.
    """

    machine: Document
    method: tuple[str, ...]
    scenario: str
    recipe: str
    checkpoint_sha256: str
    size: tuple[int, int]
    peaks: dict[str, Peak] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    video: Document = field(default_factory=dict)

    def document(self) -> Document:
        """As plain JSON values."""
        values = asdict(self) | {"rows": [row.document() for row in self.rows]}
        return new_document(FORMAT, FORMAT_VERSION, **values)
