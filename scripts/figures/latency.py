"""The tables of cgan-bench."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from figures import Columns, Document, block, machine, of_model, read, table

_NAMES = {"model": "{model}", "run by": "{backend}"}


@block("bench")
def bench() -> str:
    """Speed and equality: every form in every back end, PyTorch first."""
    report = read("bench-cpu.json")
    columns: Columns = {
        **_NAMES,
        "p50 ms": "{p50_ms:.1f}",
        "p90": "{p90_ms:.1f}",
        "p99": "{p99_ms:.1f}",
        "times PyTorch (95 %)": _unless_reference(
            "{speedup:.2f} ({speedup_interval[0]:.2f} to {speedup_interval[1]:.2f})", "1"
        ),
        "MB": "{megabytes:.1f}",
        "largest difference": _unless_reference("{largest_difference:.0e}"),
        "CIEDE2000": _unless_reference("{ciede2000:.3f}"),
    }
    return f"{table(columns, report['rows'])}\n\n{_what(report)}"


@block("int8")
def int8() -> str:
    """The network in 8 bits beside float32, without PyTorch, which was slowed in that run."""
    report = read("int8.json")
    columns: Columns = {
        **_NAMES,
        "p50 ms (95 %)": "{p50_ms:.1f} ({p50_interval_ms[0]:.1f} to {p50_interval_ms[1]:.1f})",
        "p90": "{p90_ms:.1f}",
        "frames/s, two in flight": "{throughput[mean]:.0f}",
        "MB": "{megabytes:.1f}",
        "CIEDE2000": "{ciede2000:.3f}",
    }
    rows = [row for row in report["rows"] if row["model"] != "checkpoint"]
    weights = of_model(report["checkpoint_sha256"], "checkpoint_sha256")
    return f"{table(columns, rows)}\n\nWeights: {weights}. {_what(report)}"


@block("bench-costs")
def bench_costs() -> str:
    """Cost and utilization of the engines."""
    report = read("bench-cpu.json")
    columns: Columns = {
        **_NAMES,
        "mean ms ± sd": "{mean_ms:.1f} ± {sd_ms:.1f}",
        "frames/s": "{frames_per_second:.0f}",
        "frames/s, two in flight": "{throughput[mean]:.0f}",
        "of peak": lambda row: f"{row['share_of_peak']:.0%}" if row["share_of_peak"] else "",
        "first result s": "{to_result_s:.2f}",
        "of it load s": "{load_s:.2f}",
        "memory MB": "{host_mb:.0f}",
        "PSNR dB": _unless_reference("{psnr_db:.0f}"),
    }
    peak = report["peaks"]["cpu"]
    roof = f"Peak: {peak['gflops']:.0f} GFLOP/s and {peak['gbytes']:.0f} GB/s in float32."
    return f"{table(columns, report['rows'])}\n\n{roof} {_what(report)}"


def _unless_reference(template: str, itself: str = "") -> Callable[[dict[str, Any]], str]:
    """A cell that is `itself` in the row of the reference."""

    def cell(row: dict[str, Any]) -> str:
        is_reference = f"{row['model']} / {row['backend']}" == row["reference"]
        return itself if is_reference else template.format_map(row)

    return cell


def _what(report: Document) -> str:
    height, width = report["size"]
    threads = report["machine"]["threads"]
    batch = report["rows"][0]["batch"]
    return f"{width} x {height} px, batch {batch}, {threads} threads; {machine(report)}."
