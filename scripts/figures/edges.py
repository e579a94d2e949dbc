"""The table of cgan_benchmarks.studies.chroma_upsampling."""

from __future__ import annotations

from figures import Columns, block, machine, read, table


@block("edges")
def edges() -> str:
    """One row for each size of the chroma and each way."""
    report = read("edges.json")
    rows = [
        {"chroma": size, "way": way, **figures}
        for size, ways in report["enlarged"].items()
        for way, figures in ways.items()
    ]
    columns: Columns = {
        "chroma was": "{chroma}",
        "enlarged": "{way}",
        "CIEDE2000": "{all:.2f}",
        "near strong edges": "{edges:.2f}",
        "ms": "{ms:.1f}",
    }
    return f"{table(columns, rows)}\n\n{report['photos']} photographs in their own size; {machine(report)}."
