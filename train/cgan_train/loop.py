"""The training loop: phases of regression and of the conditional GAN.

    Trainer.start(config, source, Path("runs/x")).run(progress)
    Trainer.resume(Path("runs/x"), source).run(progress)

The generator sees lightness alone, the discriminator lightness and chroma. At the end of each epoch a
checkpoint is written; a run that was stopped goes on from the last one as if it had not been.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_train.augment import film_lightness
from cgan_train.checkpoint import epochs_in, find_checkpoint, load_checkpoint, load_state, save_checkpoint
from cgan_train.color import lab_of_rgb, split
from cgan_train.config import Phase, TrainConfig
from cgan_train.data.loader import Loader
from cgan_train.data.sources import Picture, Source
from cgan_train.losses import discriminator_loss, generator_gan_loss, pixel_loss
from cgan_train.metrics import Array, Quality, measure_quality
from cgan_train.models import build_discriminator, build_generator
from cgan_train.samples import contact_sheet, write_png

_KEEP = 3  # checkpoints
_WEIGHT_DECAY = 0.01  # of AdamW, PyTorch's default
_SMOOTHING = 0.98  # of the losses that the progress bar shows
_LOG = "log.csv"


@dataclass(frozen=True)
class Progress:
    """What is known after a step, for a progress bar.

    Attributes:
        epoch: Counted from 1.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        phase: Name of the phase.
        losses: Smoothed losses by name.
        rate: Pictures per second in this epoch.
    """

    epoch: int
    step: int
    steps: int
    phase: str
    losses: dict[str, float]
    rate: float


Report = Callable[[Progress], None]


class Trainer:
    """One run: networks, optimizers, their state, and where it is written."""

    def __init__(
        self, config: TrainConfig, source: Source, folder: Path, pictures: Sequence[Picture] = ()
    ) -> None:
        self.config = config
        self.folder = folder
        self.epoch = 0
        self._pictures = list(pictures)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.seed)
        self._rng = torch.Generator().manual_seed(config.seed)
        self._generator = self._placed(build_generator(config.generator))
        self._discriminator = self._placed(build_discriminator(config.discriminator))
        self._average = {k: v.detach().clone() for k, v in self._generator.state_dict().items()}
        self._loader = Loader(
            source, config.batch_size, config.augmentation, config.seed, sampling=config.sampling
        )
        self._losses: dict[str, float] = {}
        self._seconds = 0.0
        self._steps = 0
        self._metrics: dict[str, float] = {}
        self._before: dict[str, Any] = {}

    @classmethod
    def start(
        cls, config: TrainConfig, source: Source, folder: Path, pictures: Sequence[Picture] = (), *,
        init: Path | None = None,
    ) -> Trainer:  # fmt: skip
        """Begin a run in a new folder; `init` gives the generator the weights of a checkpoint.

        Raises:
            ConfigError: The folder holds a run already, or `init` is another generator.
        """
        if list(folder.glob("epoch-*")):
            raise ConfigError(f"{folder} holds a run already; go on with --resume, or give another --out")
        trainer = cls(config, source, folder, pictures)
        if init is not None:
            checkpoint = load_checkpoint(init)
            if checkpoint.config != config.generator:
                raise ConfigError(f"{init} is {checkpoint.config}, the recipe wants {config.generator}")
            trainer._generator.load_state_dict(checkpoint.generator.state_dict())
            trainer._before = checkpoint.training
        elif config.encoder_weights == "imagenet":
            load = getattr(getattr(trainer._generator, "encoder", None), "load_imagenet", None)
            if load is None:
                raise ConfigError(
                    f"generator {config.generator.name!r} has no ImageNet encoder; use --encoder-weights none"
                )
            load()
        trainer._average = {k: v.detach().clone() for k, v in trainer._generator.state_dict().items()}
        return trainer

    @classmethod
    def resume(cls, folder: Path, source: Source, pictures: Sequence[Picture] = ()) -> Trainer:
        """Go on with the run in a folder from its newest checkpoint."""
        newest = find_checkpoint(folder)
        if newest == folder:
            raise ConfigError(f"{folder} is one checkpoint; go on with its run: --out {folder.parent}")
        config, state, training = load_state(newest)
        trainer = cls(config, source, folder, pictures)
        trainer.epoch = int(training["epochs_done"])
        trainer._seconds = float(training["seconds"])
        trainer._before = training.get("before", {})
        trainer._restore(state)
        return trainer

    def run(self, report: Report) -> Path:
        """Train to the last epoch and return the newest checkpoint's folder.

        Raises:
            TrainingError: A loss is no longer a finite number; the last checkpoint is good.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while self.epoch < self.config.epochs:
            phase, first, last = self.config.phase_at(self.epoch)
            if self.epoch == first or not hasattr(self, "_optimizers"):
                self._enter(phase)
            begun = time.monotonic()
            self._train_epoch(phase, first, last, report)
            self._seconds += time.monotonic() - begun
            self.epoch += 1
            self._measure()
            self._save(phase)
        return find_checkpoint(self.folder)

    @property
    def skipped(self) -> dict[int, str]:
        """Pictures that could not be read: index and reason."""
        return self._loader.skipped

    def _placed(self, module: nn.Module) -> Any:
        return module.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _enter(self, phase: Phase) -> None:
        """Freeze what the phase freezes, and make its optimizers."""
        scratch = self.config.encoder_weights == "none" and not self._before
        self._generator.freeze(0 if scratch else phase.frozen_blocks)
        pretrained = {id(parameter) for parameter in self._generator.pretrained()}
        groups = []
        for early, scale in ((False, 1.0), (True, 1.0 if scratch else self.config.encoder_rate)):
            members = [p for p in self._generator.parameters() if (id(p) in pretrained) == early]
            if members := [p for p in members if p.requires_grad]:
                groups.append({"params": members, "scale": scale})
        judge = [{"params": list(self._discriminator.parameters()), "scale": self.config.discriminator_rate}]
        self._optimizers = (self._optimizer(groups), self._optimizer(judge))

    def _optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Adam or AdamW; `_set_rate` gives each group its learning rate before every step."""
        if self.config.optimizer == "adamw":
            return torch.optim.AdamW(groups, betas=self.config.betas, weight_decay=_WEIGHT_DECAY)
        return torch.optim.Adam(groups, betas=self.config.betas)

    def _train_epoch(self, phase: Phase, first: int, last: int, report: Report) -> None:
        self._generator.train()
        self._discriminator.train()
        steps = len(self._loader)
        begun = time.monotonic()
        for step, rgb in enumerate(self._loader.epoch(self.epoch, phase.crop)):
            self._steps = self.epoch * steps + step
            done = self._steps - first * steps
            self._set_rate(phase, done / ((last - first) * steps))
            warmup = min(phase.discriminator_warmup, (last - first) * steps // 2)
            losses = self._step(phase, rgb, warming=phase.gan and done < warmup)
            for name, value in losses.items():
                if not math.isfinite(value):
                    raise TrainingError(
                        f"the {name} loss is {value} in epoch {self.epoch + 1}; begin again from the last "
                        f"checkpoint in {self.folder}, if there is one, with --init, another --seed and --out"
                    )
                old = self._losses.get(name, value)
                self._losses[name] = _SMOOTHING * old + (1 - _SMOOTHING) * value
            rate = (step + 1) * self._loader.batch_size / max(time.monotonic() - begun, 1e-6)
            report(Progress(self.epoch + 1, step + 1, steps, phase.name, dict(self._losses), rate))

    def _set_rate(self, phase: Phase, part: float) -> None:
        factor = (1 + math.cos(math.pi * part)) / 2 if phase.schedule == "cosine" else 1.0
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = phase.lr * factor * group["scale"]

    def _step(self, phase: Phase, rgb: Tensor, *, warming: bool) -> dict[str, float]:
        seen, lightness, chroma = self._prepare(rgb)
        if warming:
            with torch.no_grad():
                predicted = self._generator.predict(seen)
            return {"D": self._step_discriminator(lightness, chroma, predicted)}
        predicted = self._generator.predict(seen)
        losses = {}
        if phase.gan:
            losses["D"] = self._step_discriminator(lightness, chroma, predicted.detach())
        pixel = pixel_loss(predicted, chroma, lightness, self.config, phase.chroma_gain)
        total = phase.pixel_weight * pixel
        losses["pixel"] = float(pixel.detach())
        if phase.gan:
            adversarial = generator_gan_loss(self._discriminator(torch.cat((lightness, predicted), dim=1)))
            total = total + adversarial
            losses["G"] = float(adversarial.detach())
        self._optimizers[0].zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self._optimizers[0].step()
        self._update_average()
        return losses

    def _step_discriminator(self, lightness: Tensor, chroma: Tensor, predicted: Tensor) -> float:
        real = self._discriminator(torch.cat((lightness, chroma), dim=1))
        fake = self._discriminator(torch.cat((lightness, predicted), dim=1))
        loss = discriminator_loss(real, fake, self.config.label_smoothing)
        self._optimizers[1].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizers[1].step()
        return float(loss.detach())

    def _prepare(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of uint8 RGB to what the generator sees, and true lightness and chroma at its stride."""
        rgb = rgb.to(self._device, non_blocking=True).float() / 255
        lightness, chroma = split(lab_of_rgb(rgb))
        seen = lightness
        if self.config.augmentation.film:
            seen = film_lightness(rgb, lightness, self.config.augmentation.film, self._rng)
        if self._generator.stride > 1:
            lightness, chroma = (F.avg_pool2d(x, self._generator.stride) for x in (lightness, chroma))
        return seen.contiguous(memory_format=torch.channels_last), lightness, chroma

    @torch.no_grad()
    def _update_average(self) -> None:
        if not self.config.ema:
            return
        # A short memory at first, or a short run would save what it started from (as in TensorFlow's EMA).
        decay = min(self.config.ema, (1 + self._steps) / (10 + self._steps))
        for name, value in self._generator.state_dict().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1 - decay)
            else:
                self._average[name].copy_(value)

    def _weights(self) -> dict[str, Tensor]:
        return self._average if self.config.ema else self._generator.state_dict()

    def _measure(self) -> None:
        """Measure the averaged generator on the pictures kept for it, and draw a contact sheet."""
        if not self._pictures:
            return
        generator = build_generator(self.config.generator)
        generator.load_state_dict({k: v.cpu() for k, v in self._weights().items()})
        generator.eval()

        @torch.inference_mode()
        def predict(lightness: Array) -> Array:
            return generator(torch.from_numpy(lightness)).numpy()  # type: ignore[no-any-return]

        side = self.config.generator.size
        quality = measure_quality(predict, self._pictures, side)
        self._metrics = {name: round(value, 4) for name, value in vars(quality).items()}
        sheet = contact_sheet(predict, self._pictures[:16], min(side, 160))
        write_png(self.folder / "samples" / f"epoch-{self.epoch:04d}.png", sheet)

    def _save(self, phase: Phase) -> None:
        training = {
            "epochs_done": self.epoch,
            "seconds": round(self._seconds, 1),
            "pictures_per_epoch": len(self._loader) * self._loader.batch_size,
            "skipped": len(self._loader.skipped),
            "device": str(self._device),
            "config": self.config.to_json(),
            "before": self._before,  # the run that --init came from, and so on backwards
        }
        folder = self.folder / f"epoch-{self.epoch:04d}"
        save_checkpoint(
            folder,
            self._weights(),
            self.config.generator,
            self.config.recipe,
            training,
            self._metrics,
            self._state(),
        )
        self._log(phase)
        for old in epochs_in(self.folder)[:-_KEEP]:
            shutil.rmtree(old)

    def _log(self, phase: Phase) -> None:
        row = {"epoch": self.epoch, "phase": phase.name, "seconds": round(self._seconds, 1)}
        row |= {
            f"loss_{name}": round(self._losses.get(name, float("nan")), 5) for name in ("pixel", "G", "D")
        }
        row |= {field.name: self._metrics.get(field.name, "") for field in dataclasses.fields(Quality)}
        path = self.folder / _LOG
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def _state(self) -> dict[str, Any]:
        return {
            "generator": self._generator.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average if self.config.ema else {},
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "losses": self._losses,
            "rng": [torch.get_rng_state(), self._rng.get_state()],
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._generator.load_state_dict(state["generator"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average = {name: tensor.to(self._device) for name, tensor in state["average"].items()}
        self._losses = dict(state["losses"])
        torch.set_rng_state(state["rng"][0])
        self._rng.set_state(state["rng"][1])
        if state["cuda_rng"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_rng"])
        if self.epoch < self.config.epochs:
            phase, first, _ = self.config.phase_at(self.epoch)
            if self.epoch > first:
                self._enter(phase)
                for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
                    optimizer.load_state_dict(saved)
