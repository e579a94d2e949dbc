"""The files of a run that people read: log as CSV, summary and samples as PNG, events for TensorBoard.

log = RunLog(Path("runs/x"), tensorboard=True)
log.step(120, losses)
log.epoch(3, row, sheet, skipped={}, last=False)
"""

from __future__ import annotations

import csv
import io
import math
import operator
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_runtime.files.atomic import write_file
from cgan_train.data.sources import Image
from cgan_train.evaluation.contact_sheet import write_png

LOG = "log.csv"
SUMMARY = "summary.png"
SAMPLES = "samples"
SKIPPED = "skipped.txt"
_EVENTS = "tensorboard"
_POSITION = re.compile(r"\.(\d{6})-(\d{9})$")  # at the end of the name of a file of events
_LOSS_STEPS = 20  # between points of TensorBoard's curves
_DRAW_SECONDS = 10.0  # between drawings of the summary, which may take longer than an epoch


@dataclass(frozen=True)
class TrainingProgress:
    """Where a run is after a step.

    Attributes:
        epoch: Counted from 1.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        phase: Name of the phase.
        losses: Smoothed losses by name.
        rate: Images per second in this epoch.
    """

    epoch: int
    step: int
    steps: int
    phase: str
    losses: dict[str, float]
    rate: float


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch, for a hook that keeps it elsewhere.

    Attributes:
        epoch: Counted from 1.
        phase: Name of the phase.
        losses: Smoothed losses by name.
        metrics: Measured quality by name; empty without validation images.
        row: The row of `log.csv`, all of this by one name each.
        folder: The epoch's checkpoint.
    """

    epoch: int
    phase: str
    losses: dict[str, float]
    metrics: dict[str, float]
    row: dict[str, Any]
    folder: Path


TrainingCallback = Callable[[TrainingProgress], None]
EpochCallback = Callable[[EpochReport], object]


class RunLog:
    """Writes the files; each appears under its name only when complete."""

    def __init__(
        self, folder: Path, *, tensorboard: bool = False, found: str = "", left_out: Mapping[str, str] = {}
    ) -> None:
        """Start or continue a run's files.

        Args:
            folder: The run's.
            tensorboard: Write events for TensorBoard.
            found: First line of the list of what is left out.
            left_out: Files that are not trained on: name to reason.

        Raises:
            ConfigError: TensorBoard's events cannot be written without tensorboardX.
        """
        self._folder = folder
        self._left_out = [found, *(f"{name}: {reason}" for name, reason in sorted(left_out.items()))]
        self._drawn = time.monotonic()
        self._writer = _event_writer() if tensorboard else None
        self._events: list[Callable[[Any], object]] = []  # not written yet

    def step(self, number: int, losses: Mapping[str, float]) -> None:
        """Log the smoothed losses after a step of the run; see `write_events`."""
        if number % _LOSS_STEPS == 0:
            for name, value in losses.items():
                self._add_scalar(f"loss/{name}", value, number)

    def epoch(
        self, epoch: int, row: Mapping[str, Any], sheet: Image | None, skipped: Mapping[int, str], *,
        last: bool,
    ) -> None:  # fmt: skip
        """Log a finished epoch, counted from 1: its row, a contact sheet, and the images left out so far.

        The summary is drawn every few seconds, and after the `last` epoch.

        Raises:
            TrainingError: The files cannot be written.
        """
        try:
            rows = self._add_row(row)
            if last or time.monotonic() - self._drawn > _DRAW_SECONDS:
                from cgan_train.training.curves import draw_summary  # matplotlib takes a second to load

                draw_summary(rows, self._folder / SUMMARY)
                self._drawn = time.monotonic()
            if sheet is not None:
                write_png(self._folder / SAMPLES / f"epoch-{epoch:04d}.png", sheet)
            self.list_skipped(skipped)
            for name, value in row.items():
                if isinstance(value, float | int) and name != "epoch":
                    self._add_scalar(f"epoch/{name}", value, epoch)
            if sheet is not None:
                self._add_event("add_image", "samples", sheet, epoch, dataformats="HWC")
            self.write_events(epoch)
        except OSError as error:
            raise TrainingError(
                f"the log in {self._folder} cannot be written ({error.strerror}); free some space, then "
                "go on with --resume"
            ) from error

    def list_skipped(self, skipped: Mapping[int, str]) -> None:
        """Write what is left out: what was known before, and images that could not be used, by index."""
        lines = [*self._left_out, *(f"image {index}: {reason}" for index, reason in sorted(skipped.items()))]
        write_file(self._folder / SKIPPED, "\n".join(lines) + "\n")

    def write_events(self, epoch: int, step: int = 0) -> None:
        """Write the events since the last call, before the checkpoint of this position in the run is written.

        They are a file of their own, named after the position: see `rewind`.
        """
        if self._writer is not None and self._events:
            with self._writer(str(self._folder / _EVENTS), filename_suffix=f".{epoch:06d}-{step:09d}") as out:
                for add in self._events:
                    add(out)
            self._events.clear()

    def rewind(self, epoch: int, step: int) -> None:
        """Remove events after a position in the run: a run that was killed comes to these steps again."""
        for path in (self._folder / _EVENTS).glob("events.*"):
            found = _POSITION.search(path.name)
            if found and tuple(map(int, found.groups())) > (epoch, step):
                path.unlink()

    def _add_scalar(self, name: str, value: float, step: int) -> None:
        if math.isfinite(value):
            self._add_event("add_scalar", name, value, step)

    def _add_event(self, method: str, *args: Any, **options: Any) -> None:
        """Keep an event, which happens now, until it is written."""
        if self._writer is not None:
            self._events.append(operator.methodcaller(method, *args, **options, walltime=time.time()))

    def _add_row(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Add a row to the log and return all rows. A column begins with its first figure; none is empty."""
        path = self._folder / LOG
        rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
        rows = [each for each in rows if each.get("epoch") != str(row["epoch"])]
        rows.append({name: str(value) for name, value in row.items()})
        content = io.StringIO(newline="")
        columns = list(dict.fromkeys(name for each in rows for name, value in each.items() if value))
        writer = csv.DictWriter(content, fieldnames=columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        write_file(path, content.getvalue())
        return rows


def _event_writer() -> Any:
    """The class that writes events to a file; its `with` block ends when all are there."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ConfigError("--tensorboard needs tensorboardX; run: pip install 'cgan[tensorboard]'") from error
    return SummaryWriter
