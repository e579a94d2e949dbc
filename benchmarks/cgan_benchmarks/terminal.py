"""A report as tables in the terminal: speed and equality side by side, then what engines cost.

print_report(report)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgan_benchmarks.machine import others_in_words
from cgan_benchmarks.report import Report, Row

_LEAST_WIDTH = 160  # columns: a narrower terminal breaks a line of the table, but no figure is cut short

Columns = dict[str, Callable[[Row], str]]


def print_report(report: Report) -> None:
    """Print the rows, what they were measured on, and how."""
    import rich.console

    console = rich.console.Console(highlight=False)
    console.width = max(_LEAST_WIDTH, console.width)
    height, width = report.size
    machine = report.machine
    several = len({row.batch for row in report.rows}) > 1
    batch = "" if several else f"batch {report.rows[0].batch}, "
    console.print(
        f"{report.recipe}, {report.scenario}, {width}x{height} px, {batch}"
        f"{_plural(machine['threads'], 'thread')}, {machine['cpu']}, {_plural(machine['cores'], 'core')}\n",
        soft_wrap=True,
    )
    for columns in _TABLES[report.scenario]:
        if several:
            columns = {**_NAMES, "batch": lambda row: str(row.batch)} | columns
        console.print(_table(columns, report.rows))
        console.print()
    for sentence in report.method:
        console.print(sentence, soft_wrap=True, markup=False)
    for device, peak in report.peaks.items():
        console.print(
            f"Peak, {device}: {peak['gflops']:.0f} GFLOP/s, {peak['gbytes']:.0f} GB/s.", soft_wrap=True
        )
    for state in machine["gpus"]:
        console.print(f"GPU: {state}", soft_wrap=True, markup=False)
    if warning := others_in_words(machine["others"]):
        console.print(warning, soft_wrap=True)
    for name, reason in report.missing.items():
        console.print(f"not measured: {name}: {reason}", soft_wrap=True, markup=False)


def interval_in_words(row: Row) -> str:
    """Of a row's ratio; a dash for the reference itself."""
    if row.key == row.reference:
        return "-"
    low, high = row.speedup_interval
    return "no difference" if row.no_difference else f"{low:.2f} to {high:.2f}"


def _table(columns: Columns, rows: Sequence[Row]) -> object:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for title in columns:
        table.add_column(title, no_wrap=True, justify="left" if title in _NAMES else "right")
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    return table


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _small(value: float, row: Row) -> str:
    return "-" if row.key == row.reference else f"{value:.0e}"


def _colour(row: Row) -> str:
    return "-" if row.key == row.reference else f"{row.equality.ciede2000:.3f}"


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


_NAMES: Columns = {"model": lambda row: row.model, "run by": lambda row: row.backend}
_EQUALITY: Columns = {
    "largest": lambda row: _small(row.equality.largest, row),
    "mean": lambda row: _small(row.equality.mean, row),
    "PSNR": lambda row: _optional(None if row.key == row.reference else row.equality.psnr_db, ".0f"),
    "dE00": _colour,
}
_RATIO: Columns = {
    "x": lambda row: f"{row.speedup:.2f}",
    "interval": interval_in_words,
}
_SPEED: Columns = {
    **_NAMES,
    "p50 ms": lambda row: f"{row.timing.p50_ms:.1f}",
    "p90": lambda row: f"{row.timing.p90_ms:.1f}",
    "p95": lambda row: f"{row.timing.p95_ms:.1f}",
    "p99": lambda row: f"{row.timing.p99_ms:.1f}",
    **_RATIO,
    **_EQUALITY,
}
_COSTS: Columns = {
    **_NAMES,
    "mean ms": lambda row: f"{row.timing.mean_ms:.1f} ± {row.timing.sd_ms:.1f}",
    "frames/s": lambda row: f"{row.timing.frames_per_second:.1f}",
    "in flight": lambda row: _optional(row.throughput.mean if row.throughput else None, ".1f"),
    "of peak": lambda row: _optional(row.share_of_peak, ".0%"),
    "start s": lambda row: f"{row.start.to_result_s:.2f}",
    "load s": lambda row: f"{row.start.load_s:.2f}",
    "memory MB": lambda row: f"{row.start.host_mb:.0f}",
    "file MB": lambda row: f"{row.megabytes:.1f}",
}
_OFFLINE: Columns = {
    **_NAMES,
    "frames/s": lambda row: f"{row.timing.frames_per_second:.1f}",
    "least": lambda row: _optional(row.throughput.least if row.throughput else None, ".1f"),
    "most": lambda row: _optional(row.throughput.most if row.throughput else None, ".1f"),
    **_RATIO,
    **_EQUALITY,
}
_STARTUP: Columns = {
    **_NAMES,
    "first result s": lambda row: f"{row.timing.p50_ms / 1e3:.2f}",
    "of it load": lambda row: f"{row.start.load_s:.2f}",
    "first run": lambda row: f"{row.start.first_run_s:.3f}",
    **_RATIO,
    "memory MB": lambda row: f"{row.start.host_mb:.0f}",
    "file MB": lambda row: f"{row.megabytes:.1f}",
}
_TABLES: dict[str, tuple[Columns, ...]] = {
    "single-stream": (_SPEED, _COSTS),
    "offline": (_OFFLINE,),
    "startup": (_STARTUP,),
}
