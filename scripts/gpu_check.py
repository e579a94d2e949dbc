"""Checks on a real NVIDIA GPU, by the commands that a user types; the result is one JSON file.

make gpu-check                                          # with the bundled model and the sample video
.venv/bin/python scripts/gpu_check.py --json gpu.json

It exits with 1 where a check fails or there is no GPU. Every check is also a test with the marker `gpu`
(tests/export/test_gpu_check.py).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_benchmarks.results.document import new_document, write_document
from cgan_runtime.backends.tensorrt.device import Gpu
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.files.cache import cache_folder
from cgan_runtime.manifest import Manifest, sha256_of

ROOT = Path(__file__).parents[1]
NAME = "model"
ENGINE, ONNX = f"{NAME}-fp16.engine", f"{NAME}-fp16.onnx"
SHIPPED = ROOT / "train" / "cgan_train" / "checkpoints" / "edge"


class CheckFailed(Exception):
    """A check failed."""


@dataclass(frozen=True)
class Bench:
    """The inputs of the checks, their folder, and whether speed is measured quickly."""

    folder: Path
    checkpoint: Path
    video: Path
    quick: bool = False


def build_engine(bench: Bench) -> dict[str, Any]:
    """Build the FP16 engine; the command itself asks the inspector and compares with PyTorch."""
    run("cgan_export.cli", bench.checkpoint, "--fp16", "--engine", "--name", NAME, "-o", bench.folder)
    manifest = read(bench.folder / f"{ENGINE}.json")
    if not manifest["parity"]["verified"]:
        raise CheckFailed("the engine was not compared with PyTorch")
    return {"precision": manifest["precision"], "engine": manifest["engine"], "parity": manifest["parity"]}


def compare(bench: Bench) -> dict[str, Any]:
    """Compare the engine, read from its file, with the checkpoint."""
    return {"output": run("cgan_export.cli", "verify", bench.checkpoint, bench.folder / ENGINE).splitlines()}


def colorize_video(bench: Bench) -> dict[str, Any]:
    """Color a video with the engine."""
    stats = bench.folder / "video.json"
    output = color(bench, ENGINE, "video.mp4", "--stats", stats)
    return {"output": output.splitlines(), "stats": read(stats)}


def reuse_engine(bench: Bench) -> dict[str, Any]:
    """Color it from the ONNX file: the first run builds an engine, the second finds it in the cache."""
    seconds, engines = [], []
    for _ in range(2):
        began = time.perf_counter()
        color(bench, ONNX, "again.mp4")
        seconds.append(round(time.perf_counter() - began, 1))
        engines.append(cached_engines(bench.folder / ONNX))
    if not engines[0]:
        raise CheckFailed("the first run left no engine in the cache")
    if engines[1] != engines[0]:
        raise CheckFailed("the second run built the engine again, which was in the cache")
    return {"first_seconds": seconds[0], "second_seconds": seconds[1]}


def measure(bench: Bench) -> dict[str, Any]:
    """Measure every form in TensorRT against PyTorch."""
    target = bench.folder / "bench.json"
    quick = ("--quick",) if bench.quick else ()
    given = ("--checkpoint", bench.checkpoint, "--backends", "tensorrt", "--all", *quick)
    run("cgan_benchmarks.cli", *given, "--json", target)
    report = read(target)
    if not any(row["backend"].startswith("tensorrt") for row in report["rows"]):
        raise CheckFailed("the benchmark did not run TensorRT")
    return report


CHECKS: dict[str, Callable[[Bench], dict[str, Any]]] = {  # by name, in their order: they build on each other
    "engine": build_engine,
    "parity": compare,
    "video": colorize_video,
    "cache": reuse_engine,
    "benchmark": measure,
}


def run(module: str, *arguments: object) -> str:
    """Run a command in a process of its own, and return its output; CheckFailed if it fails."""
    command = [sys.executable, "-c", f"from {module} import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CheckFailed(f"{module.split('.')[0]} left with {done.returncode}: {last}")
    return done.stdout


def cached_engines(onnx: Path) -> dict[str, int]:
    """The engines of an ONNX file in the cache, and when each was written."""
    source = sha256_of(onnx)
    return {
        path.name: path.stat().st_mtime_ns
        for path in (cache_folder() / "engines").glob(f"{onnx.stem}-*.engine")
        if (manifest := Manifest.path_for(path)).is_file() and source in manifest.read_text(encoding="utf-8")
    }


def color(bench: Bench, model: str, name: str, *options: object) -> str:
    """Color the video with TensorRT, and return the command's output; CheckFailed if it wrote no video."""
    target = bench.folder / name
    given = ("--video", bench.video, "-o", target, "--model", bench.folder / model, *options)
    output = run("cgan_runtime.cli", *given, "--backend", "tensorrt", "--overwrite")
    if not target.is_file() or not target.stat().st_size:
        raise CheckFailed(f"there is no {name}, or it is empty")
    return output


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def check_all(bench: Bench) -> list[dict[str, Any]]:
    """Make every check, also after one that failed; the message of an outcome says why it failed."""
    outcomes = []
    for name, check in CHECKS.items():
        began = time.perf_counter()
        try:
            details, message = check(bench), ""
        except (CheckFailed, OSError, KeyError, ValueError) as error:
            details, message = {}, str(error) or type(error).__name__
        outcome = {"name": name, "passed": not message, "seconds": round(time.perf_counter() - began, 1)}
        outcomes.append(outcome | {"message": message, "details": details})
        print(f"{name:<10} {'FAILED: ' + message if message else 'passed'}", flush=True)
    return outcomes


def main() -> None:
    """Make all checks and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("out/gpu-check.json"), help="where the result goes")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help="what is exported")
    parser.add_argument("--video", type=Path, default=ROOT / "samples" / "sample.mp4", help="what is colored")
    parser.add_argument("--quick", action="store_true", help="measure for a first impression only")
    given = parser.parse_args()
    try:
        library = load_library()
        with Gpu() as gpu:
            identity = gpu.identity
    except BackendUnavailable as error:
        print(f"error: nothing was checked, no NVIDIA GPU can be used here: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{identity.gpu}, compute capability {identity.compute_capability}, TensorRT {library.version}")
    with tempfile.TemporaryDirectory(prefix="cgan-gpu-check-") as folder:
        outcomes = check_all(Bench(Path(folder), given.checkpoint, given.video, given.quick))
    document = new_document(
        "cgan-gpu-check", 1, gpu=vars(identity), tensorrt=library.version,
        passed=all(outcome["passed"] for outcome in outcomes), checks=outcomes,
    )  # fmt: skip
    given.json.parent.mkdir(parents=True, exist_ok=True)
    write_document(document, given.json)
    sys.exit(0 if document["passed"] else 1)


if __name__ == "__main__":
    main()
