"""What cgan_benchmarks.studies.chroma_upsampling found: enlarging by the luma against plain bilinear."""

from __future__ import annotations

from typing import Any

from figures import block, machine, read, table


@block("edges")
def edges() -> str:
    """One row for each size of the chroma and each way."""
    report = read("edges.json")
    rows: list[dict[str, Any]] = [
        {"chroma": size, "way": way, **taken}
        for size, ways in report["enlarged"].items()
        for way, taken in ways.items()
    ]
    columns = {
        "chroma was": lambda row: row["chroma"],
        "enlarged": lambda row: row["way"],
        "CIEDE2000": lambda row: f"{row['all']:.2f}",
        "near strong edges": lambda row: f"{row['edges']:.2f}",
        "ms": lambda row: f"{row['ms']:.1f}",
    }
    return f"{table(columns, rows)}\n\n{report['photos']} photographs in their own size; {machine(report)}."
