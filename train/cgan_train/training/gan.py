"""The two networks, their optimizers, and one step of training both.

    gan = Gan(config, world)
    gan.enter(phase, scratch=False)
    losses = gan.step(phase, rgb, number=0)        # uint8 (N, 3, side, side)

The generator sees lightness alone, the discriminator lightness and what the generator predicts from it
(conditional GAN; Isola et al. 2017, arXiv 1611.07004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_train.color import lab_of_rgb, lightness_of_gray, luma_of_rgb, split_lab
from cgan_train.config.schema import Phase, TrainConfig
from cgan_train.data.augment import paste_others
from cgan_train.data.film import film_lightness, soft_lightness
from cgan_train.data.guides import draw_guide, second_views
from cgan_train.data.surfaces import show_surfaces
from cgan_train.models import build_discriminator, build_generator
from cgan_train.models.base import Generator
from cgan_train.models.guided import HINT_STRIDE, TrainingGuide
from cgan_train.training import distributed
from cgan_train.training.batch_norm import batch_norms, recalibrate, sync_batch_norms
from cgan_train.training.cuda_graph import Replay
from cgan_train.training.distributed import World
from cgan_train.training.losses import (
    PerceptualLoss,
    PixelLoss,
    discriminator_loss,
    feature_loss,
    generator_gan_loss,
    pixel_loss,
)
from cgan_train.training.teacher import Teacher

LOSSES = ("pixel", "perceptual", "G", "D", "features")
"""Names of the losses that a step may return."""

_WEIGHT_DECAY = 0.01  # of AdamW, PyTorch's default


class Gan:
    """Generator, discriminator and what trains them.

    Attributes:
        generator: Trained in place; `weights()` is what is measured and saved.
        discriminator: Idle in a phase of plain regression.
        teacher: What the generator learns its colors from, if the config names it.
        bf16: Whether the networks compute in bfloat16; weights, losses and optimizers stay float32.
        average: Moving average of the generator's weights (EMA), by name.
    """

    def __init__(
        self, config: TrainConfig, world: World, generator: Generator | None = None,
        loss: PixelLoss = pixel_loss,
    ) -> None:  # fmt: skip
        """Build the networks on the device of `world`.

        `generator` takes the place of the config's. `loss` takes the place of the pixel loss, for a generator
        that predicts something else in training; on a GPU it must not wait for the device (see `cuda_graph`).
        """
        self._pixel_loss = loss
        self.config = config
        self.world = world
        self.device = world.device
        torch.manual_seed(config.seed)
        self.generator: Generator = self._prepare_network(generator or build_generator(config.generator))
        self.discriminator: nn.Module = self._prepare_network(
            build_discriminator(config.discriminator, 1 + self.generator.outputs)
        )
        self.teacher = Teacher(config.teacher, world.device) if config.teacher else None
        self.bf16 = _use_bf16(config.precision, world.device)
        perceptual = any(phase.perceptual_weight for phase in config.phases)
        self._perceptual = PerceptualLoss(world.device, bf16=self.bf16) if perceptual else None
        self._run_generator: Callable[..., Any] = self.generator.predict
        self._run_discriminator: Callable[..., Any] = self.discriminator.forward
        if config.compile:
            self._run_generator = torch.compile(self._run_generator)
            self._run_discriminator = torch.compile(self._run_discriminator)
        on_gpu = world.device.type == "cuda"
        self._replay = Replay() if on_gpu and world.size == 1 and config.cuda_graphs else None
        # On a CPU a fused optimizer would copy channels_last weights to another layout and back.
        graphs = self._replay is not None
        self._optimizer_options = {"fused": on_gpu, "foreach": not on_gpu, "capturable": graphs}
        self.rng = torch.Generator().manual_seed(config.seed + world.rank)
        if not world.is_main:  # each process draws its own dropout
            torch.manual_seed(config.seed + world.rank)
        self.reset_average()

    def _prepare_network(self, module: nn.Module) -> Any:
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return sync_batch_norms(module, self.world)

    def broadcast_weights(self) -> None:
        """Give every process the networks of the main one."""
        distributed.broadcast_weights(self.generator, self.world)
        distributed.broadcast_weights(self.discriminator, self.world)

    def reset_average(self) -> None:
        """Start the moving average of the weights from what they are now."""
        self.average = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}

    def weights(self) -> dict[str, Tensor]:
        """The generator's weights by name; their average if the config asks for one."""
        return self.average if self.config.ema else self.generator.state_dict()

    def enter(self, phase: Phase, *, scratch: bool) -> None:
        """Start a phase: freeze what it freezes, and make its optimizers.

        With `scratch` the encoder has random weights: none of it is frozen, and its rate is the decoder's.
        """
        self.generator.freeze(0 if scratch else phase.frozen_blocks)
        pretrained = {id(parameter) for parameter in self.generator.pretrained()}
        groups = []
        trained = [p for p in self.generator.parameters() if p.requires_grad]
        for early, scale in ((False, 1.0), (True, 1.0 if scratch else self.config.encoder_rate)):
            if members := [p for p in trained if (id(p) in pretrained) == early]:
                groups.append({"params": members, "scale": scale})
        judge = [{"params": list(self.discriminator.parameters()), "scale": self.config.discriminator_rate}]
        self.optimizers = (self._optimizer(groups), self._optimizer(judge))
        self.generator.train()
        if phase.frozen_norm:
            for norm in batch_norms(self.generator):
                norm.eval()
        for part in self.generator.modules():
            if isinstance(part, nn.Dropout):
                part.train(self.config.dropout)
        self.discriminator.train()
        self._reset_replay()

    def _optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Adam or AdamW; `set_rate` gives each group its learning rate before every step."""
        options: dict[str, Any] = {"betas": self.config.betas} | self._optimizer_options
        if self.config.optimizer == "adamw":
            return torch.optim.AdamW(groups, weight_decay=_WEIGHT_DECAY, **options)
        return torch.optim.Adam(groups, **options)

    def _reset_replay(self) -> None:
        """Record steps anew, since the optimizers' tensors are others."""
        if self._replay is None:
            return
        self._replay.reset()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = torch.zeros((), device=self.device)  # the graph reads it there

    def set_rate(self, phase: Phase, step: int, steps: int) -> None:
        """Set the learning rates for one step, counted from 0, of a phase of `steps`."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                rate = phase.rate_at(step, steps) * group["scale"]
                if self._replay is None:
                    group["lr"] = rate
                else:
                    group["lr"].fill_(rate)

    def step(self, phase: Phase, rgb: Tensor, *, number: int, warming: bool = False) -> dict[str, float]:
        """Train on one batch, and return the losses by name (see `LOSSES`), averaged over all processes.

        Args:
            phase: The one that was entered.
            rgb: The batch, uint8 sRGB (N, 3, side, side).
            number: Steps done in the run; the moving average covers more steps as it grows.
            warming: Train the discriminator alone.
        """
        rgb = rgb.to(self.device, non_blocking=True)
        rgb = show_surfaces(rgb, self.config.augmentation.surfaces, self.rng)
        batch = self._prepare(paste_others(rgb, self.config.augmentation.paste, self.rng))
        train = partial(self._train, phase, warming)
        losses = train(*batch) if self._replay is None else self._replay(train, (phase, warming), batch)
        if not warming:
            self._update_average(number)
        values = distributed.average(torch.stack(list(losses.values())), self.world)
        return dict(zip(losses, values.tolist(), strict=True))  # waits for the device, once

    def _train(
        self, phase: Phase, warming: bool, seen: Tensor, lightness: Tensor, truth: Tensor, *guide: Tensor
    ) -> dict[str, Tensor]:
        """Update the networks for a batch that `_prepare` made."""
        losses: dict[str, Tensor] = {}
        with torch.set_grad_enabled(not warming):
            predicted = self._predict(seen, *guide)
        if phase.gan or warming:
            losses["D"] = self._step_discriminator(lightness, truth, predicted.detach())
        if warming:
            return losses
        for again in range(self.config.generator_steps if phase.gan else 1):
            predicted = self._predict(seen, *guide) if again else predicted
            losses |= self._step_generator(phase, lightness, truth, predicted)
        return losses

    def _predict(self, seen: Tensor, *guide: Tensor) -> Tensor:
        guides = (TrainingGuide(*guide),) if guide else ()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return self._run_generator(seen, *guides).float()  # type: ignore[no-any-return]

    def _judge(self, lightness: Tensor, image: Tensor) -> list[Tensor]:
        """The discriminator's features and, last, its logits."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            features = self._run_discriminator(torch.cat((lightness, image), dim=1))
        return [feature.float() for feature in features]

    def _step_generator(self, phase: Phase, lightness: Tensor, truth: Tensor, predicted: Tensor) -> dict[str, Tensor]:
        pixel = self._pixel_loss(predicted, truth, lightness, self.config, phase.chroma_gain)
        total = phase.pixel_weight * pixel
        losses = {"pixel": pixel.detach()}
        if self._perceptual and phase.perceptual_weight:
            perceptual = self._perceptual(lightness, predicted, truth)
            total = total + phase.perceptual_weight * perceptual
            losses["perceptual"] = perceptual.detach()
        if phase.gan:
            self.discriminator.requires_grad_(False)  # the gradient passes through to the generator alone
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
        """Minimize a loss by one step of an optimizer."""
        self.optimizers[which].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(network.parameters(), self.world)
        self.optimizers[which].step()

    def _prepare(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """A uint8 batch to the generator's input, and true lightness and target at its prediction's size.

        For a generator that learns to be guided the fields of its `TrainingGuide` follow.
        """
        rgb = rgb.float() / 255
        share = self.config.augmentation.guides if self.generator.guided else 0.0
        if share:
            rgb, near = second_views(rgb, self.rng)
        lightness, chroma = split_lab(lab_of_rgb(rgb))
        seen, augmentation = lightness, self.config.augmentation
        if augmentation.soft:
            seen = soft_lightness(seen, augmentation.soft, self.rng)
        if augmentation.film:
            seen = film_lightness(rgb, seen, augmentation.film, self.rng)
        guide: tuple[Tensor, ...] = ()
        stride = self.generator.stride
        if share:
            guide, chroma = draw_guide(F.avg_pool2d(chroma, HINT_STRIDE), near, share=share, rng=self.rng)
            stride //= HINT_STRIDE
        lightness, chroma = F.avg_pool2d(lightness, self.generator.stride), F.avg_pool2d(chroma, stride)
        if self.teacher:
            chroma = self.teacher.answer(seen, guide, self.generator.stride)
        truth = torch.cat((lightness, chroma), dim=1)[:, -self.generator.outputs :]
        if self.config.generator.gray == "codes":  # also for the discriminator
            gray = luma_of_rgb(rgb)
            seen, lightness = lightness_of_gray(gray), 255 * gray
        return seen.contiguous(memory_format=torch.channels_last), lightness, truth, *guide

    def recalibrate(self, batches: Iterable[Tensor]) -> None:
        """Measure BatchNorm's running statistics anew on uint8 batches, for the weights that are saved."""

        def run() -> None:
            for rgb in batches:
                self._predict(self._prepare(rgb.to(self.device, non_blocking=True))[0])

        statistics = recalibrate(self.generator, self.weights(), run)
        self.average |= {name: value.clone() for name, value in statistics.items()}

    @torch.no_grad()
    def _update_average(self, number: int) -> None:
        if not self.config.ema:
            return
        # It covers few steps at first, or a short run would save its initial weights (as in TensorFlow).
        decay = min(self.config.ema, (1 + number) / (10 + number))
        now = self.generator.state_dict()
        names = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [now[n] for n in names], 1 - decay)
        for name in now.keys() - set(names):
            self.average[name].copy_(now[name])

    def state(self, *, optimizers: bool = True) -> dict[str, Any]:
        """The state that training resumes from."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average if self.config.ema else {},
            "optimizers": [each.state_dict() for each in self.optimizers] if optimizers else [],
            "rng": [torch.get_rng_state(), self.rng.get_state()],
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: dict[str, Any], *, optimizers: bool) -> None:
        """Load the output of `state`; optimizers only within the phase that they were made for."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        if self.world.is_main:  # the others draw by their rank
            torch.set_rng_state(state["rng"][0])
            self.rng.set_state(state["rng"][1])
            if len(state["cuda_rng"]) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(state["cuda_rng"])
        if optimizers:
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                own = self._optimizer_options  # the state may come from another device
                groups = [group | own | {"lr": float(group["lr"])} for group in saved["param_groups"]]
                optimizer.load_state_dict(saved | {"param_groups": groups})
            self._reset_replay()


def _use_bf16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bfloat16; `auto` does if the hardware multiplies such matrices: AMX or AVX512_BF16."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported()) or bool(torch.cpu._is_avx512_bf16_supported())
