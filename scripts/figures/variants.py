"""Variants of `edge` that were trained for the same CPU time."""

from __future__ import annotations

from figures import Columns, block, machine, read, table


@block("variants")
def variants() -> str:
    """One row for each, the recipe itself first."""
    report = read("variants.json")
    columns: Columns = {
        "variant": "{variant[name]}",
        "ms": "{ms:.1f}",
        "CIEDE2000 under gray's": "{gain_percent:.1f} %",
        "chroma": "{chroma_ratio:.2f}",
        "images seen": "{images_seen:,}",
    }
    first = report["rows"][0]
    smaller = [row["variant"]["name"] for row in report["rows"] if row["variant"].get("scale", 1) != 1]
    what = (
        f"{first['cpu_seconds']:.0f} seconds of processor time each, on {report['trained_on_px']} px crops; "
        f"{first['images']} held-out photos at {report['measured_at_px']} px; milliseconds at "
        f"{report['timed_at_px']} px in ONNX Runtime with {report['machine']['threads']} threads; "
        f"{machine(report)}."
    )
    if smaller:
        what += f" {smaller[0].capitalize()}: the weights of `edge`; timed so, and measured as much smaller."
    return f"{table(columns, report['rows'])}\n\n{what}"
