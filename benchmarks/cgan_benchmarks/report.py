"""What a benchmark found, and its JSON document.

write_json(report, Path("bench.json")); document = read_document(Path("bench.json"))
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgan_benchmarks.intervals import Interval
from cgan_benchmarks.measure import Timing
from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:
    from cgan_benchmarks.crew import Started

FORMAT = "cgan-bench"
FORMAT_VERSION = 2

_NUMBERS = re.compile(r"\[\s+([-\d.eE+,\s]+?)\s+\]")


@dataclass(frozen=True)
class Equality:
    """How far colours lie from the reference's on photographs.

    Attributes:
        largest: Of (a*, b*)/110, absolute.
        mean: Likewise.
        psnr_db: Of the same.
        ciede2000: Mean colour difference of the coloured pictures.
    """

    largest: float
    mean: float
    psnr_db: float
    ciede2000: float


@dataclass(frozen=True)
class Throughput:
    """Pictures a second with several in flight: mean of all processes, least and most."""

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
        batch: Pictures in a run.
        megabytes: Of the file, 10^6 bytes.
        timing: What runs took; in `offline` a picture's share of the time, in `startup` the first result.
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
        film: Of the `video` scenario; empty where it was not run.
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
    film: dict[str, Any] = field(default_factory=dict)

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


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write JSON, lists of numbers on one line; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False)
    write_text(_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n", path, "--json")


def write_text(text: str, path: Path, option: str) -> None:
    """Write a file; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # names of files may be any bytes
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"cannot write {path} ({error.strerror}); give another file with {option}"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        ConfigError: The file is missing, no such document, or of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); make it with cgan-bench --json") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON; make it with cgan-bench --json {path}") from error
    if isinstance(document, dict) and document.get("format") == "cgan-film":
        raise ConfigError(
            f"{path} is a result of films, which have no rows to compare; give two of cgan-bench"
        )
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigError(f"{path} is no result of cgan-bench; make it with cgan-bench --json {path}")
    if document.get("format_version") != FORMAT_VERSION:
        raise ConfigError(
            f"{path} is of format {document.get('format_version')}, this cgan-bench reads {FORMAT_VERSION}; "
            f"measure again with cgan-bench --json {path}"
        )
    if (lacks := _damage(document)) is not None:
        raise ConfigError(f"{path} is damaged ({lacks}); measure again with cgan-bench --json {path}")
    return document


def _damage(document: dict[str, Any]) -> str | None:
    """What a document lacks of that which is compared; None where all is there."""
    machine, rows = document.get("machine"), document.get("rows")
    for what in ("scenario", "recipe", "size"):
        if what not in document:
            return f"no {what}"
    for what in ("cpu", "cores", "threads", "system"):
        if not isinstance(machine, dict) or what not in machine:
            return f"no {what} of its machine"
    if not isinstance(rows, list):
        return "no rows"
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("batch"), int):
            return f"row {number} has no batch"
        if not all(isinstance(row.get(what), str) for what in ("model", "backend", "reference")):
            return f"row {number} does not say what it is of"
        for what, interval in (("p50_ms", "p50_interval_ms"), ("speedup", "speedup_interval")):
            ends = row.get(interval)
            figures = [row.get(what), *(ends if isinstance(ends, list) else [])]
            if len(figures) != 3 or not all(map(_positive, figures)):
                return f"row {number} has no {what} with an interval"
    return None


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    parts = {name: row.pop(name) for name in ("timing", "equality", "start")}
    samples = row.pop("samples_ms")
    named = {
        {"largest": "largest_difference", "mean": "mean_difference"}.get(key, key): value
        for key, value in parts["equality"].items()
    }
    return {**row, **parts["timing"], **named, **parts["start"], "samples_ms": samples}


def _finite(value: Any) -> Any:
    """JSON knows no infinity: null stands for a difference that is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
