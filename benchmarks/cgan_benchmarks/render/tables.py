"""A report as tables in the terminal: speed and equality side by side, then what engines cost.

print_report(report)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgan_benchmarks.machine.describe import others_in_words
from cgan_benchmarks.speed.report import Report, Row

if TYPE_CHECKING:
    from rich.table import Table

_WAY = {"frames/s": "frames_per_second", "least": "least", "most": "most", "ms a frame": "ms_a_frame"}
_LEAST_WIDTH = 160  # columns: a narrower terminal breaks a line of the table, but no figure is cut short

Columns = dict[str, Callable[[Row], str]]


def print_report(report: Report) -> None:
    """Print the rows, the video, what they were measured on, and how."""
    import rich.console

    console = rich.console.Console(highlight=False)
    console.width = max(_LEAST_WIDTH, console.width)
    for block in (*_rows(report), *(_video(report.video) if report.video else ())):
        console.print(block, soft_wrap=isinstance(block, str), markup=False)
        console.print()
    machine = report.machine
    lines = [*report.method]
    for device, peak in report.peaks.items():
        lines.append(f"Peak, {device}: {peak['gflops']:.0f} GFLOP/s, {peak['gbytes']:.0f} GB/s.")
    lines += [
        f"On {machine['cpu']}, {_plural(machine['cores'], 'core')}.",
        *(f"GPU: {state}" for state in machine["gpus"]),
    ]
    lines += [words] if (words := others_in_words(machine["others"])) else []
    lines += [f"not measured: {name}: {reason}" for name, reason in report.missing.items()]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _rows(report: Report) -> Iterator[object]:
    """Headline and tables of the models; nothing where only a video was measured."""
    if not report.rows:
        return
    height, width = report.size
    machine = report.machine
    several = len({row.batch for row in report.rows}) > 1
    batch = "" if several else f"batch {report.rows[0].batch}, "
    yield (
        f"{report.recipe}, {report.scenario}, {width}x{height} px, {batch}"
        f"{_plural(machine['threads'], 'thread')}, {machine['cpu']}, {_plural(machine['cores'], 'core')}"
    )
    for columns in _TABLES[report.scenario]:
        if several:
            columns = {**_NAMES, "batch": lambda row: str(row.batch)} | columns
        yield _table(columns, report.rows)


def _video(video: dict[str, Any]) -> Iterator[object]:
    """What a video took from file to file, and each stage of it."""
    size = f"{video['width']}x{video['height']} px, {video['frames']} frames"
    yield f"{video['file']}, {size}; {video['model']} by {video['backend']}"
    ways = {
        name: [*(f"{way[key]:.1f}" for key in _WAY.values()), f"{way['of_limit']:.2f}"]
        for name, way in video["ways"].items()
    }
    yield _grid(("from file to file", *_WAY, "of the limit"), ways)
    stages = {
        name: [f"{stage[key]:.2f}" for key in ("mean_ms", "p50_ms", "p99_ms")]
        for name, stage in video["stages"].items()
    }
    yield _grid(("stage of cgan-run", "mean ms", "p50", "p99"), stages)


def interval_in_words(row: Row) -> str:
    """Of a row's ratio; a dash for the reference itself."""
    if row.key == row.reference:
        return "-"
    low, high = row.speedup_interval
    return "no difference" if row.no_difference else f"{low:.2f} to {high:.2f}"


def _table(columns: Columns, rows: Sequence[Row]) -> object:
    table = _empty(columns)
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    return table


def _grid(titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> object:
    table = _empty(titles)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _empty(titles: Iterable[str]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for number, title in enumerate(titles):
        left = number == 0 or title in _NAMES
        table.add_column(title, no_wrap=True, justify="left" if left else "right")
    return table


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _small(value: float, row: Row) -> str:
    return "-" if row.key == row.reference else f"{value:.0e}"


def _color(row: Row) -> str:
    return "-" if row.key == row.reference else f"{row.equality.ciede2000:.3f}"


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


_NAMES: Columns = {"model": lambda row: row.model, "run by": lambda row: row.backend}
_EQUALITY: Columns = {
    "largest": lambda row: _small(row.equality.largest, row),
    "mean": lambda row: _small(row.equality.mean, row),
    "PSNR": lambda row: _optional(None if row.key == row.reference else row.equality.psnr_db, ".0f"),
    "dE00": _color,
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
