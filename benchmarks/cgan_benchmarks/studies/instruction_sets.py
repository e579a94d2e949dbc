"""What one run of the network costs with fewer of the processor's instructions, as older processors have them.

    python -m cgan_benchmarks.studies.instruction_sets --model edge.onnx --model edge-int8.onnx --json sets.json

OpenVINO's kernels are held to an instruction set by `ONEDNN_MAX_CPU_ISA`. Sets and models take turns, each time in a
fresh process with one thread. A set that the processor lacks changes nothing. None but all has bfloat16, which OpenVINO
would take nevertheless, and do slowly or not at all.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine, load_warning
from cgan_benchmarks.machine.process import untuned_environment
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.console import Console, one_line
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

SETS = {"all": None, "AVX-512": "AVX512_CORE", "AVX2": "AVX2", "AVX": "AVX"}  # name: ONEDNN_MAX_CPU_ISA
SIDE, RUNS = 256, 20  # pixels of the input; inferences, of which the median counts
_LIMIT = "ONEDNN_MAX_CPU_ISA"


def run_once(model: Path) -> dict[str, Any]:
    """Core-milliseconds of one run in this process, and what computes: `ms`, `device`."""
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 1, SIDE, SIDE)).astype(np.float32)
    times = []
    precision = "fp32" if _LIMIT in os.environ else "auto"
    with open_backend(model, "openvino", threads=1, precision=precision) as backend:
        backend.infer(lightness)  # makes the kernels
        for _ in range(RUNS):
            began = time.process_time()
            backend.infer(lightness)
            times.append(time.process_time() - began)
        return {"ms": 1e3 * statistics.median(times), "device": backend.device}


def run_apart(model: Path, instructions: str | None) -> dict[str, Any]:
    """The same in a fresh process with no more than these instructions."""
    environment = untuned_environment() | ({_LIMIT: instructions} if instructions else {})
    command = [sys.executable, "-m", "cgan_benchmarks.studies.instruction_sets", "--once", "--model", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise BackendUnavailable(one_line((done.stderr.strip().splitlines() or ["no reason given"])[-1]))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@study_command
@click.option("--model", "models", type=PATH, multiple=True, help="A model file.  [default: the one that ships]")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="Turns of each.")
@click.option("--once", is_flag=True, hidden=True, help="Measure here and print JSON.")
@json_option()
def main(models: tuple[Path, ...], rounds: int, once: bool, json_file: Path | None) -> None:
    """Measure the network with fewer of the processor's instructions, as older processors have them."""
    models = models or (bundled_model(),)
    if once:
        click.echo(json.dumps(run_once(models[0])))
        return
    console, load = Console(), BackgroundLoad()
    taken: dict[tuple[Path, str], list[dict[str, Any]]] = {}
    for turn in range(rounds):
        for model in models:
            for name, instructions in SETS.items():
                console.note(f"{model.name}, {name}, round {turn + 1} of {rounds}")
                taken.setdefault((model, name), []).append(run_apart(model, instructions))
    rows = [
        {
            "model": model.name, "sha256": Manifest.load(model).sha256, "instructions": name,
            "device": runs[0]["device"], "ms": round(statistics.median(run["ms"] for run in runs), 2),
        }
        for (model, name), runs in taken.items()
    ]  # fmt: skip
    print_table(("model", "instructions", "device", "core-ms"), [
        (row["model"], row["instructions"], row["device"], f"{row['ms']:.1f}") for row in rows
    ])  # fmt: skip
    share = load.share()
    if warning := load_warning(share):
        console.warn(warning)
    document = new_document("cgan-instruction-sets", 1, describe_machine(1, share), rounds=rounds, side=SIDE, rows=rows)
    write_document(document, json_file)


if __name__ == "__main__":
    main()
