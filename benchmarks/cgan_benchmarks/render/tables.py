"""A report as tables in the terminal: speed beside equality, then what the engines cost.

print_report(report)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

from cgan_benchmarks.machine.describe import load_warning
from cgan_benchmarks.render.terminal import make_table, wide_console
from cgan_benchmarks.results.document import Document
from cgan_benchmarks.speed.report import Row, SpeedReport

_VIDEO = {"frames/s": "frames_per_second", "least": "least", "most": "most", "ms a frame": "ms_a_frame"}
_MIN_WIDTH = 160  # columns

Columns = dict[str, Callable[[Row], str]]
"""How a cell is made, by the title of its column."""


def print_report(report: SpeedReport) -> None:
    """Print the rows, the video, the method and the machine."""
    console = wide_console(_MIN_WIDTH)
    for block in (*_rows(report), *(_video(report.video) if report.video else ())):
        console.print(block, soft_wrap=isinstance(block, str), markup=False)
        console.print()
    machine = report.machine
    lines = [
        *report.method,
        *(f"Peak, {device}: {peak.gflops:.0f} GFLOP/s, {peak.gbytes:.0f} GB/s."
          for device, peak in report.peaks.items()),
        f"On {machine['cpu']}, {_plural(machine['cores'], 'core')}.",
        *(f"GPU: {state}" for state in machine["gpus"]),
        load_warning(machine["others"]),
        *(f"not measured: {name}: {reason}" for name, reason in report.missing.items()),
    ]  # fmt: skip
    for line in filter(None, lines):
        console.print(line, soft_wrap=True, markup=False)


def _rows(report: SpeedReport) -> Iterator[object]:
    """Title and tables of the models; nothing where only a video was measured."""
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
    names = _NAMES | ({"batch": lambda row: str(row.batch)} if several else {})
    for columns in _TABLES[report.scenario]:
        cells = (names | columns).values()
        rows = [[cell(row) for cell in cells] for row in report.rows]
        yield make_table(names | columns, rows, left=_NAMES)


def _video(video: Document) -> Iterator[object]:
    """A video from file to file, and each stage of it."""
    size = f"{video['width']}x{video['height']} px, {video['frames']} frames"
    yield f"{video['file']}, {size}; {video['model']} by {video['backend']}"
    ways = [
        [name, *(f"{way[key]:.1f}" for key in _VIDEO.values()), f"{way['of_limit']:.2f}"]
        for name, way in video["ways"].items()
    ]
    yield make_table(("from file to file", *_VIDEO, "of the limit"), ways)
    stages = [
        [name, *(f"{stage[key]:.2f}" for key in ("mean_ms", "p50_ms", "p99_ms"))]
        for name, stage in video["stages"].items()
    ]
    yield make_table(("stage of cgan-run", "mean ms", "p50", "p99"), stages)


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _interval(row: Row) -> str:
    low, high = row.speedup_interval
    return "no difference" if low <= 1 <= high else f"{low:.2f} to {high:.2f}"


def _figure(name: str, form: str) -> Callable[[Row], str]:
    """A cell with an attribute of a row; a dash where it is None."""

    def cell(row: Row) -> str:
        value = attrgetter(name)(row)
        return "-" if value is None else format(value, form)

    return cell


def _unless_reference(cell: Callable[[Row], str]) -> Callable[[Row], str]:
    """A dash in the row of the reference, which equals itself."""
    return lambda row: "-" if row.is_reference else cell(row)


def _concurrent(name: str) -> Callable[[Row], str]:
    return lambda row: "-" if row.throughput is None else _figure(name, ".1f")(row)


_NAMES: Columns = {"model": lambda row: row.model, "run by": lambda row: row.backend}
_EQUALITY: Columns = {
    "largest": _unless_reference(_figure("equality.largest", ".0e")),
    "mean": _unless_reference(_figure("equality.mean", ".0e")),
    "PSNR": _unless_reference(_figure("equality.psnr_db", ".0f")),
    "dE00": _unless_reference(_figure("equality.ciede2000", ".3f")),
}
_RATIO: Columns = {"x": _figure("speedup", ".2f"), "interval": _unless_reference(_interval)}
_SIZES: Columns = {"memory MB": _figure("start.host_mb", ".0f"), "file MB": _figure("megabytes", ".1f")}
_SPEED: Columns = {
    "p50 ms": _figure("timing.p50_ms", ".1f"),
    "p90": _figure("timing.p90_ms", ".1f"),
    "p95": _figure("timing.p95_ms", ".1f"),
    "p99": _figure("timing.p99_ms", ".1f"),
    **_RATIO,
    **_EQUALITY,
}
_COSTS: Columns = {
    "mean ms": lambda row: f"{row.timing.mean_ms:.1f} ± {row.timing.sd_ms:.1f}",
    "frames/s": _figure("timing.frames_per_second", ".1f"),
    "concurrent": _concurrent("throughput.mean"),
    "of peak": _figure("share_of_peak", ".0%"),
    "start s": _figure("start.to_result_s", ".2f"),
    "load s": _figure("start.load_s", ".2f"),
    **_SIZES,
}
_OFFLINE: Columns = {
    "frames/s": _figure("timing.frames_per_second", ".1f"),
    "least": _concurrent("throughput.least"),
    "most": _concurrent("throughput.most"),
    **_RATIO,
    **_EQUALITY,
}
_STARTUP: Columns = {
    "first result s": lambda row: f"{row.timing.p50_ms / 1e3:.2f}",
    "of it load": _figure("start.load_s", ".2f"),
    "first run": _figure("start.first_run_s", ".3f"),
    **_RATIO,
    **_SIZES,
}
_TABLES: dict[str, tuple[Columns, ...]] = {
    "single-stream": (_SPEED, _COSTS),
    "offline": (_OFFLINE,),
    "startup": (_STARTUP,),
}
