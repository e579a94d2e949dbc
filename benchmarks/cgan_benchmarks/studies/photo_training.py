"""Training speed of `edge` on photos, its first five blocks frozen: this version beside another one, in turns.

    python -m cgan_benchmarks.studies.photo_training --data photos.tar --before OTHER/train --json photo-training.json

Each turn is a fresh process that trains on crops of the same photos. This version decodes them once, into a folder;
a version from before that could do so decodes them in every epoch.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import torch

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine, load_warning
from cgan_benchmarks.machine.process import untuned_environment
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.results.document import new_document, write_document
from cgan_runtime.console import Console, one_line
from cgan_runtime.errors import TrainingError
from cgan_train.config.recipes import recipe
from cgan_train.data.loader import Loader
from cgan_train.data.sources import open_photos
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan

NOW, BEFORE = "now", "before"
FROZEN = 5  # blocks of the encoder
_WARM_UP = 2  # steps


@study_command
@click.option("--data", type=PATH, required=True, help="Photos: a folder or a tar.")
@click.option("--before", type=PATH, help="Folder with the package cgan_train of another version.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="Turns of each version.")
@click.option("--steps", type=click.IntRange(min=1), default=12, help="Steps of a turn.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads.")
@json_option()
def main(data: Path, before: Path | None, rounds: int, steps: int, threads: int, json_file: Path | None) -> None:
    """Time steps of training on photos in both versions in turns, and print pictures per second."""
    load = BackgroundLoad()
    versions = {NOW: None} if before is None else {BEFORE: before.resolve(), NOW: None}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory(prefix="cgan-photos-") as folder:
        for turn in range(rounds):
            for name in list(versions)[:: -1 if turn % 2 else 1]:
                decoded = Path(folder) if name == NOW else None
                found[name].append(_apart(versions[name], data, decoded, steps, threads))
    rows = [
        {"version": name, **{key: statistics.median(turn[key] for turn in turns) for key in turns[0]}}
        for name, turns in found.items()
    ]
    for row in rows:
        click.echo(f"{row['version']}: {row['pictures_per_second']:.1f} pictures/s")
    share = load.share()
    if warning := load_warning(share):
        Console().warn(warning)
    batch = recipe("edge").batch_size
    document = new_document(
        "cgan-photo-training", 1, describe_machine(threads, share), rounds=rounds, steps=steps, batch_size=batch,
        frozen_blocks=FROZEN, rows=rows,
    )  # fmt: skip
    write_document(document, json_file)


def _apart(train: Path | None, data: Path, decoded: Path | None, steps: int, threads: int) -> dict[str, float]:
    """`measure` in a fresh process, with the package `cgan_train` of another folder if one is given."""
    environment = untuned_environment()
    if train is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(train), environment.get("PYTHONPATH", "")])
    call = f"measure({str(data)!r}, {decoded and str(decoded)!r}, {steps}, {threads})"
    command = [sys.executable, "-c", f"from {__spec__.name} import measure; {call}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise TrainingError(one_line((done.stderr.strip().splitlines() or ["no reason given"])[-1]))
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(data: str, decoded: str | None, steps: int, threads: int) -> None:
    """Train a few steps, and print as JSON how many pictures a second, and where a step's milliseconds went."""
    torch.set_num_threads(threads)
    config = recipe("edge", encoder_weights="none")
    phase = dataclasses.replace(config.phases[2], crop=128, frozen_blocks=FROZEN)
    source: Any = open_photos(Path(data))
    if decoded is not None:
        from cgan_train.data.decoded import decoded_photos

        source = decoded_photos(source, Path(decoded), threads=threads)
    loader = Loader(source, config.batch_size, config.augmentation, config.seed)
    batches = (rgb for epoch in itertools.count() for rgb in loader.epoch(epoch, phase.crop))
    gan = Gan(config, World())
    gan.enter(phase, scratch=False)
    gan.set_rate(phase, 0, 1)
    waited, taken = [], []
    for number in range(_WARM_UP + steps):
        begun = time.perf_counter()
        rgb = next(batches)
        got = time.perf_counter()
        gan.step(phase, rgb, number=number)
        waited.append(got - begun)
        taken.append(time.perf_counter() - begun)
    seconds = statistics.median(taken[_WARM_UP:])
    print(
        json.dumps(
            {
                "pictures_per_second": config.batch_size / seconds,
                "step_ms": 1000 * seconds,
                "waiting_ms": 1000 * statistics.median(waited[_WARM_UP:]),
            }
        )
    )


if __name__ == "__main__":
    main()
