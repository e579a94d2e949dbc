"""The paper's table on CIFAR-10: trains its recipes step by step and measures them on the test split.

    make paper-table DATA=cifar-10-batches-py MINUTES=60          # may be repeated; it resumes
    python -m cgan_benchmarks.studies.paper_table --data cifar-10-batches-py

The recipe with the fewest epochs is trained next, one epoch at a time, so that the rows have equally many.
The runs are kept in a folder of the user's. Each is measured after each of its first epochs, later after
every tenth and where this command ends. The table keeps rows of another machine with more epochs.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import click
import torch

from cgan_benchmarks.machine.describe import device_name
from cgan_benchmarks.options import PATH, OutputFileType, json_option, study_command
from cgan_benchmarks.quality.report import REMARK, REPORTED
from cgan_benchmarks.render.plots import draw_paper_curve
from cgan_benchmarks.results.document import new_document, now, write_document
from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.files.atomic import write_file
from cgan_train.checkpoint import has_state, load_state, newest_state
from cgan_train.config.recipes import recipe
from cgan_train.data.sources import Image, ImageSource, open_sources, open_validation
from cgan_train.evaluation.contact_sheet import predictor
from cgan_train.evaluation.metrics import Array, recolor
from cgan_train.evaluation.quality import measure_each
from cgan_train.models.base import Generator
from cgan_train.training.loop import Trainer

FORMAT = "cgan-paper-table"
FORMAT_VERSION = 3  # a row's devices are all that trained it
RECIPES = ("paper", "paper-unet", "seed")
EQUAL = RECIPES[:2]  # the rows that are compared have the same number of epochs

_WHOLE_RUN = 200  # epochs
_CURVE = "curve.json"
_SIDE = 32  # px
_BATCH = 64  # images measured at once
_EVERY = 10  # within an epoch every so many images of the test split are measured
_DENSE = 12  # first epochs, after each of which the run is measured
_SPARSE = 10  # epochs between later measurements

_RandomState: TypeAlias = "tuple[torch.Tensor, list[torch.Tensor]]"  # of PyTorch on the host and on each GPU


def default_state() -> Path:
    """The default folder of the runs (XDG base directory specification)."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "cgan" / "paper-table"


@study_command
@click.option("--data", type=PATH, required=True, help="CIFAR-10: cifar-10-batches-py or its tar.gz.")
@click.option("--minutes", type=click.FloatRange(min=0), default=60.0, help="Of training; 0 only measures.")
@click.option("--epochs", type=click.IntRange(min=1), default=_WHOLE_RUN, help="Of each run.")
@click.option("--recipes", multiple=True, type=click.Choice(RECIPES), default=RECIPES, help="What to train.")
@click.option("--state", type=PATH, help="Folder of the runs.  [default: cgan/paper-table in the user's]")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]")
@json_option("Write the table there; rows with more epochs in that file are kept.")
@click.option("--image", type=OutputFileType(), help="Draw the curve of MAE over epochs there, as PNG.")
def main(
    data: Path, minutes: float, epochs: int, recipes: tuple[str, ...], state: Path | None,
    threads: int | None, json_file: Path | None, image: Path | None,
) -> None:  # fmt: skip
    """Train the paper's recipes on CIFAR-10 for some minutes more, measure them, and write the table."""
    if threads:
        torch.set_num_threads(threads)
    state = state or default_state()
    source, _ = open_sources([data])
    test = open_validation(data)
    images = [test.read(index) for index in range(len(test))]
    until = time.monotonic() + 60 * minutes
    trainers: dict[str, Trainer] = {}
    random_states: dict[str, _RandomState] = {}
    done = {name: epochs_done(state / name) for name in recipes}
    while (left := until - time.monotonic()) > 0 and (name := next_recipe(done, epochs)) is not None:
        with _own_random_state(random_states, name):
            if name not in trainers:
                trainers[name] = _open_trainer(state / name, name, epochs, source)
            trainer = trainers[name]
            trainer.run(lambda _: None, minutes=left / 60, epochs=1)
        done[name] = trainer.position
        if trainer.epoch <= _DENSE or trainer.epoch % _SPARSE == 0:
            _measure(trainer, name, images)
        else:
            click.echo(f"{name}: epoch {trainer.position:.2f}", err=True)
    for name in recipes:
        measured = max((point["epochs"] for point in read_curve(state / name)), default=0.0)
        if round(done[name], 3) > measured:
            _measure(trainers.get(name) or Trainer.resume(state / name, source), name, images)
    document = make_table(state, _read_table(json_file))
    for row in document["rows"]:
        click.echo(f"{row['recipe']}: {row['epochs']:g} epochs, MAE {row['as_predicted']['mae']:.2f} %")
    if not document["rows"]:
        click.echo(f"no epoch of {' and '.join(EQUAL)} is done yet; run it again")
    write_document(document, json_file)
    if image is not None and any(document["curves"].values()):
        draw_paper_curve(document, image)


def next_recipe(done: dict[str, float], epochs: int) -> str | None:
    """The recipe with the fewest epochs, the first of several; None where all are done."""
    name = min(done, key=lambda each: done[each])
    return name if done[name] < epochs else None


def epochs_done(run: Path) -> float:
    """The epochs that a run has done, with fractions; 0 if it has not begun."""
    try:
        _, _, training = load_state(newest_state(run))
    except ModelFileError:
        return 0.0
    steps: int = training["images_per_epoch"] // training["config"]["batch_size"]
    return float(training["epochs_done"]) + float(training.get("steps_done", 0)) / steps


@contextmanager
def _own_random_state(states: dict[str, _RandomState], name: str) -> Iterator[None]:
    """Give each run a random state of its own: dropout draws from the one state of PyTorch."""
    gpu = torch.cuda.is_available()
    if name in states:
        torch.set_rng_state(states[name][0])
        if gpu:
            torch.cuda.set_rng_state_all(states[name][1])
    yield
    states[name] = torch.get_rng_state(), torch.cuda.get_rng_state_all() if gpu else []


def _open_trainer(run: Path, name: str, epochs: int, source: ImageSource) -> Trainer:
    """Start or resume a recipe's run. Raises ConfigError where the existing run is one of fewer epochs."""
    if not has_state(run):
        return Trainer.start(recipe(name, epochs=epochs), source, run)
    trainer = Trainer.resume(run, source)
    if trainer.config.epochs < epochs:
        raise ConfigError(
            f"the run in {run} is one of {trainer.config.epochs} epochs; give no more with --epochs, or another --state"
        )
    return trainer


def _measure(trainer: Trainer, name: str, images: Sequence[Image]) -> None:
    """Add a point to the curve: of all images at the end of an epoch, of some of them within one."""
    whole = trainer.step == 0
    found = measure_both(trainer.generator(), images if whole else images[::_EVERY])
    point = {
        "epochs": round(trainer.position, 3),
        "minutes": round(trainer.minutes, 1),
        "device": device_name(),
        "threads": None if torch.cuda.is_available() else torch.get_num_threads(),
        "torch": torch.__version__,
        "whole": whole,
        "date": now(),
    } | found
    write_file(trainer.folder / _CURVE, json.dumps([*read_curve(trainer.folder), point]))
    click.echo(f"{name}: epoch {point['epochs']:.2f}, MAE {found['as_predicted']['mae']:.2f} %", err=True)


def measure_both(generator: Generator, images: Sequence[Image]) -> dict[str, dict[str, float]]:
    """Quality with the predicted lightness, as in the paper, and with the image's own, as in cgan."""
    generator.to("cuda" if torch.cuda.is_available() else "cpu")
    predict = predictor(generator, generator.predict)

    def color(lab: Array) -> list[Array]:
        predicted = recolor(predict, lab)
        own = predicted.copy()
        own[..., 0] = lab[..., 0]
        return [predicted, own]

    predicted, own = measure_each(color, images, _SIDE, batch=_BATCH)
    return {"as_predicted": dataclasses.asdict(predicted), "own_lightness": dataclasses.asdict(own)}


def make_table(state: Path, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The rows and their curves; rows of `before`, an earlier table, are kept where they have more epochs."""
    points = {name: {point["epochs"]: point for point in read_curve(state / name)} for name in RECIPES}
    whole = {name: {at for at, point in found.items() if point["whole"]} for name, found in points.items()}
    # Before both have finished an epoch: a point within one at which both were measured.
    shared = _common(whole) or _common(points)
    at = {name: max(shared, default=None) if name in EQUAL else max(whole[name], default=None) for name in RECIPES}
    rows: dict[str, dict[str, Any]] = {
        name: {"recipe": name, "date": now()}
        | points[name][epoch]
        | {"devices": _devices(point for passed, point in points[name].items() if passed <= epoch)}
        for name, epoch in at.items()
        if epoch is not None
    }
    curves = {
        name: [[epoch, round(point["as_predicted"]["mae"], 4)] for epoch, point in found.items()]
        for name, found in points.items()
    }
    before = before or {"rows": [], "mae_gray": None}
    for row in before["rows"]:
        name = row["recipe"]
        if name not in rows or rows[name]["epochs"] < row["epochs"]:
            rows[name], curves[name] = row, before["curves"][name]
    mae_gray = (point["as_predicted"]["mae_gray"] for found in points.values() for point in found.values())
    return new_document(
        FORMAT,
        FORMAT_VERSION,
        epochs_of_the_paper=_WHOLE_RUN,
        rows=[rows[name] for name in RECIPES if name in rows],
        reported=[dataclasses.asdict(row) for row in REPORTED if row.recipe in RECIPES],
        remark=REMARK,
        mae_gray=next(mae_gray, before["mae_gray"]),
        curves=curves,
    )


def _devices(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The devices that trained a run, in their order; a processor with its threads."""
    found = [{"device": point["device"], "threads": point["threads"]} for point in points]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def _read_table(path: Path | None) -> dict[str, Any] | None:
    """The table in a file; None where the file has none of this format."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8")) if path is not None else None
    except (OSError, ValueError):
        return None
    form = (document.get("format"), document.get("format_version")) if isinstance(document, dict) else None
    return document if form == (FORMAT, FORMAT_VERSION) else None


def _common(epochs: Mapping[str, Iterable[float]]) -> set[float]:
    """The epochs at which all compared recipes were measured."""
    return set.intersection(*(set(epochs[name]) for name in EQUAL))


def read_curve(run: Path) -> list[dict[str, Any]]:
    """All points that were measured of a run."""
    path = run / _CURVE
    curve: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return curve


if __name__ == "__main__":
    main()
