"""Results on a GPU: an engine, its latency, and training steps."""

from __future__ import annotations

from typing import Any

from figures import Columns, Document, block, of_model, read, table

_RUN_BY = {"tensorrt": ("TensorRT", "tensorrt"), "pytorch": ("PyTorch", "torch")}


@block("gpu")
def gpu() -> str:
    """Latency of the engine beside PyTorch, and their equality."""
    report = read("gpu.json")
    eager = next(row["p50_ms"] for row in report["latency"] if row["run_by"] == "pytorch")
    parity = {row["size"]: row for row in report["parity"]}
    rows: list[dict[str, Any]] = []
    for row in report["latency"]:
        name, package = _RUN_BY[row["run_by"]]
        equal = parity[row["size"]] if row["run_by"] == "tensorrt" else None
        rows.append(
            row
            | {
                "name": f"{name} {report['machine']['versions'][package]}, {row['precision']}",
                "times": f"{eager / row['p50_ms']:.1f}" if row["size"] == 256 else "",
                "largest": f"{equal['largest']:.0e}" if equal else "",
                "ciede2000": f"{equal['ciede2000']:.3f}" if equal else "",
            }
        )
    columns: Columns = {
        "run by": "{name}",
        "px": "{size}",
        "p50 ms": "{p50_ms:.2f}",
        "of it on the GPU ms": "{engine_ms:.2f}",
        "times PyTorch": "{times}",
        "largest difference": "{largest}",
        "CIEDE2000": "{ciede2000}",
    }
    engine, video = report["engine"], report["video"]
    half, convolutions = engine["convolutions"]["fp16"], sum(engine["convolutions"].values())
    return (
        f"{table(columns, rows)}\n\n"
        f"Batch 1, array in and array out on the host; {_where(report)}. "
        f"Weights: {of_model(report['checkpoint_sha256'], 'checkpoint_sha256')}. "
        f"The engine: {engine['bytes'] / 1e6:.1f} MB, {half} of {convolutions} convolutions in half "
        f"precision by its inspector, opened from the cache in {engine['open_seconds']:.2f} s. "
        f"A video of {video['width']}x{video['height']} px, beside a training run on the same GPU: "
        f"{video['fps']:.0f} frames/s."
    )


@block("gpu-training")
def gpu_training() -> str:
    """Milliseconds of a step, plain and replayed."""
    report = read("gpu.json")
    steps: dict[str, dict[str, float]] = {}
    for row in report["steps"]:
        name = f"`{row['recipe']}`" + (f", {row['phase']}" if row["phase"] else "")
        steps.setdefault(name, {"compiled graph": float("nan")})[row["way"]] = row["ms"]
    rows = [{"name": name, "times": ms["eager"] / ms["graph"]} | ms for name, ms in steps.items()]
    columns: Columns = {
        "recipe": "{name}",
        "plain, ms a step": "{eager:.1f}",
        "replayed": "{graph:.1f}",
        "times": "{times:.1f}",
        "replayed and compiled": lambda row: f"{row['compiled graph']:.1f}".replace("nan", ""),
    }
    ours = next(row for row in report["throughput"]["rows"] if row["loop"] == "cgan")
    return (
        f"{table(columns, rows)}\n\n"
        f"bfloat16, each recipe's own batch, 100 steps; {_where(report)}. "
        f"`paper`, its loader included (random images, beside other work): "
        f"{ours['images_per_second']:,.0f} images/s, "
        f"{ours['share_of_peak']:.0%} of the peak in {ours['type']}."
    )


def _where(report: Document) -> str:
    machine = report["machine"]
    return f"{report['gpu']}, {machine['cpu']}, {machine['cores']} cores, {report['date']}"
