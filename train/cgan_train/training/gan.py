"""The two networks, their optimizers, and one step of training both.

    gan = Gan(config, world)
    gan.enter(phase)
    losses = gan.step(rgb)          # uint8 (N, 3, side, side)

The generator sees lightness alone, the discriminator lightness and what the generator predicts from it
(conditional GAN; Isola et al. 2017, arXiv 1611.07004).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_train.color import lab_of_rgb, split
from cgan_train.config.schema import Phase, TrainConfig
from cgan_train.data.augment import film_lightness, paste_others
from cgan_train.models import build_discriminator, build_generator
from cgan_train.models.base import Generator
from cgan_train.training.cuda_graph import Replay
from cgan_train.training.distributed import World, average_gradients, equalize, mean_of, share_norms
from cgan_train.training.losses import (
    PixelLoss,
    discriminator_loss,
    feature_loss,
    generator_gan_loss,
    pixel_loss,
)

LOSSES = ("pixel", "G", "D", "features")
"""What a step may tell."""

_WEIGHT_DECAY = 0.01  # of AdamW, PyTorch's default
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_STAIR = 0.1  # a staircase's factor of the learning rate


class Gan:
    """Generator, discriminator and what trains them.

    Attributes:
        generator: Trained in place; `weights()` is what is measured and saved.
        discriminator: Idle in a phase of plain regression.
        bf16: Whether the networks compute in bfloat16 (weights, losses and optimizers stay float32).
    """

    def __init__(
        self, config: TrainConfig, world: World, generator: Generator | None = None,
        loss: PixelLoss = pixel_loss,
    ) -> None:  # fmt: skip
        """Build both networks, or the discriminator for a generator that is not in the registry.

        `loss` takes the place of the pixel loss, for a generator that predicts something else in training;
        on a GPU it must not wait for the device (`graphs`).
        """
        self._pixel_loss = loss
        self.config = config
        self.world = world
        self.device = world.device
        torch.manual_seed(config.seed)
        self.generator: Generator = self._placed(generator or build_generator(config.generator))
        self.discriminator: nn.Module = self._placed(
            build_discriminator(config.discriminator, 1 + self.generator.outputs)
        )
        self.bf16 = _computes_in_bf16(config.precision, self.generator, world.device)
        self._run_generator: Callable[..., Any] = self.generator.predict
        self._run_discriminator: Callable[..., Any] = self.discriminator
        if config.compile:
            self._run_generator = torch.compile(self.generator.predict)
            self._run_discriminator = torch.compile(self.discriminator.forward)
        on_gpu = world.device.type == "cuda"
        self._replay = Replay() if on_gpu and world.size == 1 and config.cuda_graphs else None
        # On a CPU a fused optimizer copies channels_last weights there and back.
        self._how = {"fused": on_gpu, "foreach": not on_gpu, "capturable": self._replay is not None}
        self.rng = torch.Generator().manual_seed(config.seed + world.rank)
        if not world.first:  # each process draws its own dropout
            torch.manual_seed(config.seed + world.rank)
        self.average: dict[str, Tensor] = {}
        self.keep_average()

    def _placed(self, module: nn.Module) -> Any:
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return share_norms(module, self.world)

    def equalize(self) -> None:
        """Give every process the networks of the first."""
        equalize(self.generator, self.world)
        equalize(self.discriminator, self.world)

    def keep_average(self) -> None:
        """Begin the moving average of the weights (EMA) anew from what they are now."""
        self.average = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}

    def weights(self) -> dict[str, Tensor]:
        """The generator's weights, averaged where the config says so."""
        return self.average if self.config.ema else self.generator.state_dict()

    def enter(self, phase: Phase, *, scratch: bool) -> None:
        """Freeze what the phase freezes, and make its optimizers; from scratch nothing is frozen."""
        self.generator.freeze(0 if scratch else phase.frozen_blocks)
        pretrained = {id(parameter) for parameter in self.generator.pretrained()}
        groups = []
        for early, scale in ((False, 1.0), (True, 1.0 if scratch else self.config.encoder_rate)):
            members = [p for p in self.generator.parameters() if (id(p) in pretrained) == early]
            if members := [p for p in members if p.requires_grad]:
                groups.append({"params": members, "scale": scale})
        judge = [{"params": list(self.discriminator.parameters()), "scale": self.config.discriminator_rate}]
        self.optimizers = (self._optimizer(groups), self._optimizer(judge))
        self.generator.train()
        if phase.frozen_norm:
            for norm in self._norms():
                norm.eval()
        self.discriminator.train()
        self._record_anew()

    def _optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Adam or AdamW; `set_rate` gives each group its learning rate before every step."""
        how: dict[str, Any] = {"betas": self.config.betas} | self._how
        if self.config.optimizer == "adamw":
            return torch.optim.AdamW(groups, weight_decay=_WEIGHT_DECAY, **how)
        return torch.optim.Adam(groups, **how)

    def _record_anew(self) -> None:
        """The optimizers are others than those of the steps that were recorded."""
        if self._replay is None:
            return
        self._replay.forget()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = torch.zeros((), device=self.device)  # a graph reads it there

    def set_rate(self, phase: Phase, step: int, steps: int) -> None:
        """Set the learning rates for a step of a phase that has `steps`."""
        factor = 1.0
        if phase.schedule == "cosine":
            factor = (1 + math.cos(math.pi * step / steps)) / 2
        elif phase.schedule == "staircase":
            factor = _STAIR ** (step // phase.stair_steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                rate = phase.lr * factor * group["scale"]
                if self._replay is None:
                    group["lr"] = rate
                else:
                    group["lr"].fill_(rate)

    def step(self, phase: Phase, rgb: Tensor, *, number: int, warming: bool = False) -> dict[str, float]:
        """Train on one batch, uint8 sRGB (N, 3, side, side), and return the losses by name.

        Args:
            phase: The one that was entered.
            rgb: The batch.
            number: Steps done in the run; the average's memory grows with it.
            warming: Train the discriminator alone.
        """
        rgb = rgb.to(self.device, non_blocking=True)
        batch = self._prepare(paste_others(rgb, self.config.augmentation.paste, self.rng))
        train = partial(self._train, phase, warming)
        losses = train(*batch) if self._replay is None else self._replay(train, (phase, warming), batch)
        if not warming:
            self._update_average(number)
        return self._read(losses)

    def _train(
        self, phase: Phase, warming: bool, seen: Tensor, lightness: Tensor, truth: Tensor
    ) -> dict[str, Tensor]:
        """All that a batch, as `_prepare` made it, changes in the networks."""
        losses: dict[str, Tensor] = {}
        if warming:
            with torch.no_grad():
                predicted = self._predict(seen)
            return {"D": self._step_discriminator(lightness, truth, predicted)}
        predicted = self._predict(seen)
        if phase.gan:
            losses["D"] = self._step_discriminator(lightness, truth, predicted.detach())
        for again in range(self.config.generator_steps if phase.gan else 1):
            predicted = self._predict(seen) if again else predicted
            losses |= self._step_generator(phase, lightness, truth, predicted)
        return losses

    def _read(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """The losses as numbers, means over all processes; waits for the device once."""
        values = mean_of(torch.stack(list(losses.values())), self.world)
        return dict(zip(losses, values.tolist(), strict=True))

    def _predict(self, seen: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return self._run_generator(seen).float()  # type: ignore[no-any-return]

    def _judge(self, lightness: Tensor, image: Tensor) -> list[Tensor]:
        """The discriminator's features and, last, its logits."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            features = self._run_discriminator(torch.cat((lightness, image), dim=1))
        return [feature.float() for feature in features]

    def _step_generator(
        self, phase: Phase, lightness: Tensor, truth: Tensor, predicted: Tensor
    ) -> dict[str, Tensor]:
        pixel = self._pixel_loss(predicted, truth, lightness, self.config, phase.chroma_gain)
        total = phase.pixel_weight * pixel
        losses = {"pixel": pixel.detach()}
        if phase.gan:
            self.discriminator.requires_grad_(False)  # the gradient passes through it, to the generator alone
            fake = self._judge(lightness, predicted)
            adversarial = generator_gan_loss(fake[-1], self.config.gan_loss)
            total = total + adversarial
            losses["G"] = adversarial.detach()
            if phase.feature_weight:
                with torch.no_grad():
                    real = self._judge(lightness, truth)
                matching = feature_loss(fake[:-1], real[:-1])
                total = total + phase.feature_weight * matching
                losses["features"] = matching.detach()
        self._update(0, total, self.generator)
        return losses

    def _step_discriminator(self, lightness: Tensor, truth: Tensor, predicted: Tensor) -> Tensor:
        self.discriminator.requires_grad_(True)
        real = self._judge(lightness, truth)[-1]
        fake = self._judge(lightness, predicted)[-1]
        loss = discriminator_loss(real, fake, self.config.label_smoothing, self.config.gan_loss)
        self._update(1, loss, self.discriminator)
        return loss.detach()

    def _update(self, which: int, loss: Tensor, network: nn.Module) -> None:
        """Go one step of an optimizer down a loss."""
        self.optimizers[which].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(network.parameters(), self.world)
        self.optimizers[which].step()

    def _prepare(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A batch on the device to what the generator sees, and true lightness and truth as it predicts."""
        rgb = rgb.float() / 255
        lightness, chroma = split(lab_of_rgb(rgb))
        seen = lightness
        if self.config.augmentation.film:
            seen = film_lightness(rgb, lightness, self.config.augmentation.film, self.rng)
        if self.generator.stride > 1:
            lightness, chroma = (F.avg_pool2d(x, self.generator.stride) for x in (lightness, chroma))
        truth = torch.cat((lightness, chroma), dim=1)[:, -self.generator.outputs :]
        return seen.contiguous(memory_format=torch.channels_last), lightness, truth

    @torch.no_grad()
    def recalibrate(self, batches: list[Tensor]) -> None:
        """Measure BatchNorm's running statistics anew on these batches, of the weights as they are saved.

        The published code of the paper normalizes by the statistics of the batch at test time too; a
        model that colors one image at a time needs fixed ones, and these fit the weights better than
        those gathered while they changed.
        """
        trained = {k: v.clone() for k, v in self.generator.state_dict().items()}
        self.generator.load_state_dict(self.weights())
        norms = [norm for norm in self._norms() if norm.weight.requires_grad]
        momenta = [norm.momentum for norm in norms]
        training = self.generator.training
        self.generator.eval()  # no dropout
        for norm in norms:
            norm.train()
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
        for rgb in batches:
            self._predict(self._prepare(rgb.to(self.device, non_blocking=True))[0])
        state = self.generator.state_dict()
        measured = {k: v.clone() for k, v in state.items() if k.endswith(_STATISTICS)}
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self.generator.load_state_dict(trained | measured)
        self.average |= {k: v.clone() for k, v in measured.items()}
        self.generator.train(training)

    def _norms(self) -> list[nn.BatchNorm2d | nn.SyncBatchNorm]:
        return [m for m in self.generator.modules() if isinstance(m, nn.BatchNorm2d | nn.SyncBatchNorm)]

    @torch.no_grad()
    def _update_average(self, number: int) -> None:
        if not self.config.ema:
            return
        # A short memory at first, or a short run would save what it started from (as in TensorFlow's EMA).
        decay = min(self.config.ema, (1 + number) / (10 + number))
        now = self.generator.state_dict()
        names = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [now[n] for n in names], 1 - decay)
        for name in now.keys() - set(names):
            self.average[name].copy_(now[name])

    def state(self, *, optimizers: bool = True) -> dict[str, Any]:
        """All that training goes on from; without the optimizers what `restore` takes up without them."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average if self.config.ema else {},
            "optimizers": [each.state_dict() for each in self.optimizers] if optimizers else [],
            "rng": [torch.get_rng_state(), self.rng.get_state()],
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: dict[str, Any], *, optimizers: bool) -> None:
        """Take up what `state` gave; the optimizers only within the phase that they were made for."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        if self.world.first:  # the others draw as their rank has it
            torch.set_rng_state(state["rng"][0])
            self.rng.set_state(state["rng"][1])
            if len(state["cuda_rng"]) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(state["cuda_rng"])
        if optimizers:
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                # Those of another device were made for that one.
                groups = [g | self._how | {"lr": float(g["lr"])} for g in saved["param_groups"]]
                optimizer.load_state_dict(saved | {"param_groups": groups})
            self._record_anew()


def _computes_in_bf16(precision: str, generator: Generator, device: torch.device) -> bool:
    """Whether to compute in bfloat16: `auto` where the hardware multiplies matrices of it.

    On a CPU that is AMX or AVX512_BF16, and it pays for dense convolutions only: depthwise ones lose more
    than the others gain (docs/experiments.md).
    """
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return generator.dense and (
        bool(torch.cpu._is_amx_tile_supported()) or bool(torch.cpu._is_avx512_bf16_supported())
    )
