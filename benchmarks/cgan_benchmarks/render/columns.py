"""The columns of the rows of a result, for the terminal and the page.

cells = [cell(row, title) for title in TABLES["offline"][0]]     # of document["rows"]
"""

from __future__ import annotations

from cgan_benchmarks.results.document import Document

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

_COMPARED = ("interval", "largest", "mean", "PSNR", "dE00")
_COSTS = ("load s", "memory MB", "file MB")
NAMES = ("model", "run by", "batch")
TABLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "single-stream": (
        ("p50 ms", "p90", "p95", "p99", "x", *_COMPARED),
        ("mean ms", "sd", "frames/s", "concurrent", "of peak", "start s", *_COSTS),
    ),
    "offline": (("frames/s", "least", "most", "x", *_COMPARED),),
    "startup": (("first result s", "first run s", "x", "interval", *_COSTS),),
}
"""The tables of each scenario, beside the names of the rows."""


def is_reference(row: Document) -> bool:
    """Whether other rows are compared with it."""
    return f"{row['model']} / {row['backend']}" == str(row["reference"])


def cell(row: Document, title: str) -> str:
    """A figure of a row; a dash where there is none, and where the reference is compared with itself."""
    (key, *part), form = _COLUMNS[title][0].split(), _COLUMNS[title][1]
    value = row[key]
    if value is None or (title in _COMPARED and is_reference(row)):
        return "-"
    if title == "interval":
        low, high = value
        return "no difference" if low <= 1 <= high else f"{low:.2f} to {high:.2f}"
    return format(value[part[0]] if part else value, form)
