"""A result of cgan-bench as tables: their columns, also for the page, and `print_report` for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from cgan_benchmarks.machine.describe import load_warning
from cgan_benchmarks.render.headline import headline
from cgan_benchmarks.render.terminal import Columns, print_columns, print_lines, wide_console
from cgan_benchmarks.results.document import Document
from cgan_benchmarks.results.noise import load_of, width_of

_COLUMNS = {  # the key of a figure (and of a part of it), and its format, by title
    "model": ("model", ""), "run by": ("backend", ""), "batch": ("batch", ""),
    "p50 ms": ("p50_ms", ".1f"), "p90": ("p90_ms", ".1f"), "p95": ("p95_ms", ".1f"), "p99": ("p99_ms", ".1f"),
    "mean ms": ("mean_ms", ".1f"), "sd": ("sd_ms", ".1f"), "frames/s": ("frames_per_second", ".1f"),
    "x": ("speedup", ".2f"), "interval": ("speedup_interval", ""), "largest": ("largest_difference", ".0e"),
    "mean": ("mean_difference", ".0e"), "PSNR": ("psnr_db", ".0f"), "dE00": ("ciede2000", ".3f"),
    "concurrent": ("throughput mean", ".1f"), "least": ("throughput least", ".1f"),
    "most": ("throughput most", ".1f"), "of peak": ("share_of_peak", ".0%"),
    "first result s": ("to_result_s", ".2f"), "start s": ("to_result_s", ".2f"), "load s": ("load_s", ".2f"),
    "first run s": ("first_run_s", ".3f"), "memory MB": ("host_mb", ".0f"), "file MB": ("megabytes", ".1f"),
}  # fmt: skip

_RATIOS = ("x", "interval")
_COMPARED = ("interval", "largest", "mean", "PSNR", "dE00")
_COSTS = ("load s", "memory MB", "file MB")
NAMES = ("model", "run by", "batch")
_TABLES: dict[str, tuple[tuple[str, ...], ...]] = {  # of each scenario, beside the names of the rows
    "single-stream": (
        ("p50 ms", "p90", "p95", "p99", "x", *_COMPARED),
        ("mean ms", "sd", "frames/s", "concurrent", "of peak", "start s", *_COSTS),
    ),
    "offline": (("frames/s", "least", "most", "x", *_COMPARED),),
    "startup": (("first result s", "first run s", "x", "interval", *_COSTS),),
}
_VIDEO = {"frames/s": "frames_per_second", "least": "least", "most": "most", "ms a frame": "ms_a_frame"}
_MIN_WIDTH = 160  # columns


def tables_of(document: Document) -> list[tuple[str, ...]]:
    """The columns of a result's tables, beside the names; without ratios where other programs made them worthless."""
    left_out = _RATIOS if load_of(document) else ()
    return [tuple(title for title in table if title not in left_out) for table in _TABLES[document["scenario"]]]


def is_reference(row: Document) -> bool:
    """Whether other rows are compared with it."""
    return f"{row['model']} / {row['backend']}" == str(row["reference"])


def cell(row: Document, title: str) -> str:
    """A figure of a row; a dash where there is none, and where the reference is compared with itself."""
    (key, *part), form = _COLUMNS[title][0].split(), _COLUMNS[title][1]
    value = row[key]
    if value is None or (title in _COMPARED and is_reference(row)):
        return "-"
    if title == "of peak" and value > 1:
        return "?"  # the machine was busier while its peak was measured
    if title == "x" and width_of(value, row["speedup_interval"]):
        return "?"  # its interval says enough
    if title == "interval":
        low, high = value
        return "no difference" if low <= 1 <= high else f"{low:.2f} to {high:.2f}"
    return format(value[part[0]] if part else value, form)


def print_report(document: Document) -> None:
    """Print the rows, the video, the method and the machine."""
    console = wide_console(_MIN_WIDTH)
    blocks = [*(_rows(document) if document["rows"] else ()), *(_video(document["video"]) if document["video"] else ())]
    for block in blocks:
        if isinstance(block, str):
            print_lines(console, [block])
        else:
            print_columns(console, *block)
        console.print()
    machine = document["machine"]
    lines = [
        f"{headline(document)}.\n",
        *document["method"],
        *(f"Peak, {device}: {peak['gflops']:.0f} GFLOP/s, {peak['gbytes']:.0f} GB/s."
          for device, peak in document["peaks"].items()),
        f"On {machine['cpu']}, {_plural(machine['cores'], 'core')}.",
        *(f"GPU: {state}" for state in machine["gpus"]),
        load_warning(machine["others"]),
        *(f"not measured: {name}: {reason}" for name, reason in document["missing"].items()),
    ]  # fmt: skip
    print_lines(console, filter(None, lines))


def _rows(document: Document) -> Iterator[str | Columns]:
    """Title and tables of the models."""
    rows, machine, (height, width) = document["rows"], document["machine"], document["size"]
    several = len({row["batch"] for row in rows}) > 1
    batch = "" if several else f"batch {rows[0]['batch']}, "
    yield (
        f"{document['recipe']}, {document['scenario']}, {width}x{height} px, {batch}"
        f"{_plural(machine['threads'], 'thread')}, {machine['cpu']}, {_plural(machine['cores'], 'core')}"
    )
    for table in tables_of(document):
        titles = (*(NAMES if several else NAMES[:2]), *table)
        yield titles, [[cell(row, title) for title in titles] for row in rows], NAMES


def _video(video: Document) -> Iterator[str | Columns]:
    """A video from file to file, and each stage of it."""
    size = f"{video['width']}x{video['height']} px, {video['frames']} frames"
    yield f"{video['file']}, {size}; {video['model']} by {video['backend']}"
    ways = [
        [name, *(f"{way[key]:.1f}" for key in _VIDEO.values()), f"{way['of_limit']:.2f}"]
        for name, way in video["ways"].items()
    ]
    yield ("from file to file", *_VIDEO, "of the limit"), ways, ()
    stages = [
        [name, *(f"{stage[key]:.2f}" for key in ("mean_ms", "p50_ms", "p99_ms"))]
        for name, stage in video["stages"].items()
    ]
    yield ("stage of cgan-run", "mean ms", "p50", "p99"), stages, ()


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
