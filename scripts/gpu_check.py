"""Checks on a real NVIDIA GPU, in one run: build, parity, latency, videos, benchmark, tests; one JSON and a log.

make gpu-check                                          # with the bundled model and the sample video
python3 scripts/gpu_check.py --minutes 9 --json gpu.json --log gpu.log
python3 scripts/gpu_check.py --carried DIR              # TensorRT and a Python that were brought along

TensorRT and PyTorch may live in two Pythons: the script looks for both, in this one, in .venv, in `--carried` and on
PATH, or takes those that are named. It needs the standard library alone. Each step is a process of its own with a time
limit, and the JSON is written after each, so that a run that is cut off leaves what it has. Exit code 1: a step failed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu.run import ROOT, Run, StepFailed, find_pythons, unpacked
from gpu.steps import NEEDED, STEPS

SHIPPED = ROOT / "train" / "cgan_train" / "checkpoints" / "edge"
LARGEST = 900_000  # bytes of the JSON


def take_steps(run: Run, document: dict[str, Any], target: Path, names: list[str]) -> bool:
    """Take steps, also after one that failed, and write the document after each; whether all passed."""
    for name in names:
        began = time.monotonic()
        run.log.write(f"\n== {name}\n")
        run.notes.clear()
        details: dict[str, Any] = {}
        try:
            details, message = STEPS[name](run), ""
        except (StepFailed, OSError, KeyError, ValueError, IndexError) as error:
            message = str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
        outcome = {"name": name, "passed": not message, "seconds": round(time.monotonic() - began, 1)}
        document["steps"].append(outcome | {"message": message, "notes": list(run.notes), "details": details})
        write(document, target)
        line = f"{name:<10} {outcome['seconds']:>6.1f} s  {'FAILED: ' + message if message else 'passed'}"
        print(line, flush=True)
        run.log.write(f"{line}\n")
        if message and name in NEEDED:
            break
    return all(step["passed"] for step in document["steps"])


def write(document: dict[str, Any], target: Path) -> None:
    """Write the document, complete or not at all; the longest details are left out where it is too large."""
    steps = list(document["steps"])
    while len(text := json.dumps(document | {"steps": steps}, indent=1)) > LARGEST:
        longest = max(range(len(steps)), key=lambda index: len(json.dumps(steps[index])))
        steps[longest] = steps[longest] | {"details": {"left out": "too large; see the log"}}
    draft = target.with_name(f".{target.name}.part")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(target)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("out/gpu-check.json"), help="where the result goes")
    parser.add_argument("--log", type=Path, help="where all output goes; default: beside the result, with .log")
    parser.add_argument("--minutes", type=float, default=10.0, help="for the whole run; default: 10")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help="what is exported")
    parser.add_argument("--video", type=Path, default=ROOT / "samples" / "sample.mp4", help="what is colored")
    parser.add_argument("--python", action="append", default=[], help="a Python to try first; may be given twice")
    parser.add_argument("--carried", type=Path, help="a folder with TensorRT that was brought along, or its parts")
    parser.add_argument("--only", default=",".join(STEPS), help=f"steps, with commas between: {', '.join(STEPS)}")
    parser.add_argument("--patience", type=float, default=1.0, help="factor of each step's limit, for slow machines")
    parser.add_argument("--quick", action="store_true", help="measure for a first impression only")
    return parser.parse_args(words)


def main() -> None:
    """Find the Pythons, take all steps, and write the result."""
    given = parse()
    carried = unpacked(given.carried.resolve()) if given.carried else None
    target, log = given.json.resolve(), (given.log or given.json.with_suffix(".log")).resolve()
    for path in (target, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cgan-gpu-check-") as folder, log.open("w", encoding="utf-8") as out:
        until = time.monotonic() + 60 * given.minutes
        run = Run(
            Path(folder), out, until, given.checkpoint.resolve(), given.video.resolve(), given.quick, given.patience
        )  # fmt: skip
        pythons = find_pythons(run, given.python, carried)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        document: dict[str, Any] = {"format": "cgan-gpu-check", "format_version": 2, "date": now, "passed": False}
        document |= {"pythons": pythons, "steps": []}
        for what, python in (("PyTorch", run.torch), ("TensorRT", run.tensorrt)):
            print(f"{what}: {python.path if python else 'in no Python here'}")
        document["passed"] = take_steps(run, document, target, given.only.split(","))
        write(document, target)
    print(f"the result is {target}, the log {log}")
    sys.exit(0 if document["passed"] else 1)


if __name__ == "__main__":
    main()
