"""What was seen on a GPU: an engine, its latency, and steps of training."""

from __future__ import annotations

from typing import Any

from figures import Document, block, of_model, read, table

_RUN_BY = {"tensorrt": "TensorRT", "pytorch": "PyTorch"}


@block("gpu")
def gpu() -> str:
    """Latency of the engine beside PyTorch, and how equal they are."""
    report = read("gpu.json")
    versions = report["machine"]["versions"]
    eager = next(row["p50_ms"] for row in report["latency"] if row["run_by"] == "pytorch")

    def times(row: Document) -> str:
        return f"{eager / row['p50_ms']:.1f}" if row["size"] == 256 else ""

    columns = {
        "run by": lambda row: f"{_RUN_BY[row['run_by']]} {versions[_version(row)]}, {row['precision']}",
        "px": lambda row: str(row["size"]),
        "p50 ms": lambda row: f"{row['p50_ms']:.2f}",
        "of it on the GPU ms": lambda row: f"{row['engine_ms']:.2f}",
        "times PyTorch": times,
        "largest difference": lambda row: _parity(report, row, "largest", ".0e"),
        "CIEDE2000": lambda row: _parity(report, row, "ciede2000", ".3f"),
    }
    engine, video = report["engine"], report["video"]
    half, convolutions = engine["convolutions"]["fp16"], sum(engine["convolutions"].values())
    return (
        f"{table(columns, report['latency'])}\n\n"
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
        steps.setdefault(name, {})[row["way"]] = row["ms"]
    columns = {
        "recipe": lambda item: item[0],
        "plain, ms a step": lambda item: f"{item[1]['eager']:.1f}",
        "replayed": lambda item: f"{item[1]['graph']:.1f}",
        "times": lambda item: f"{item[1]['eager'] / item[1]['graph']:.1f}",
        "replayed and compiled": lambda item: _ms(item[1].get("compiled graph")),
    }
    ours = next(row for row in report["throughput"]["rows"] if row["loop"] == "cgan")
    return (
        f"{table(columns, list(steps.items()))}\n\n"
        f"bfloat16, each recipe's own batch, 100 steps; {_where(report)}. "
        f"`paper`, its loader included (random images, beside other work): "
        f"{ours['images_per_second']:,.0f} images/s, "
        f"{ours['share_of_peak']:.0%} of the peak in {ours['type']}."
    )


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _version(row: dict[str, Any]) -> str:
    return "tensorrt" if row["run_by"] == "tensorrt" else "torch"


def _parity(report: Document, row: Document, what: str, form: str) -> str:
    if row["run_by"] != "tensorrt":
        return ""
    return format(next(each[what] for each in report["parity"] if each["size"] == row["size"]), form)


def _where(report: Document) -> str:
    machine = report["machine"]
    return f"{report['gpu']}, {machine['cpu']}, {machine['cores']} cores, {report['date']}"
