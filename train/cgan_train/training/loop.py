"""The training loop: phases of regression and of the conditional GAN.

    Trainer.start(config, source, Path("runs/x")).run(on_step)
    Trainer.resume(Path("runs/x"), source).run(on_step)

A checkpoint is written after each epoch, and the state within an epoch every ten minutes. A run that was
stopped or killed resumes from the newest of them and ends with the same weights as an uninterrupted run.
"""

from __future__ import annotations

import copy
import itertools
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_runtime.files.locks import FileLock
from cgan_runtime.system.cpu import usable_cores
from cgan_train import checkpoint
from cgan_train.checkpoint import UNFINISHED
from cgan_train.config.schema import Phase, TrainConfig
from cgan_train.config.stretches import Stretch, extended
from cgan_train.data.finding import count_found
from cgan_train.data.loader import READERS, Loader
from cgan_train.data.sources import Image, ImageSource
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.training.distributed import World, any_process, barrier, join, merge
from cgan_train.training.gan import Gan
from cgan_train.training.measuring import Interrupted, measure, snapshot, until_requested
from cgan_train.training.plan import KEEP, Plan, size_of
from cgan_train.training.run_log import EpochCallback, EpochReport, RunLog, TrainingCallback, TrainingProgress
from cgan_train.training.signals import delay_signals

_SAVE_SECONDS = 600.0  # between states within an epoch
_SMOOTHING = 0.98  # of the losses, for progress and log


class Trainer:
    """A run: its networks, its position, and its folder.

    Args:
        config: The settings.
        source: The training images.
        folder: The run's folder.
        validation: Images to measure on after each epoch, uint8 RGB (H, W, 3).
        world: This process; None finds out: GPU or CPU, alone or started by torchrun.
        tensorboard: Write events for TensorBoard.

    Attributes:
        images: Number of training images.
        found: What was found, taken and left out, in one line.
        epoch: Epochs done.
        step: Steps done in the epoch that was begun.
        plan: Phases in steps, and the room on the disk.
        origin: What made the run, for its checkpoints; see `training.origin`.
    """

    def __init__(
        self, config: TrainConfig, source: ImageSource, folder: Path, validation: Sequence[Image] = (), *,
        world: World | None = None, tensorboard: bool = False,
    ) -> None:  # fmt: skip
        self.config = config
        self.folder = folder
        self.world = world or join()
        self.images = len(source)
        self.epoch = self.step = 0
        self._validation = list(validation)
        self._gan = Gan(config, self.world)
        for phase in config.phases:
            if phase.crop % (multiple := self._gan.generator.size_multiple):
                raise ConfigError(f"phase {phase.name!r} has crops of {phase.crop} px; give a multiple of {multiple}")
        gpu = self.world.device.type == "cuda"  # all cores read photos then
        self._loader = Loader(
            source, config.batch_size, config.augmentation, config.seed, sampling=config.sampling,
            threads=max(READERS, usable_cores() // self.world.local_size) if gpu else READERS,
            device=self.world.device, part=(self.world.rank, self.world.size),
        )  # fmt: skip
        self._loader.measured = self._validation
        self.found = count_found(len(source), source.left_out)
        self._log = RunLog(
            folder, tensorboard=tensorboard and self.world.is_main, found=self.found, left_out=source.left_out
        )
        self._data = source.fingerprint()
        self._losses: dict[str, float] = {}
        self._seconds = 0.0
        self._metrics: dict[str, float] = {}
        self._before: dict[str, Any] = {}  # `training` of the checkpoint that the run started from
        self._entered: Phase | None = None
        self.origin: Mapping[str, Any] = {}
        networks = (self._gan.generator, self._gan.discriminator)
        self.plan = Plan.of(config, len(self._loader), self._loader.batch_size, *map(size_of, networks))

    @classmethod
    def start(
        cls, config: TrainConfig, source: ImageSource, folder: Path, validation: Sequence[Image] = (), *,
        init: Path | None = None, world: World | None = None, tensorboard: bool = False,
    ) -> Trainer:  # fmt: skip
        """Start a run in a new folder; `init` is a checkpoint that the generator takes its weights from.

        Raises:
            ConfigError: The folder holds a run already or is a file, or `init` has another generator.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file; give the folder of a run with --out")
        if list(folder.glob("epoch-*")) or (folder / UNFINISHED).exists() or checkpoint.has_state(folder):
            raise ConfigError(f"{folder} holds a run already; go on with --resume, or give another --out")
        trainer = cls(config, source, folder, validation, world=world, tensorboard=tensorboard)
        generator = trainer._gan.generator
        if init is not None:
            found = checkpoint.load_checkpoint(init)
            if (theirs := found.config.weights) != (ours := config.generator.weights):
                raise ConfigError(
                    f"{init} is {theirs}, the recipe wants {ours}; take --recipe {found.recipe}, or "
                    "give its values with --set generator.widths and --channels"
                )
            generator.load_state_dict(found.generator.state_dict())
            trainer._before = found.training
        elif trainer._gan.teacher:
            trainer._gan.teacher.give_weights(generator)
        elif config.encoder_weights == "imagenet":
            generator.load_imagenet()
        trainer._gan.broadcast_weights()
        trainer._gan.reset_average()
        return trainer

    @classmethod
    def resume(
        cls, folder: Path, source: ImageSource, validation: Sequence[Image] = (), *,
        epochs: int | None = None, world: World | None = None, tensorboard: bool = False,
    ) -> Trainer:  # fmt: skip
        """Resume the run in a folder from its newest state, within an epoch or after one.

        `epochs` makes the run longer: its last phase gets what is more than before.

        Raises:
            ConfigError: The folder is a single checkpoint, the images are not those of the run, or `epochs` are
                no more than before.
            ModelFileError: There is no run, or its state is damaged.
        """
        newest = checkpoint.newest_state(folder)
        if newest == folder:
            raise ConfigError(f"{folder} is one checkpoint; go on with its run: --out {folder.parent}")
        config, state, training = checkpoint.load_state(newest)
        config = extended(config, epochs) if epochs else config
        trainer = cls(config, source, folder, validation, world=world, tensorboard=tensorboard)
        if training.get("data", trainer._data) != trainer._data:
            raise ConfigError(
                f"the run in {folder} was begun with other images; give the same --data and --val, or begin "
                "a new run from it with --init"
            )
        trainer.epoch = int(training["epochs_done"])
        trainer.step = int(training.get("steps_done", 0))
        trainer._seconds = float(training.get("seconds", 0))
        trainer._before = training.get("before", {})
        trainer._losses = dict(state["losses"])
        trainer.skipped.update(state.get("skipped", {}))
        within = False
        if not trainer.done:
            steps = len(trainer._loader)
            number = trainer.epoch * steps + trainer.step
            stretch = trainer._stretch(number - (trainer.step == steps))  # then the epoch is still to be finished
            if within := number > stretch.first:
                trainer._enter(stretch.phase)
        trainer._gan.restore(state, optimizers=within)
        return trainer

    def run(
        self, on_step: TrainingCallback, *, minutes: float | None = None, epochs: int | None = None,
        on_epoch: EpochCallback = lambda _: None, on_stop: Callable[[], object] = lambda: None,
    ) -> Path:  # fmt: skip
        """Train to the last epoch, and return the folder of the newest checkpoint.

        The first signal (Ctrl-C) and the end of `minutes` stop the run after a step, and its state is kept; a
        signal also interrupts the measuring after an epoch, which is made up for later. A second signal ends the
        run at once.

        Args:
            on_step: Called after every step.
            minutes: Stop after these.
            epochs: Stop at the end of so many, the one that was begun included.
            on_epoch: Called in the main process after every epoch, when its checkpoint is there.
            on_stop: Called at once when the first signal comes.

        Raises:
            ConfigError: Another process is training in the folder, or the disk has no room for the run.
            TrainingError: A loss is no longer a finite number; the last checkpoint is good.
        """
        deadline = time.monotonic() + 60 * minutes if minutes else math.inf
        end = min(self.config.epochs, self.epoch + epochs) if epochs else self.config.epochs
        with self._lock(), delay_signals(on_stop) as requested:

            def stopping() -> bool:
                return any_process(requested() or time.monotonic() > deadline, self.world)

            self._loader.stopping = requested
            if self.world.is_main:
                self.plan.check_room(self.folder)
                self._log.rewind(self.epoch, self.step)
                self._log.list_skipped(self.skipped)
            while self.epoch < end:
                if not self._train_epoch(on_step, stopping):
                    break
                if not self._finish_epoch(requested, on_epoch) or stopping():
                    break
            barrier(self.world)
        return checkpoint.newest_state(self.folder) if self.world.is_main else self.folder

    @property
    def skipped(self) -> dict[int, str]:
        """Images that could not be used: index to reason."""
        return self._loader.skipped

    @property
    def enlarged(self) -> int:
        """How many images this process saw that are smaller than their crops."""
        return len(self._loader.enlarged)

    @property
    def done(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    @property
    def position(self) -> float:
        """Epochs done, including the part of the one that was begun."""
        return self.epoch + self.step / len(self._loader)

    @property
    def minutes(self) -> float:
        """Wall time of training so far, over all sessions."""
        return self._seconds / 60

    def generator(self) -> Generator:
        """The generator as it would be saved now, in evaluation mode, on the CPU. The run does not change."""
        before = None
        if self.step:
            before = copy.deepcopy(self._gan.state(optimizers=False))
            number = self.epoch * len(self._loader) + self.step
            self._recalibrate(self._stretch(number - 1).phase)
        generator = build_generator(self.config.generator)
        generator.load_state_dict({k: v.cpu() for k, v in self._gan.weights().items()})
        if before is not None:
            self._gan.restore(before, optimizers=False)
        return generator.eval()

    def _lock(self) -> AbstractContextManager[object]:
        """Lock the run's folder in the main process, so that no other run writes there."""
        if not self.world.is_main:
            return nullcontext()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return FileLock(self.folder)
        except BlockingIOError:
            raise ConfigError(
                f"another process is training in {self.folder}; wait for it, or give another --out"
            ) from None

    def _enter(self, phase: Phase) -> None:
        self._gan.enter(phase, scratch=self.config.encoder_weights == "none" and not self._before)
        self._entered = phase

    def _stretch(self, number: int) -> Stretch:
        """The stretch of a step of the run, counted from 0."""
        return next(stretch for stretch in self.plan.stretches if number < stretch.last)

    def _train_epoch(self, on_step: TrainingCallback, stopping: Callable[[], bool]) -> bool:
        """Train from the current step to the epoch's end; return False if the run stops before."""
        while self.step < len(self._loader):
            stretch = self._stretch(self.epoch * len(self._loader) + self.step)
            if self._entered is not stretch.phase:
                self._enter(stretch.phase)
            if not self._train_steps(stretch, on_step, stopping):
                return False
        return True

    def _train_steps(self, stretch: Stretch, on_step: TrainingCallback, stopping: Callable[[], bool]) -> bool:
        """Train to the end of the epoch or of the stretch; return False if the run stops before."""
        phase, steps = stretch.phase, len(self._loader)
        length, until = stretch.last - stretch.first, min(steps, stretch.last - self.epoch * steps)
        warmup = min(phase.discriminator_warmup, length // 2) if phase.gan else 0
        begun = saved = counted = time.monotonic()
        start = self.step
        for rgb in self._loader.epoch(self.epoch, phase.crop, start):
            number = self.epoch * steps + self.step
            done = number - stretch.first
            self._gan.set_rate(phase, done, length)
            self._smooth(self._gan.step(phase, rgb, number=number, warming=done < warmup))
            self.step += 1
            now = time.monotonic()
            self._seconds, counted = self._seconds + now - counted, now
            rate = (self.step - start) * self._loader.batch_size / max(now - begun, 1e-6)
            self._log.step(number + 1, self._losses)
            on_step(TrainingProgress(self.epoch + 1, self.step, steps, phase.name, dict(self._losses), rate))
            if self.step == steps:
                break
            leaving = stopping()
            if leaving or now - saved > _SAVE_SECONDS:
                self._save(self.folder / UNFINISHED)
                saved = now
            if leaving:
                return False
            if self.step == until:
                break
        else:  # a photo hangs, and a signal came
            self._save(self.folder / UNFINISHED)
            return False
        return True

    def _smooth(self, losses: dict[str, float]) -> None:
        """Add a step's losses to the running averages; raises TrainingError if one is not finite."""
        for name, value in losses.items():
            if not math.isfinite(value):
                raise self._error(f"{name} loss is {value}")
            old = self._losses.get(name, value)
            self._losses[name] = _SMOOTHING * old + (1 - _SMOOTHING) * value

    def _error(self, what: str) -> TrainingError:
        return TrainingError(
            f"the {what} in epoch {self.epoch + 1}; begin again from the last checkpoint in {self.folder}, "
            "if there is one, with --init, another --seed and --out"
        )

    def _finish_epoch(self, requested: Callable[[], bool], on_epoch: EpochCallback) -> bool:
        """Measure, write the log and the checkpoint, and remove old checkpoints.

        The log comes first: if the run dies before the checkpoint, the epoch's row is replaced later. A signal
        interrupts the measuring: then the state after the last step is kept, and False returned.
        """
        begun, steps, take_back = time.monotonic(), len(self._loader), snapshot(self._gan)
        phase = self._stretch(self.epoch * steps + steps - 1).phase
        self.epoch, self.step = self.epoch + 1, 0
        sheet, interrupted = None, False
        try:
            self._recalibrate(phase, requested)
            self.skipped.update(merge(self.skipped, self.world))
            if self.world.is_main:
                generator = self.generator().to(self.world.device) if self._validation else None
                if generator is not None:
                    size = self.config.generator.size
                    batch = self.config.batch_size if self.config.batch_statistics else 1
                    self._metrics, sheet = measure(generator, self._validation, size, requested, batch)
        except Interrupted:
            interrupted = True
        if any_process(interrupted, self.world):
            take_back()
            self.epoch, self.step = self.epoch - 1, steps
            self._save(self.folder / UNFINISHED)
            return False
        if self.world.is_main:
            self._seconds += time.monotonic() - begun
            row, folder = self._row(phase), self.folder / f"epoch-{self.epoch:04d}"
            self._log.epoch(self.epoch, row, sheet, self.skipped, last=self.done)
            self._save(folder)
            checkpoint.drop_unfinished(self.folder)
            for old in checkpoint.epochs_in(self.folder)[:-KEEP]:
                shutil.rmtree(old)
            on_epoch(EpochReport(self.epoch, phase.name, dict(self._losses), dict(self._metrics), row, folder))
        barrier(self.world)
        return True

    def _recalibrate(self, phase: Phase, requested: Callable[[], bool] = lambda: False) -> None:
        """Measure BatchNorm's statistics anew, unless the recipe or the phase keeps them."""
        if phase.frozen_norm or not self.config.recalibration:
            return

        batches = itertools.islice(self._loader.epoch(self.epoch, phase.crop), self.config.recalibration)
        self._gan.recalibrate(until_requested(batches, requested, self.world))

    def _save(self, folder: Path) -> None:
        """Write a checkpoint with the state, in the main process, unless weights are not finite."""
        if not self.world.is_main:
            return
        weights, config = self._gan.weights(), self.config
        if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
            raise self._error("weights are no longer finite numbers")
        training = {
            "epochs_done": self.epoch,
            "steps_done": self.step,
            "seconds": round(self._seconds, 1),
            "images_per_epoch": len(self._loader) * self._loader.batch_size,
            "skipped": len(self.skipped),
            "device": str(self.world.device),
            "processes": self.world.size,
            "bf16": self._gan.bf16,
            "data": self._data,
            **self.origin,
            "config": config.to_json(),
            "before": self._before,
        }
        state = self._gan.state() | {"losses": self._losses, "skipped": dict(self._loader.skipped)}
        metrics = self._metrics if not self.step else {}
        self._log.write_events(self.epoch, self.step)
        checkpoint.save_checkpoint(folder, weights, config.generator, config.recipe, training, metrics, state)
        checkpoint.keep_one_state(self.folder, folder)

    def _row(self, phase: Phase) -> dict[str, Any]:
        """The log's row for a finished epoch, with the figures that there are."""
        row = {"epoch": self.epoch, "phase": phase.name, "seconds": round(self._seconds, 1)}
        row |= {f"loss_{name}": round(value, 5) for name, value in self._losses.items()}
        return row | self._metrics
