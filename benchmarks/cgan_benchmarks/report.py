"""What a benchmark found: a table for people, a JSON document for programs.

print_table(report); write_json(report, Path("bench.json"))
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cgan_benchmarks.machine import others_in_words
from cgan_benchmarks.measure import Timing
from cgan_runtime.errors import ConfigError

FORMAT = "cgan-bench"
FORMAT_VERSION = 1

_LEAST_WIDTH = 160  # columns: a narrower terminal breaks a line of the table, but no figure is cut short


@dataclass(frozen=True)
class Row:
    """One form of the model in one engine.

    Attributes:
        model: What it is called in the table.
        backend: What ran it.
        device: What that ran on.
        precision: What the network computes in by its manifest.
        weights: How the weights are stored.
        megabytes: Of the file, 10^6 bytes.
        timing: What runs took.
        speedup: The reference's median by this one's.
        largest_difference: Of (a*, b*)/110 from the reference on photographs, absolute.
        mean_difference: Likewise.
        ciede2000: Mean colour difference of the coloured photographs.
    """

    model: str
    backend: str
    device: str
    precision: str
    weights: str
    megabytes: float
    timing: Timing
    speedup: float
    largest_difference: float
    mean_difference: float
    ciede2000: float


@dataclass(frozen=True)
class Report:
    """All that was found, and how.

    Attributes:
        version: Of cgan.
        date: ISO 8601, UTC.
        machine: From `describe_machine`.
        method: How it was measured, in one sentence each.
        recipe: Of the checkpoint.
        checkpoint_sha256: The weights that all rows share.
        input_shape: (N, 1, H, W) of every run.
        rows: The reference first.
        missing: Back ends or models that could not be measured, and why.
    """

    version: str
    date: str
    machine: dict[str, Any]
    method: tuple[str, ...]
    recipe: str
    checkpoint_sha256: str
    input_shape: tuple[int, ...]
    rows: tuple[Row, ...]
    missing: dict[str, str]

    def document(self) -> dict[str, Any]:
        """As plain JSON values; a row's timing lies flat beside its other fields."""
        values = asdict(self)
        values["rows"] = [{**_without(asdict(row), "timing"), **asdict(row.timing)} for row in self.rows]
        document = {"format": FORMAT, "format_version": FORMAT_VERSION, **values}
        return _finite(document)  # type: ignore[no-any-return]


def write_json(report: Report, path: Path) -> None:
    """Write the document; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    write_document(report.document(), path)


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write JSON; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {path} ({error.strerror}); give another file with --json") from error


def print_table(report: Report) -> None:
    """Print the rows, what they were measured on, and how."""
    import rich.console
    from rich.table import Table

    batch, _, height, width = report.input_shape
    machine = report.machine
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for title in ("model", "run by"):
        table.add_column(title, no_wrap=True)
    for title in ("p50 ms", "p90", "p99", "frames/s", "x", "MB", "largest", "mean"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row))
    console = rich.console.Console(highlight=False)
    console.width = max(_LEAST_WIDTH, console.width)
    console.print(
        f"{report.recipe}, {width}x{height} px, batch {batch}, {_plural(machine['threads'], 'thread')}, "
        f"{machine['cpu']}, {_plural(machine['cores'], 'core')}\n",
        soft_wrap=True,
    )
    console.print(table)
    console.print(
        "\nx: times as fast as PyTorch, by medians. largest, mean: differences of (a*, b*)/110 from "
        "PyTorch on photographs.",
        soft_wrap=True,
    )
    if warning := others_in_words(machine["others"]):
        console.print(warning, soft_wrap=True)
    for sentence in report.method:
        console.print(sentence, soft_wrap=True)
    for name, reason in report.missing.items():
        console.print(f"not measured: {name}: {reason}", soft_wrap=True, markup=False)


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _cells(row: Row) -> list[str]:
    timing = row.timing
    milliseconds = [f"{value:.1f}" for value in (timing.p50_ms, timing.p90_ms, timing.p99_ms)]
    cells = [row.model, row.backend, *milliseconds, f"{timing.frames_per_second:.1f}", f"{row.speedup:.2f}"]
    differences = [f"{value:.0e}" for value in (row.largest_difference, row.mean_difference)]
    return [*cells, f"{row.megabytes:.1f}", *(differences if row.largest_difference else ["-", "-"])]


def _without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _finite(value: Any) -> Any:
    """JSON knows no infinity: null stands for a difference that is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
