"""What has to be seen on a real NVIDIA GPU, by the commands that a user types; one JSON says what came of it.

make gpu-check                                          # with the model and the video that ship
.venv/bin/python scripts/gpu_check.py --json gpu.json

Leaves with 1 where a check fails, or where there is no GPU to check on. Every check is also a test that is
marked `gpu` (tests/export/test_gpu_check.py).
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cgan_runtime import __version__
from cgan_runtime.backends.tensorrt.device import Gpu
from cgan_runtime.backends.tensorrt.engines import cache_folder
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.manifest import Manifest, sha256_of

ROOT = Path(__file__).parents[1]
FORMAT, FORMAT_VERSION = "cgan-gpu-check", 1
NAME = "model"
ENGINE, ONNX = f"{NAME}-fp16.engine", f"{NAME}-fp16.onnx"
SHIPPED = ROOT / "train" / "cgan_train" / "checkpoints" / "edge"


class CheckFailed(Exception):
    """A check did not find what it must."""


@dataclass(frozen=True)
class Bench:
    """What the checks work on and where; and whether a first impression of speed will do."""

    folder: Path
    checkpoint: Path
    video: Path
    quick: bool = False


@dataclass
class Outcome:
    """What came of a check."""

    name: str
    passed: bool
    seconds: float
    said: str
    details: dict[str, Any] = field(default_factory=dict)


def build_engine(bench: Bench) -> dict[str, Any]:
    """Builds the FP16 engine; the command itself asks the inspector and compares with PyTorch."""
    run("cgan_export.cli", bench.checkpoint, "--fp16", "--engine", "--name", NAME, "-o", bench.folder)
    manifest = read(bench.folder / f"{ENGINE}.json")
    if not manifest["parity"]["verified"]:
        raise CheckFailed("the engine was not compared with PyTorch")
    return {"precision": manifest["precision"], "engine": manifest["engine"], "parity": manifest["parity"]}


def compare(bench: Bench) -> dict[str, Any]:
    """Compares the engine, read from its file, with the checkpoint."""
    return {"said": run("cgan_export.cli", "verify", bench.checkpoint, bench.folder / ENGINE).splitlines()}


def colorize_video(bench: Bench) -> dict[str, Any]:
    """Colors a video with the engine."""
    target, stats = bench.folder / "video.mp4", bench.folder / "video.json"
    given = ("--video", bench.video, "-o", target, "--model", bench.folder / ENGINE, "--stats", stats)
    said = run("cgan_runtime.cli", *given, "--backend", "tensorrt", "--overwrite")
    check_video(target)
    return {"said": said.splitlines(), "stats": read(stats)}


def reuse_engine(bench: Bench) -> dict[str, Any]:
    """Colors it from the ONNX file: its engine is built for the cache, and found there the next time."""
    target = bench.folder / "again.mp4"
    given = ("--video", bench.video, "-o", target, "--model", bench.folder / ONNX)
    seconds, engines = [], []
    for _ in range(2):
        began = time.perf_counter()
        run("cgan_runtime.cli", *given, "--backend", "tensorrt", "--overwrite")
        seconds.append(round(time.perf_counter() - began, 1))
        check_video(target)
        engines.append(cached_engines(bench.folder / ONNX))
    if not engines[0]:
        raise CheckFailed("the first run left no engine in the cache")
    if engines[1] != engines[0]:
        raise CheckFailed("the second run built the engine again, which lay in the cache")
    return {"first_seconds": seconds[0], "second_seconds": seconds[1]}


def measure(bench: Bench) -> dict[str, Any]:
    """Measures every form in TensorRT against PyTorch."""
    target = bench.folder / "bench.json"
    quick = ("--quick",) if bench.quick else ()
    given = ("--checkpoint", bench.checkpoint, "--backends", "tensorrt", *quick)
    run("cgan_benchmarks.cli", *given, "--json", target)
    report = read(target)
    if not any(row["backend"].startswith("tensorrt") for row in report["rows"]):
        raise CheckFailed("the benchmark did not run TensorRT")
    return report


CHECKS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "engine": build_engine,
    "parity": compare,
    "video": colorize_video,
    "cache": reuse_engine,
    "benchmark": measure,
}
"""By name, in the order in which they need each other."""


def run(module: str, *arguments: object) -> str:
    """Run a command as a user does, in a process of its own, and return what it printed.

    Raises:
        CheckFailed: It left with something else than 0.
    """
    command = [sys.executable, "-c", f"from {module} import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise CheckFailed(f"{module.split('.')[0]} left with {done.returncode}: {last}")
    return done.stdout


def cached_engines(onnx: Path) -> dict[str, int]:
    """The engines of an ONNX file that lie in the cache, and when each was written."""
    made_of = sha256_of(onnx)
    return {
        path.name: path.stat().st_mtime_ns
        for path in (cache_folder() / "engines").glob(f"{onnx.stem}-*.engine")
        if (manifest := Manifest.path_for(path)).is_file() and made_of in manifest.read_text(encoding="utf-8")
    }


def check_video(path: Path) -> None:
    """A command that left with 0 must have made its video.

    Raises:
        CheckFailed: There is none, or it is empty.
    """
    if not path.is_file() or not path.stat().st_size:
        raise CheckFailed(f"there is no {path.name}, or it is empty")


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def check_all(bench: Bench) -> list[Outcome]:
    """Make every check; one that fails does not keep the next from being made."""
    outcomes = []
    for name, check in CHECKS.items():
        began = time.perf_counter()
        try:
            details, said = check(bench), ""
        except (CheckFailed, OSError, KeyError, ValueError) as error:
            details, said = {}, f"{type(error).__name__}: {error}" if not str(error) else str(error)
        passed = not said
        outcomes.append(Outcome(name, passed, round(time.perf_counter() - began, 1), said, details))
        print(f"{name:<10} {'passed' if passed else 'FAILED: ' + said}", flush=True)
    return outcomes


def main() -> None:
    """Check, write the JSON, tell."""
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
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "gpu": vars(identity),
        "tensorrt": library.version,
        "passed": all(outcome.passed for outcome in outcomes),
        "checks": [vars(outcome) for outcome in outcomes],
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"written to {given.json}")
    sys.exit(0 if document["passed"] else 1)


if __name__ == "__main__":
    main()
