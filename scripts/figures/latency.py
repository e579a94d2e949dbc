"""The latency table of cgan-bench."""

from __future__ import annotations

from figures import block, machine, read, table


@block("bench")
def bench() -> str:
    """Every form in every back end, PyTorch first."""
    report = read("bench-cpu.json")
    columns = {
        "model": lambda row: row["model"],
        "run by": lambda row: row["backend"],
        "p50 ms": lambda row: f"{row['p50_ms']:.1f}",
        "p90 ms": lambda row: f"{row['p90_ms']:.1f}",
        "p99 ms": lambda row: f"{row['p99_ms']:.1f}",
        "frames/s": lambda row: f"{row['frames_per_second']:.0f}",
        "times PyTorch": lambda row: f"{row['speedup']:.2f}",
        "MB": lambda row: f"{row['megabytes']:.1f}",
        "largest difference": lambda row: f"{row['largest_difference']:.1e}",
    }
    batch, _, height, width = report["input_shape"]
    threads = report["machine"]["threads"]
    what = f"{width} x {height} px, batch {batch}, {threads} threads; {machine(report)}."
    return f"{table(columns, report['rows'])}\n\n{what}"
