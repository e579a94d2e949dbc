"""Training speed of `edge` on photos, its first five blocks frozen: this version beside another one, in turns.

    python -m cgan_benchmarks.studies.photo_training --data photos.tar --before OTHER/train --json photo-training.json

Each turn is fresh processes that train on crops of the same photos: one with all threads, or one for each thread, as
torchrun starts them. This version decodes the photos once, into a folder; one from before that could do so decodes
them in every epoch. The loader alone is timed, too.
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
from cgan_train.training.distributed import join, leave
from cgan_train.training.gan import Gan

NOW, BEFORE, APART = "now", "before", "now, a process for each thread"
FROZEN = 5  # blocks of the encoder
_CROP = 128  # px
_WARM_UP = 2  # steps
_LOADED = 20  # batches of the loader alone


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
    versions = ({} if before is None else {BEFORE: before.resolve()}) | {NOW: None, APART: None}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory(prefix="cgan-photos-") as folder:
        for turn in range(rounds):
            for name in list(versions)[:: -1 if turn % 2 else 1]:
                decoded = None if name == BEFORE else Path(folder)
                call = (
                    f"measure({str(data)!r}, {decoded and str(decoded)!r}, {steps}, {1 if name == APART else threads})"
                )
                found[name].append(_apart(versions[name], call, threads if name == APART else 1))
    rows = [
        {"version": name, **{key: statistics.median(turn[key] for turn in turns) for key in turns[0]}}
        for name, turns in found.items()
    ]
    for row in rows:
        click.echo(
            f"{row['version']}: {row['pictures_per_second']:.1f} pictures/s; "
            f"the loader alone: {row['loaded_per_second']:.0f}"
        )
    share = load.share()
    if warning := load_warning(share):
        Console().warn(warning)
    batch = recipe("edge").batch_size
    document = new_document(
        "cgan-photo-training", 1, describe_machine(threads, share), rounds=rounds, steps=steps, batch_size=batch,
        frozen_blocks=FROZEN, rows=rows,
    )  # fmt: skip
    write_document(document, json_file)


def _apart(train: Path | None, call: str, processes: int) -> dict[str, float]:
    """A call of `measure` in fresh processes, with the package `cgan_train` of another folder if one is given."""
    environment = untuned_environment()
    if train is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(train), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", f"from cgan_benchmarks.studies.photo_training import measure; {call}"]
    if processes > 1:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command = [*launcher, "--no-python", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise TrainingError(one_line((done.stderr.strip().splitlines() or ["no reason given"])[-1]))
    figures: dict[str, float] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return figures


def measure(data: str, decoded: str | None, steps: int, threads: int) -> None:
    """Train a few steps, and print as JSON how many pictures a second, and where a step's milliseconds went."""
    torch.set_num_threads(threads)
    config = recipe("edge", encoder_weights="none")
    phase = dataclasses.replace(config.phases[2], crop=_CROP, frozen_blocks=FROZEN)
    source: Any = open_photos(Path(data))
    if decoded is not None:
        from cgan_train.data.decoded import decoded_photos

        source = decoded_photos(source, Path(decoded), threads=threads)
    world = join()
    part = (world.rank, world.size)
    loader = Loader(source, config.batch_size, config.augmentation, config.seed, part=part)
    batches = (rgb for epoch in itertools.count() for rgb in loader.epoch(epoch, phase.crop))
    gan = Gan(config, world)
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
    begun = time.perf_counter()
    loaded = sum(len(next(batches)) for _ in range(_LOADED))
    alone = world.size * loaded / (time.perf_counter() - begun)
    seconds = statistics.median(taken[_WARM_UP:])
    if world.is_main:
        figures = {
            "pictures_per_second": config.batch_size / seconds,
            "step_ms": 1000 * seconds,
            "waiting_ms": 1000 * statistics.median(waited[_WARM_UP:]),
            "loaded_per_second": alone,
        }
        print(json.dumps(figures), flush=True)
    leave(world)


if __name__ == "__main__":
    main()
