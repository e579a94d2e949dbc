"""Training speed against a plain loop."""

from __future__ import annotations

from figures import Columns, block, machine, read, table

_MUCH = 0.05  # of the processor


@block("throughput")
def throughput() -> str:
    """One row for each loop, the plain one first."""
    report = read("throughput.json")
    names = {"plain": "plain loop", "cgan": "`cgan-train`"}
    slowest = report["rows"][0]["images_per_second"]
    columns: Columns = {
        "loop": lambda row: names[row["loop"]],
        "computes in": "{type}",
        "images/s": "{images_per_second:.1f}",
        "times the plain loop": lambda row: f"{row['images_per_second'] / slowest:.2f}",
        "GFLOP an image": "{gflop_per_image:.1f}",
        "share of the peak": "{share_of_peak:.0%}",
        "peak, GFLOP/s": "{peak_gflops:.0f}",
    }
    others = report["machine"]["others"] or 0.0
    turns = len(report["rows"][0]["seconds_per_step"])
    what = (
        f"`{report['recipe']}` at batch {report['batch_size']}, medians of {turns} turns, "
        f"{report['machine']['threads']} threads; {machine(report)}."
        + (f" Other programs took {others:.0%} of the processor meanwhile." if others > _MUCH else "")
    )
    return f"{table(columns, report['rows'])}\n\n{what}"
