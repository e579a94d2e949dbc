"""The tables of cgan-bench."""

from __future__ import annotations

from typing import Any

from figures import Document, block, machine, of_model, read, table


@block("bench")
def bench() -> str:
    """Speed and equality: every form in every back end, PyTorch first."""
    report = read("bench-cpu.json")
    columns = {
        "model": lambda row: row["model"],
        "run by": lambda row: row["backend"],
        "p50 ms": lambda row: f"{row['p50_ms']:.1f}",
        "p90": lambda row: f"{row['p90_ms']:.1f}",
        "p99": lambda row: f"{row['p99_ms']:.1f}",
        "times PyTorch (95 %)": _ratio,
        "MB": lambda row: f"{row['megabytes']:.1f}",
        "largest difference": lambda row: _unless_itself(row, f"{row['largest_difference']:.0e}"),
        "CIEDE2000": lambda row: _unless_itself(row, f"{row['ciede2000']:.3f}"),
    }
    return f"{table(columns, report['rows'])}\n\n{_what(report)}"


@block("int8")
def int8() -> str:
    """The network in 8 bits beside float32, without PyTorch, which that run's terminal had slowed."""
    report = read("int8.json")
    columns = {
        "model": lambda row: row["model"],
        "run by": lambda row: row["backend"],
        "p50 ms (95 %)": lambda row: "{:.1f} ({:.1f} to {:.1f})".format(
            row["p50_ms"], *row["p50_interval_ms"]
        ),
        "p90": lambda row: f"{row['p90_ms']:.1f}",
        "frames/s, two in flight": lambda row: f"{row['throughput']['mean']:.0f}",
        "MB": lambda row: f"{row['megabytes']:.1f}",
        "CIEDE2000": lambda row: f"{row['ciede2000']:.3f}",
    }
    rows = [row for row in report["rows"] if row["model"] != "checkpoint"]
    weights = of_model(report["checkpoint_sha256"], "checkpoint_sha256")
    return f"{table(columns, rows)}\n\nWeights: {weights}. {_what(report)}"


@block("bench-costs")
def bench_costs() -> str:
    """What the engines cost and reach beside the latency of single images."""
    report = read("bench-cpu.json")
    columns = {
        "model": lambda row: row["model"],
        "run by": lambda row: row["backend"],
        "mean ms ± sd": lambda row: f"{row['mean_ms']:.1f} ± {row['sd_ms']:.1f}",
        "frames/s": lambda row: f"{row['frames_per_second']:.0f}",
        "frames/s, two in flight": lambda row: f"{row['throughput']['mean']:.0f}",
        "of peak": lambda row: f"{row['share_of_peak']:.0%}" if row["share_of_peak"] else "",
        "first result s": lambda row: f"{row['to_result_s']:.2f}",
        "of it load s": lambda row: f"{row['load_s']:.2f}",
        "memory MB": lambda row: f"{row['host_mb']:.0f}",
        "PSNR dB": lambda row: _unless_itself(row, f"{row['psnr_db']:.0f}"),
    }
    peak = report["peaks"]["cpu"]
    roof = f"Peak: {peak['gflops']:.0f} GFLOP/s and {peak['gbytes']:.0f} GB/s in float32."
    return f"{table(columns, report['rows'])}\n\n{roof} {_what(report)}"


def _ratio(row: dict[str, Any]) -> str:
    low, high = row["speedup_interval"]
    return _unless_itself(row, f"{row['speedup']:.2f} ({low:.2f} to {high:.2f})", "1")


def _unless_itself(row: dict[str, Any], text: str, itself: str = "") -> str:
    return itself if f"{row['model']} / {row['backend']}" == row["reference"] else text


def _what(report: Document) -> str:
    height, width = report["size"]
    threads = report["machine"]["threads"]
    batch = report["rows"][0]["batch"]
    return f"{width} x {height} px, batch {batch}, {threads} threads; {machine(report)}."
