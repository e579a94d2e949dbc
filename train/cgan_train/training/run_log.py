"""What a run tells of itself: its progress, a log as CSV, a summary as PNG, samples, TensorBoard's events.

journal = Journal(Path("runs/x"), tensorboard=True)
journal.step(120, losses)
journal.epoch(3, row, sheet, skipped={}, last=False)
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_train.data.sources import Image
from cgan_train.evaluation.contact_sheet import write_png

LOG = "log.csv"
SUMMARY = "summary.png"
SAMPLES = "samples"
SKIPPED = "skipped.txt"
_EVENTS = "tensorboard"
_STEPS = 20  # between scalars of the losses
_DRAW_SECONDS = 10.0  # between drawings of the summary, which takes longer than an epoch of few images


@dataclass(frozen=True)
class Progress:
    """What is known after a step, for a progress bar.

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


Report = Callable[[Progress], None]


class Journal:
    """The files of one run that are for reading."""

    def __init__(self, folder: Path, *, tensorboard: bool = False) -> None:
        """Begin or go on with a run's files.

        Raises:
            ConfigError: TensorBoard's events cannot be written without tensorboardX.
        """
        self._folder = folder
        self._drawn = time.monotonic()
        self._events: Any = _event_writer(folder / _EVENTS) if tensorboard else None

    def step(self, number: int, losses: Mapping[str, float]) -> None:
        """Tell the smoothed losses after a step of the run."""
        if self._events is not None and number % _STEPS == 0:
            for name, value in losses.items():
                self._events.add_scalar(f"loss/{name}", value, number)

    def epoch(
        self,
        epoch: int,
        row: Mapping[str, Any],
        sheet: Image | None,
        skipped: Mapping[int, str],
        *,
        last: bool,
    ) -> None:
        """Tell of a finished epoch: its row of the log, its samples, and images that were left out.

        The summary is drawn every few seconds, and after the last epoch of the run.

        Raises:
            TrainingError: The files cannot be written.
        """
        with self._translate_errors():
            rows = self._log(row)
            if last or time.monotonic() - self._drawn > _DRAW_SECONDS:
                from cgan_train.training.curves import draw_summary  # matplotlib takes a second to load

                draw_summary(rows, self._folder / SUMMARY)
                self._drawn = time.monotonic()
            if sheet is not None:
                write_png(self._folder / SAMPLES / f"epoch-{epoch:04d}.png", sheet)
            if skipped:
                told = "".join(f"{index}: {reason}\n" for index, reason in sorted(skipped.items()))
                # A name need not be text.
                (self._folder / SKIPPED).write_text(told, encoding="utf-8", errors="backslashreplace")
            self._tell_events(epoch, row, sheet)

    def _tell_events(self, epoch: int, row: Mapping[str, Any], sheet: Image | None) -> None:
        if self._events is not None:
            for name, value in row.items():
                if isinstance(value, float | int) and name != "epoch":
                    self._events.add_scalar(f"epoch/{name}", value, epoch)
            if sheet is not None:
                self._events.add_image("samples", sheet, epoch, dataformats="HWC")
            self._events.flush()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Remove what is half written where the disk is full, and say so."""
        try:
            yield
        except OSError as error:
            for folder in (self._folder, self._folder / SAMPLES):
                for draft in folder.glob(".*.part"):
                    if draft.is_file():
                        draft.unlink()
            raise TrainingError(
                f"the log in {self._folder} cannot be written ({error.strerror}); free some space, then "
                "go on with --resume"
            ) from error

    def _log(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Add a row to the log and return all; a log of an older cgan gets the new columns."""
        path = self._folder / LOG
        rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
        rows = [each for each in rows if each.get("epoch") != str(row["epoch"])]
        rows.append({name: str(value) for name, value in row.items()})
        columns = list(dict.fromkeys(name for each in rows for name in each))
        draft = path.with_name(f".{LOG}.part")
        with draft.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        draft.replace(path)
        return rows


def _event_writer(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ConfigError("--tensorboard needs tensorboardX; run: pip install 'cgan[tensorboard]'") from error
    return SummaryWriter(str(folder))
