"""The training loop: phases of regression and of the conditional GAN.

    Trainer.start(config, source, Path("runs/x")).run(progress)
    Trainer.resume(Path("runs/x"), source).run(progress)

At the end of each epoch a checkpoint is written, and within one the run's state every ten minutes; a run that
was stopped or killed goes on from the newest of them as if it had not been.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_runtime.files.locks import FileLock
from cgan_runtime.system.cpu import usable_cores
from cgan_train.checkpoint import (
    UNFINISHED,
    drop_unfinished,
    epochs_in,
    has_state,
    load_checkpoint,
    load_state,
    newest_state,
    save_checkpoint,
)
from cgan_train.config.schema import Phase, TrainConfig
from cgan_train.data.loader import READERS, Loader
from cgan_train.data.sources import Image, Source
from cgan_train.evaluation.contact_sheet import measure_generator
from cgan_train.evaluation.metrics import Quality
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.training.distributed import World, any_of, join, merged, wait_for_all
from cgan_train.training.gan import LOSSES, Gan
from cgan_train.training.run_log import Journal, Progress, Report
from cgan_train.training.signals import stop_request

_KEEP = 3  # checkpoints
_SAVE_SECONDS = 600.0  # between states within an epoch
_SMOOTHING = 0.98  # of the losses that the progress bar shows


class Trainer:
    """One run: its networks, where it stands, and where it is written."""

    def __init__(
        self, config: TrainConfig, source: Source, folder: Path, images: Sequence[Image] = (), *,
        world: World | None = None, tensorboard: bool = False,
    ) -> None:  # fmt: skip
        self.config = config
        self.folder = folder
        self.epoch = 0
        self.step = 0
        self._world = world or join()
        self._images = list(images)
        self._gan = Gan(config, self._world)
        self._check_crops()
        self._loader = Loader(
            source, config.batch_size, config.augmentation, config.seed, sampling=config.sampling,
            threads=_readers(self._world), device=self._world.device,
            part=(self._world.rank, self._world.size),
        )  # fmt: skip
        self._journal = Journal(folder, tensorboard=tensorboard and self._world.first)
        self._data = source.fingerprint()
        self._losses: dict[str, float] = {}
        self._seconds = 0.0
        self._metrics: dict[str, float] = {}
        self._before: dict[str, Any] = {}
        self._entered: Phase | None = None

    @classmethod
    def start(
        cls, config: TrainConfig, source: Source, folder: Path, images: Sequence[Image] = (), *,
        init: Path | None = None, world: World | None = None, tensorboard: bool = False,
    ) -> Trainer:  # fmt: skip
        """Begin a run in a new folder; `init` gives the generator the weights of a checkpoint.

        What `world` leaves out is found out: GPU or CPU, alone or started by torchrun.

        Raises:
            ConfigError: The folder holds a run already or is none, or `init` is another generator.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file; give the folder of a run with --out")
        if list(folder.glob("epoch-*")) or (folder / UNFINISHED).exists() or has_state(folder):
            raise ConfigError(f"{folder} holds a run already; go on with --resume, or give another --out")
        trainer = cls(config, source, folder, images, world=world, tensorboard=tensorboard)
        generator = trainer._gan.generator
        if init is not None:
            checkpoint = load_checkpoint(init)
            if (theirs := checkpoint.config.weights) != (ours := config.generator.weights):
                raise ConfigError(
                    f"{init} is {theirs}, the recipe wants {ours}; take --recipe {checkpoint.recipe}, or "
                    "--set generator.widths and --channels to what it has"
                )
            generator.load_state_dict(checkpoint.generator.state_dict())
            trainer._before = checkpoint.training
        elif config.encoder_weights == "imagenet":
            load = getattr(getattr(generator, "encoder", None), "load_imagenet", None)
            if load is None:
                raise ConfigError(
                    f"generator {config.generator.name!r} has no ImageNet encoder; use --encoder-weights none"
                )
            load()
        trainer._gan.equalize()
        trainer._gan.keep_average()
        return trainer

    @classmethod
    def resume(
        cls, folder: Path, source: Source, images: Sequence[Image] = (), *,
        world: World | None = None, tensorboard: bool = False,
    ) -> Trainer:  # fmt: skip
        """Go on with the run in a folder from its newest state, in the middle of an epoch or after one.

        Raises:
            ConfigError: The folder is one checkpoint, or the images are not those of the run.
            ModelFileError: There is no run, or its state is damaged.
        """
        newest = newest_state(folder)
        if newest == folder:
            raise ConfigError(f"{folder} is one checkpoint; go on with its run: --out {folder.parent}")
        config, state, training = load_state(newest)
        trainer = cls(config, source, folder, images, world=world, tensorboard=tensorboard)
        if training.get("data", trainer._data) != trainer._data:
            raise ConfigError(
                f"the run in {folder} was begun with other images; give the same --data, or begin a new "
                "run from it with --init"
            )
        trainer.epoch = int(training["epochs_done"])
        trainer.step = int(training.get("steps_done", 0))
        trainer._seconds = float(training["seconds"])
        trainer._before = training.get("before", {})
        trainer._losses = dict(state["losses"])
        trainer._loader.skipped.update(state.get("skipped", {}))
        within = False
        if trainer.epoch < config.epochs:
            phase, first, _ = config.phase_at(trainer.epoch)
            if within := (trainer.epoch > first or trainer.step > 0):
                trainer._enter(phase)
        trainer._gan.restore(state, optimizers=within)
        return trainer

    def run(self, report: Report, *, minutes: float | None = None, epochs: int | None = None) -> Path:
        """Train to the last epoch, and return the newest checkpoint's folder.

        Its state is written every ten minutes, and wherever it is stopped by a signal or `minutes`. The first
        signal is waited with until a step is done; a second one ends the run at once.

        Args:
            report: Called after every step.
            minutes: Stop after these.
            epochs: Stop at the end of so many, the one that was begun included.

        Raises:
            ConfigError: Another process is training in the folder.
            TrainingError: A loss is no longer a finite number; the last checkpoint is good.
        """
        until = time.monotonic() + 60 * minutes if minutes else math.inf
        end = min(self.config.epochs, self.epoch + epochs) if epochs else self.config.epochs
        with self._alone(), stop_request() as stop:

            def over() -> bool:
                return any_of(stop.asked or time.monotonic() > until, self._world)

            while self.epoch < end:
                phase, first, last = self.config.phase_at(self.epoch)
                if self._entered is not phase:
                    self._enter(phase)
                if not self._train_epoch(phase, first, last, report, over):
                    break
                self.epoch, self.step = self.epoch + 1, 0
                self._finish_epoch(phase)
                if over():
                    break
            wait_for_all(self._world)
        return newest_state(self.folder) if self._world.first else self.folder

    @property
    def skipped(self) -> dict[int, str]:
        """Images that could not be read: index and reason."""
        return self._loader.skipped

    @property
    def done(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    @property
    def position(self) -> float:
        """Epochs done, with the part of the one that was begun."""
        return self.epoch + self.step / len(self._loader)

    @property
    def minutes(self) -> float:
        """Wall time of training so far, all its parts together."""
        return self._seconds / 60

    def generator(self) -> Generator:
        """What would be saved here, in evaluation mode, on the CPU; the run stays as it is."""
        before = None
        if self.step:
            before = copy.deepcopy(self._gan.state(optimizers=False))
            self._recalibrate(self.config.phase_at(self.epoch)[0])
        generator = build_generator(self.config.generator)
        generator.load_state_dict({k: v.cpu() for k, v in self._gan.weights().items()})
        if before is not None:
            self._gan.restore(before, optimizers=False)
        return generator.eval()

    def _check_crops(self) -> None:
        multiple = self._gan.generator.size_multiple
        for phase in self.config.phases:
            if phase.crop % multiple:
                raise ConfigError(
                    f"phase {phase.name!r} has crops of {phase.crop} px; give a multiple of {multiple}"
                )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the run's folder against other runs; the first process does."""
        lock = None
        if self._world.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock = FileLock(self.folder)
            except BlockingIOError:
                raise ConfigError(
                    f"another process is training in {self.folder}; wait for it, or give another --out"
                ) from None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def _enter(self, phase: Phase) -> None:
        self._gan.enter(phase, scratch=self.config.encoder_weights == "none" and not self._before)
        self._entered = phase

    def _train_epoch(
        self, phase: Phase, first: int, last: int, report: Report, over: Callable[[], bool]
    ) -> bool:
        """Train from where the epoch stands to its end; False where the run is over before."""
        steps = len(self._loader)
        length = (last - first) * steps
        warmup = min(phase.discriminator_warmup, length // 2) if phase.gan else 0
        begun = saved = counted = time.monotonic()
        start = self.step
        for rgb in self._loader.epoch(self.epoch, phase.crop, start):
            number = self.epoch * steps + self.step
            done = number - first * steps
            self._gan.set_rate(phase, done, length)
            self._count(self._gan.step(phase, rgb, number=number, warming=done < warmup))
            self.step += 1
            now = time.monotonic()
            self._seconds, counted = self._seconds + now - counted, now
            rate = (self.step - start) * self._loader.batch_size / max(now - begun, 1e-6)
            self._journal.step(number + 1, self._losses)
            report(Progress(self.epoch + 1, self.step, steps, phase.name, dict(self._losses), rate))
            if self.step == steps:
                break
            leaving = over()
            if leaving or now - saved > _SAVE_SECONDS:
                self._save(self.folder / UNFINISHED)
                saved = now
            if leaving:
                return False
        return True

    def _count(self, losses: dict[str, float]) -> None:
        """Smooth the losses for the progress bar and the log."""
        for name, value in losses.items():
            if not math.isfinite(value):
                raise self._broken(f"{name} loss is {value}")
            old = self._losses.get(name, value)
            self._losses[name] = _SMOOTHING * old + (1 - _SMOOTHING) * value

    def _broken(self, what: str) -> TrainingError:
        return TrainingError(
            f"the {what} in epoch {self.epoch + 1}; begin again from the last checkpoint in {self.folder}, "
            "if there is one, with --init, another --seed and --out"
        )

    def _finish_epoch(self, phase: Phase) -> None:
        """Measure, write the log and the checkpoint, and drop what is old.

        The log comes first: its rows are written anew where a run dies before the checkpoint.
        """
        begun = time.monotonic()
        self._recalibrate(phase)
        self._loader.skipped.update(merged(self._loader.skipped, self._world))
        if self._world.first:
            sheet = self._measure()
            self._seconds += time.monotonic() - begun
            self._journal.epoch(self.epoch, self._row(phase), sheet, self._loader.skipped, last=self.done)
            self._save(self.folder / f"epoch-{self.epoch:04d}")
            drop_unfinished(self.folder)
            for old in epochs_in(self.folder)[:-_KEEP]:
                shutil.rmtree(old)
        wait_for_all(self._world)

    def _recalibrate(self, phase: Phase) -> None:
        """Measure BatchNorm's statistics anew, where the recipe has it and the phase does not keep them."""
        if phase.frozen_norm or not self.config.recalibration:
            return
        batches = self._loader.epoch(self.epoch, phase.crop)
        self._gan.recalibrate(list(itertools.islice(batches, self.config.recalibration)))

    def _measure(self) -> Image | None:
        """Measure the averaged generator on the images kept for it, and draw a contact sheet."""
        if not self._images:
            return None
        generator = self.generator().to(self._world.device)
        quality, sheet = measure_generator(generator, self._images, self.config.generator.size)
        self._metrics = {name: round(value, 4) for name, value in vars(quality).items()}
        return sheet

    def _save(self, folder: Path) -> None:
        """Write a checkpoint with the state; the first process does, and never of broken weights."""
        if not self._world.first:
            return
        weights = self._gan.weights()
        if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
            raise self._broken("weights are no longer finite numbers")
        training = {
            "epochs_done": self.epoch,
            "steps_done": self.step,
            "seconds": round(self._seconds, 1),
            "images_per_epoch": len(self._loader) * self._loader.batch_size,
            "skipped": len(self._loader.skipped),
            "device": str(self._world.device),
            "processes": self._world.size,
            "bf16": self._gan.bf16,
            "data": self._data,
            "config": self.config.to_json(),
            "before": self._before,  # the run that --init came from, and so on backwards
        }
        state = self._gan.state() | {"losses": self._losses, "skipped": dict(self._loader.skipped)}
        metrics = self._metrics if not self.step else {}
        config = self.config
        save_checkpoint(folder, weights, config.generator, config.recipe, training, metrics, state)

    def _row(self, phase: Phase) -> dict[str, Any]:
        """What the log says of a finished epoch."""
        row: dict[str, Any] = {
            "epoch": self.epoch, "phase": phase.name, "seconds": round(self._seconds, 1)
        }  # fmt: skip
        row |= {f"loss_{name}": round(self._losses.get(name, float("nan")), 5) for name in LOSSES}
        return row | {field.name: self._metrics.get(field.name, "") for field in dataclasses.fields(Quality)}


def _readers(world: World) -> int:
    """Threads that read photos: beside a GPU this process's share of the cores."""
    return max(READERS, usable_cores() // world.beside) if world.device.type == "cuda" else READERS
