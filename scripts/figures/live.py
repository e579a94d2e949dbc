"""Frame rate and delay of live coloring."""

from __future__ import annotations

from figures import Columns, block, machine, read, table

_NAMES = {"My camera": "the browser's own", "Server camera": "the server's"}


@block("live")
def live() -> str:
    """The table of the page, and a sentence on a slow back end."""
    report = read("live.json")
    columns: Columns = {
        "camera": lambda row: _NAMES[row["source"]],
        "threads": "{threads}",
        "frames/s": "{frames_per_second:.1f}",
        "delay p50 ms": "{p50_ms:.0f}",
        "delay p95 ms": "{p95_ms:.0f}",
    }
    slow = report["slow"]
    thirds = ", ".join(f"{each:.0f}" for each in slow["p50_ms_of_each_third"])
    return (
        f"{table(columns, report['pages'])}\n\n"
        f"Images of {report['image']}. "
        f"A camera of 30 frames/s before a back end slowed down to 10: of {slow['read']} frames "
        f"{slow['shown']} were shown and {slow['dropped']} dropped; median delay in the first, second and "
        f"last third {thirds} ms. {machine(report)}."
    )
