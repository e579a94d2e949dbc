"""A result as tables in the terminal: `print_report(report.document())`."""

from __future__ import annotations

from collections.abc import Iterator

from cgan_benchmarks.machine.describe import load_warning
from cgan_benchmarks.render.columns import NAMES, TABLES, cell
from cgan_benchmarks.render.terminal import make_table, wide_console
from cgan_benchmarks.results.document import Document

_VIDEO = {"frames/s": "frames_per_second", "least": "least", "most": "most", "ms a frame": "ms_a_frame"}
_MIN_WIDTH = 160  # columns


def print_report(document: Document) -> None:
    """Print the rows, the video, the method and the machine."""
    console = wide_console(_MIN_WIDTH)
    blocks = [
        *(_rows(document) if document["rows"] else ()),
        *(_video(document["video"]) if document["video"] else ()),
    ]
    for block in blocks:
        console.print(block, soft_wrap=isinstance(block, str), markup=False)
        console.print()
    machine = document["machine"]
    lines = [
        *document["method"],
        *(f"Peak, {device}: {peak['gflops']:.0f} GFLOP/s, {peak['gbytes']:.0f} GB/s."
          for device, peak in document["peaks"].items()),
        f"On {machine['cpu']}, {_plural(machine['cores'], 'core')}.",
        *(f"GPU: {state}" for state in machine["gpus"]),
        load_warning(machine["others"]),
        *(f"not measured: {name}: {reason}" for name, reason in document["missing"].items()),
    ]  # fmt: skip
    for line in filter(None, lines):
        console.print(line, soft_wrap=True, markup=False)


def _rows(document: Document) -> Iterator[object]:
    """Title and tables of the models."""
    rows, machine, (height, width) = document["rows"], document["machine"], document["size"]
    several = len({row["batch"] for row in rows}) > 1
    batch = "" if several else f"batch {rows[0]['batch']}, "
    yield (
        f"{document['recipe']}, {document['scenario']}, {width}x{height} px, {batch}"
        f"{_plural(machine['threads'], 'thread')}, {machine['cpu']}, {_plural(machine['cores'], 'core')}"
    )
    for table in TABLES[document["scenario"]]:
        titles = (*(NAMES if several else NAMES[:2]), *table)
        yield make_table(titles, [[cell(row, title) for title in titles] for row in rows], left=NAMES[:2])


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
