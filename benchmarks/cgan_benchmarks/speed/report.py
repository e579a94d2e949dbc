"""What a benchmark found, and its JSON document.

write_json(report, Path("bench.json")); document = read_document(Path("bench.json"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgan_benchmarks.results.document import FORMAT, FORMAT_VERSION, _finite, write_document
from cgan_benchmarks.results.intervals import Interval
from cgan_benchmarks.speed.timing import Timing

if TYPE_CHECKING:
    from cgan_benchmarks.speed.measurements import Started


@dataclass(frozen=True)
class Equality:
    """How far colors lie from the reference's on photographs.

    Attributes:
        largest: Of (a*, b*)/110, absolute.
        mean: Likewise.
        psnr_db: Of the same.
        ciede2000: Mean color difference of the colored images.
    """

    largest: float
    mean: float
    psnr_db: float
    ciede2000: float


@dataclass(frozen=True)
class Throughput:
    """Images a second with several in flight: mean of all processes, least and most."""

    mean: float
    least: float
    most: float

    @classmethod
    def of(cls, rates: Sequence[float]) -> Throughput | None:
        """Sum up; None where it was not measured."""
        return cls(float(np.mean(rates)), min(rates), max(rates)) if rates else None


@dataclass(frozen=True)
class Start:
    """Medians over fresh processes.

    Attributes:
        to_result_s: From the start of the process to its first result.
        load_s: Reading the model and building the engine, imports left out.
        first_run_s: The first inference.
        host_mb: The most memory that the process held.
        device_mb: GPU memory taken; None where there is no GPU.
    """

    to_result_s: float
    load_s: float
    first_run_s: float
    host_mb: float
    device_mb: float | None

    @classmethod
    def of(cls, started: Started) -> Start:
        """Sum up."""
        device = float(np.median(started.device_mb)) if started.device_mb else None
        to_result, load, first, host = (
            float(np.median(of)) for of in (started.to_result, started.load, started.first, started.host_mb)
        )
        return cls(to_result, load, first, host, device)


@dataclass(frozen=True)
class Row:
    """One form of the model in one engine.

    Attributes:
        model: What it is called in the table.
        backend: What ran it.
        device: What that ran on.
        precision: What the network computes in.
        weights: How the weights are stored.
        batch: Images in a run.
        megabytes: Of the file, 10^6 bytes.
        timing: What runs took; in `offline` an image's share of the time, in `startup` the first result.
        p50_interval_ms: Of the median.
        speedup: The reference's median by this one's.
        speedup_interval: Of that.
        reference: Which row that is, "model / backend".
        engine_ms: Median by the device's own clock; None where it has none.
        throughput: With several in flight; None where that was not measured.
        start: Of fresh processes.
        gflop: 10^9 operations of a run.
        gflops: 10^9 operations a second; None in `startup`.
        share_of_peak: Of what the machine can do at most; None where the peak was not measured.
        equality: With the reference.
        samples_ms: Every run: processes, rounds, runs.
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
    equality: Equality
    samples_ms: list[Any]

    @property
    def key(self) -> str:
        """What `reference` calls it."""
        return f"{self.model} / {self.backend}"

    @property
    def no_difference(self) -> bool:
        """Whether the interval of the ratio holds 1; the reference is none with itself."""
        low, high = self.speedup_interval
        return low <= 1 <= high and self.key != self.reference


@dataclass(frozen=True)
class Report:
    """All that was found, and how.

    Attributes:
        version: Of cgan.
        date: ISO 8601, UTC.
        machine: From `describe_machine`.
        method: How it was measured, in one sentence each.
        scenario: What was measured.
        recipe: Of the checkpoint.
        checkpoint_sha256: The weights that all rows share.
        size: Height and width.
        peaks: What the machine reaches: by device (and precision, if not float32), from `measure_peak`.
        rows: The references first.
        missing: What could not be measured, and why.
        video: Of the `video` scenario; empty where it was not run.
    """

    version: str
    date: str
    machine: dict[str, Any]
    method: tuple[str, ...]
    scenario: str
    recipe: str
    checkpoint_sha256: str
    size: tuple[int, int]
    peaks: dict[str, dict[str, float]]
    rows: tuple[Row, ...]
    missing: dict[str, str]
    video: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As plain JSON values; timing, equality and start lie flat beside a row's other fields."""
        values = asdict(self)
        values["rows"] = [_flat(asdict(row)) for row in self.rows]
        document = {"format": FORMAT, "format_version": FORMAT_VERSION, **values}
        return _finite(document)  # type: ignore[no-any-return]


def write_json(report: Report, path: Path) -> None:
    """Write the document; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    write_document(report.document(), path)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    parts = {name: row.pop(name) for name in ("timing", "equality", "start")}
    samples = row.pop("samples_ms")
    named = {
        {"largest": "largest_difference", "mean": "mean_difference"}.get(key, key): value
        for key, value in parts["equality"].items()
    }
    return {**row, **parts["timing"], **named, **parts["start"], "samples_ms": samples}
