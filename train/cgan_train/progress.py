"""A training run on a terminal: the plan, the progress, and what came of it."""

from __future__ import annotations

import contextlib
import os
import sys
import time

import click

from cgan_runtime.callbacks import FractionCallback
from cgan_runtime.console import Console
from cgan_train.checkpoint import has_state
from cgan_train.data.loader import count_skipped
from cgan_train.training.loop import Trainer
from cgan_train.training.plan import time_text
from cgan_train.training.run_log import SKIPPED, EpochReport, TrainingProgress

_MAX_SKIPPED = 10  # images named on the terminal
_STEPS_OF_RATE, _SECONDS_OF_RATE = 10, 15.0  # until the time that is left is told, whichever is over first
_STOPPING = (
    b"\nstopping: the step that is under way is finished and its state kept, a few seconds; again stops at once\n"
)


def train_on_terminal(trainer: Trainer, minutes: float | None, *, quiet: bool) -> None:
    """Train, and report the start, the progress and the end in the main process."""
    is_main = trainer.world.is_main
    console = Console(quiet=quiet or not is_main)
    _print_plan(trainer, console)
    try:
        with console.fraction("training") as show:
            shown = _Shown(trainer, console, show, lines=is_main and not quiet and not sys.stderr.isatty())
            newest = trainer.run(shown.step, minutes=minutes, on_epoch=shown.epoch, on_stop=_say_stopping)
    except (KeyboardInterrupt, SystemExit):
        if is_main:
            kept = f"stopped; go on with --out {trainer.folder} --resume"
            click.echo(kept if has_state(trainer.folder) else "stopped before anything was kept", err=True)
        raise
    if not is_main:
        return
    _print_left_out(trainer)
    result = Console().result  # quiet or not
    if trainer.done:
        result(f"done: {newest}; export it with: cgan-export {newest} -o exported{_generator(trainer)}")
    else:
        result(f"the time is over in epoch {trainer.epoch + 1}; go on with --out {trainer.folder} --resume")


class _Shown:
    """What is printed while a run goes on: a bar on a terminal, lines elsewhere."""

    def __init__(self, trainer: Trainer, console: Console, show: FractionCallback, *, lines: bool) -> None:
        self._trainer, self._console, self._show, self._lines = trainer, console, show, lines
        self._steps, self._rate = 0, 0.0
        self._begun, self._told = time.monotonic(), False

    def step(self, now: TrainingProgress) -> None:
        """Show a step, and once, when the first are done, the time that is left."""
        epochs, plan = self._trainer.config.epochs, self._trainer.plan
        losses = " ".join(f"{name} {value:.4f}" for name, value in now.losses.items())
        text = f"epoch {now.epoch}/{epochs} {now.phase}: {losses}, {now.rate:.3g} images/s"
        self._show((now.epoch - 1 + now.step / now.steps) / epochs, text)
        self._steps, self._rate = self._steps + 1, now.rate
        late = time.monotonic() - self._begun > _SECONDS_OF_RATE
        if not self._told and (late or self._steps == _STEPS_OF_RATE):
            self._told = True
            left = plan.hours_left((now.epoch - 1) * now.steps + now.step, now.rate)
            self._console.note(f"{now.rate:.3g} images/s; about {time_text(left)} left, measuring comes on top")

    def epoch(self, done: EpochReport) -> None:
        """Print a line for a finished epoch, with the quality on the measured images."""
        figures = [f"{name} {value:.4f}" for name, value in done.losses.items()]
        if "ciede2000" in done.metrics:
            gray = done.metrics.get("ciede2000_gray", 0.0)
            figures.append(f"CIEDE2000 {done.metrics['ciede2000']:.2f} (gray {gray:.2f})")
        line = f"epoch {done.epoch}/{self._trainer.config.epochs} {done.phase}: {', '.join(figures)}"
        if self._lines:
            click.echo(f"{line}, {self._rate:.3g} images/s", err=True)
        else:
            self._console.result(line)


def _print_plan(trainer: Trainer, console: Console) -> None:
    config = trainer.config
    epochs = f"{config.epochs} epoch{'s' if config.epochs > 1 else ''}"
    own = f" with {config.generator.file}:{config.generator.name}" if config.generator.file else ""
    where = f"into {trainer.folder}{_position(trainer)}"
    console.result(f"{trainer.images:,} images, {epochs}, recipe {config.recipe}{own}, {where}")
    console.result(trainer.plan.text())
    console.note(f"{trainer.found}; {trainer.folder / SKIPPED} lists what is left out")
    if held_out := trainer.origin.get("held_out"):
        are = "is" if held_out == 1 else "are"
        console.note(f"{held_out} of the images {are} held out to measure on; --val none trains on all")
    missing = [
        phase.name for phase in config.phases if phase.name not in {s.phase.name for s in trainer.plan.stretches}
    ]
    if missing:
        console.note(f"there are fewer steps than phases; left out: {', '.join(missing)}; set more --epochs")


def _print_left_out(trainer: Trainer) -> None:
    for reason in list(trainer.skipped.values())[:_MAX_SKIPPED]:
        click.echo(f"left out: {reason}", err=True)
    if trainer.skipped:
        count = f"left out while training: {count_skipped(trainer.skipped)}"
        click.echo(f"{count}; {trainer.folder / SKIPPED} names them", err=True)
    if small := trainer.enlarged:
        crop = max(stretch.phase.crop for stretch in trainer.plan.stretches)
        click.echo(f"{small} images are smaller than the crops (up to {crop} px) and were enlarged", err=True)


def _generator(trainer: Trainer) -> str:
    config = trainer.config.generator
    return f" --generator {trainer.folder / config.file}:{config.name}" if config.file else ""


def _position(trainer: Trainer) -> str:
    if not trainer.position:
        return ""
    return ", all done before" if trainer.done else f", going on in epoch {trainer.epoch + 1}"


def _say_stopping() -> None:
    """Say what Ctrl-C waits for. A signal may come while Python prints, so it is written past Python's buffers."""
    with contextlib.suppress(OSError):
        os.write(2, _STOPPING)
