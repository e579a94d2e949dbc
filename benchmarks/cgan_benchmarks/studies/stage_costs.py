"""What each stage of a video costs: core-milliseconds a frame, at several sizes, beside those of another version.

    python -m cgan_benchmarks.studies.stage_costs --rounds 3 --json costs.json
    python -m cgan_benchmarks.studies.stage_costs --before OTHER/runtime --json costs.json

Versions and sizes take turns, each time in a fresh process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine, load_warning
from cgan_benchmarks.machine.process import untuned_environment
from cgan_benchmarks.options import PATH, OutputFileType, json_option, study_command
from cgan_benchmarks.render.plots import draw_stage_costs
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.video_speed import Size, kept_source
from cgan_benchmarks.video.stages import Costs
from cgan_runtime.console import Console, one_line
from cgan_runtime.errors import MediaError
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

SIZES = {
    "480p": Size(854, 480, 48, 0),
    "1080p": Size(1920, 1080, 24, 0),
    "1080p, easy": Size(1920, 1080, 48, 0, grain=0),
    "2160p": Size(3840, 2160, 12, 0),
}
NOW, BEFORE = "now", "before"


def measure_apart(source: Path, runtime: Path | None) -> Costs:
    """The same in a fresh process, with the package `cgan_runtime` of another folder if one is given."""
    environment = untuned_environment()
    if runtime is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(runtime), environment.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory(prefix="cgan-costs-") as folder:
        command = [sys.executable, "-m", "cgan_benchmarks.video.stages", str(source), str(Path(folder) / "out.mp4")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise MediaError(one_line((done.stderr.strip().splitlines() or ["no reason given"])[-1]))
    costs: Costs = json.loads(done.stdout.splitlines()[-1])
    return costs


def take_turns(
    sources: dict[str, Path], versions: dict[str, Path | None], rounds: int, on_run: Callable[[str], object]
) -> dict[str, dict[str, Costs]]:
    """Medians over the rounds, by size, then by version."""
    runs: dict[str, dict[str, list[Costs]]] = {size: {name: [] for name in versions} for size in sources}
    for turn in range(rounds):
        for size, source in sources.items():
            for name in list(versions)[:: -1 if turn % 2 else 1]:
                on_run(f"{size}, {name}, round {turn + 1} of {rounds}")
                runs[size][name].append(measure_apart(source, versions[name]))
    return {
        size: {
            name: {key: round(statistics.median(run[key] for run in taken), 3) for key in taken[0]}
            for name, taken in each.items()
        }
        for size, each in runs.items()
    }


@study_command
@click.option("--before", type=PATH, help="Folder with the package cgan_runtime of another version.")
@click.option("--videos", "kept", type=PATH, help="Folder where the videos are kept, and used again.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Turns of each.")
@json_option()
@click.option("--image", type=OutputFileType(), help="Draw the bars there, as PNG.")
def main(before: Path | None, kept: Path | None, rounds: int, json_file: Path | None, image: Path | None) -> None:
    """Measure what each stage of a video costs, in core-milliseconds a frame, at 480p, 1080p and 2160p."""
    console, load = Console(), BackgroundLoad()
    versions: dict[str, Path | None] = {NOW: None} if before is None else {BEFORE: before.resolve(), NOW: None}
    with tempfile.TemporaryDirectory(prefix="cgan-costs-") as folder:
        console.note("the videos")
        sources = {name: kept_source(kept or Path(folder), size) for name, size in SIZES.items()}
        found = take_turns(sources, versions, rounds, console.note)
    for size, each in found.items():
        rows = [(name, *(f"{costs[key]:.2f}" for key in costs)) for name, costs in each.items()]
        print_table((size, *each[NOW]), rows)
    share = load.share()
    if warning := load_warning(share):
        console.warn(warning)
    manifest = Manifest.load(bundled_model())
    document = new_document(
        "cgan-stage-costs", 1, describe_machine(1, share), model=manifest.file, sha256=manifest.sha256,
        rounds=rounds, videos=found,
    )  # fmt: skip
    write_document(document, json_file)
    if image is not None:
        draw_stage_costs(document, image)


if __name__ == "__main__":
    main()
