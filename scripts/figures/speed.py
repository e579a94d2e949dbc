"""Speed: of the exported forms, on a GPU, of videos, and of live coloring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from figures import Columns, Document, block, machine, of_model, read, table

_NAMES = {"model": "{model}", "run by": "{backend}"}
_RUN_BY = {"tensorrt": ("TensorRT", "tensorrt"), "pytorch": ("PyTorch", "torch")}
_STAGES = ("decode", "gray and resize", "network", "temporal", "enlarge", "encode")
_CAMERAS = {"My camera": "the browser's own", "Server camera": "the server's"}


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


@block("video")
def video() -> str:
    """One row for each size and way."""
    report = read("video.json")
    rows = []
    for size, found in report["videos"].items():
        for way, figures in found["ways"].items():
            ratios = {name: f"{ratio:.2f}" for name, ratio in found["ratios"].get(way, {}).items()}
            rows.append({"video": size, "way": way, "of copy": "", "of plain loop": "", **figures, **ratios})
    columns: Columns = {
        "video": "{video}",
        "": "{way}",
        "frames/s": "{fps:.1f}",
        "of copying": "{of copy}",
        "of the plain loop": "{of plain loop}",
        "first frame after": "{first_frame_seconds:.1f} s",
        "ms of all cores": "{cores_ms:.0f}",
        "peak MB": "{megabytes:.0f}",
    }
    threads, others = (report["machine"][key] for key in ("threads", "others"))
    backend = next(iter(report["videos"].values()))["ways"]["cgan"]["backend"]
    what = f"{backend}, {threads} threads, {report['rounds']} rounds, `{report['model']}`"
    what += f" ({of_model(report['sha256'])}); {machine(report)}"
    what += f"; other programs took {others:.0%} of the processor" if others else ""
    return f"{table(columns, rows)}\n\n{what}."


@block("stage-costs")
def stage_costs() -> str:
    """What a frame costs by stage, of two versions in turns; the rest is what one shares with the other."""
    report = read("stage-costs.json")
    rows = [
        {"video": size, "version": version, **costs, "all": sum(costs[stage] for stage in _STAGES)}
        for size, versions in report["videos"].items()
        for version, costs in versions.items()
    ]
    columns: dict[str, str] = {"video": "{video}", "": "{version}"}
    columns |= {stage: f"{{{stage}:.1f}}" for stage in _STAGES}
    columns |= {"all": "{all:.1f}", "network runs on": "{network runs:.0%}", "peak MB": "{megabytes:.0f}"}
    what = f"{report['rounds']} rounds, `{report['model']}` ({of_model(report['sha256'])}); {machine(report)}"
    others = report["machine"]["others"]
    what += f"; other programs took {others:.0%} of the processor" if others else ""
    return f"{table(columns, rows)}\n\n{what}."


@block("instruction-sets")
def instruction_sets() -> str:
    """One row for each set of instructions; one that the processor lacks, or does not use, says so by its time."""
    report = read("instruction-sets.json")
    columns: Columns = {
        "model": "{model}",
        "instructions": "{instructions}",
        "runs on": "{device}",
        "core-ms": "{ms:.1f}",
    }
    what = "; ".join(f"`{row['model']}` ({of_model(row['sha256'])})" for row in report["rows"][:1])
    side, others = report["side"], report["machine"]["others"]
    what += f"; {side} x {side} px, {report['rounds']} rounds; {machine(report)}"
    what += f"; other programs took {others:.0%} of the processor" if others else ""
    return f"{table(columns, report['rows'])}\n\n{what}."


@block("live")
def live() -> str:
    """The table of the page, and a sentence on a slow back end."""
    report = read("live.json")
    columns: Columns = {
        "camera": lambda row: _CAMERAS[row["source"]],
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
