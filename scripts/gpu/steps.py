"""The steps of a check on a GPU; each returns its details, or raises StepFailed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from gpu.run import NAME, ROOT, Run, StepFailed

_KEPT = 20_000  # characters of what a step printed, in the JSON; the log has all


def machine(run: Run) -> dict[str, Any]:
    """The GPU, as nvidia-smi tells; without one nothing else is worth a try."""
    fields = "name,driver_version,compute_cap,memory.total,clocks.sm,clocks.max.sm,power.limit"
    details: dict[str, Any] = {}
    try:
        code, output = run.execute(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"], 20, {})
        details["nvidia_smi"] = output.strip() if code == 0 else f"exit code {code}"
    except OSError as error:
        details["nvidia_smi"] = str(error)
    python = run.need("tensorrt")
    details |= run.ask(python, 60, "identity")
    return details


def export(run: Run) -> dict[str, Any]:
    """Export the FP16 model; it is compared, since the comparison finds what has to stay in float32."""
    given = (run.checkpoint, "--fp16", "--name", NAME, "-o", run.folder, "--overwrite")
    run.call(run.need("torch"), 300, "-m", "cgan_export.cli", *given)
    return {"bytes": run.onnx.stat().st_size}


def reference(run: Run) -> dict[str, Any]:
    """Color the eight photographs by PyTorch on the CPU in float32: what the engine is compared with."""
    return run.ask(run.need("torch"), 120, "reference", run.checkpoint, run.folder)


def build(run: Run) -> dict[str, Any]:
    """Build the engine where it will run; cgan asks its inspector for the precision of each convolution."""
    return run.ask(run.need("tensorrt"), 420, "build", run.onnx)


def parity(run: Run) -> dict[str, Any]:
    """Compare the engine's colors with PyTorch's."""
    if not (run.folder / "reference.npz").is_file():
        raise StepFailed("there is no reference by PyTorch")
    found = run.ask(run.need("tensorrt"), 120, "parity", run.onnx, run.folder)
    if found["largest"] > found["tolerance"]:
        raise StepFailed(f"the largest difference is {found['largest']:.3g}, above {found['tolerance']}")
    return found


def latency(run: Run) -> dict[str, Any]:
    """Time the engine by itself: whole calls, and the GPU's own clock."""
    return run.ask(run.need("tensorrt"), 90, "latency", run.onnx, 50 if run.quick else 500)


def video(run: Run) -> dict[str, Any]:
    """Color the video with the engine, decoded and encoded by the processor."""
    return color(run, "video.mp4")


def video_on_the_gpu(run: Run) -> dict[str, Any]:
    """Color it with NVDEC and NVENC; what does not work is told by cgan's notes, and done by the processor."""
    details = color(run, "video-gpu.mp4", "--hwaccel", "cuda", "--codec", "h264_nvenc")
    return details | {
        "nvdec": "no hardware decoder" not in details["output"],
        "nvenc": "h264_nvenc does not work" not in details["output"],
    }


def color(run: Run, name: str, *options: str) -> dict[str, Any]:
    """Color the video, and return what was printed and the statistics."""
    target, stats = run.folder / name, run.folder / f"{name}.json"
    given = ("--video", run.video, "-o", target, "--model", run.onnx, "--stats", stats, *options)
    output = run.call(run.need("tensorrt"), 120, "-m", "cgan_runtime", *given, "--backend", "tensorrt", "--overwrite")
    if not target.is_file() or not target.stat().st_size:
        raise StepFailed(f"there is no {name}, or it is empty")
    return {"output": output[-_KEPT:], "bytes": target.stat().st_size, "stats": json.loads(stats.read_text("utf-8"))}


def benchmark(run: Run) -> dict[str, Any]:
    """Measure TensorRT and PyTorch in turns, each in its own Python."""
    target, python, other = run.folder / "bench.json", run.need("torch"), run.need("tensorrt")
    wrapper = run.folder / "python-tensorrt"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in other.environment.items()]
    wrapper.write_text("\n".join(["#!/bin/sh", *lines, f'exec {shlex.quote(other.path)} "$@"', ""]), encoding="utf-8")
    wrapper.chmod(0o755)
    given = ("--checkpoint", run.checkpoint, "--model", run.onnx, "--python", f"tensorrt={wrapper}")
    measured = ("--backends", "tensorrt", "--quick") if run.quick else ("--backends", "pytorch,tensorrt")
    output = run.call(python, 240, "-m", "cgan_benchmarks", *given, *measured, "--json", target)
    report: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    if not any(row["backend"].startswith("tensorrt") for row in report["rows"]):
        raise StepFailed(f"the benchmark did not run TensorRT: {report.get('missing')}")
    return {"output": output[-_KEPT:], "report": report}


def gpu_tests(run: Run) -> dict[str, Any]:
    """The tests that are marked `gpu`, in the Python with PyTorch."""
    python = run.need("torch")
    if not python.can("pytest"):
        raise StepFailed(f"pytest is not installed in {python.path}")
    if not python.has.get("cuda"):
        raise StepFailed(f"PyTorch finds no GPU in {python.path}")
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")]
    output = run.call(python, 180, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *files)
    return {"output": output[-_KEPT:]}


STEPS: dict[str, Callable[[Run], dict[str, Any]]] = {  # by name, in their order: they build on each other
    "machine": machine,
    "export": export,
    "reference": reference,
    "build": build,
    "parity": parity,
    "latency": latency,
    "video": video,
    "video-gpu": video_on_the_gpu,
    "benchmark": benchmark,
    "tests": gpu_tests,
}
NEEDED = ("machine",)
"""Steps without which no other is worth a try."""
