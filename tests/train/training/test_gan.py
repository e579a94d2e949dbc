"""A step of both networks: its switches, BatchNorm, the average of the weights, and the losses."""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.conftest import one_phase
from tests.train.training.conftest import quiet

from cgan_train.checkpoint import load_checkpoint, save_checkpoint
from cgan_train.color import gray_of_lightness
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import Augmentation, GeneratorConfig, TrainConfig
from cgan_train.data.loader import Loader
from cgan_train.data.sources import ImageSource
from cgan_train.evaluation.metrics import lab_of_image
from cgan_train.models import build_generator
from cgan_train.models.guided import TrainingGuide
from cgan_train.training import measuring
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan
from cgan_train.training.loop import Trainer
from cgan_train.training.losses import discriminator_loss, generator_gan_loss, pixel_loss
from cgan_train.training.run_log import TrainingProgress


def test_every_switch_trains(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = one_phase(
        tiny, 1, {"feature_weight": 10.0, "schedule": "staircase"}, epochs=1, gan_loss="hinge",
        generator_steps=2, precision="bf16",
        generator=dataclasses.replace(tiny.generator, channels="lab"),
        discriminator=dataclasses.replace(tiny.discriminator, spectral_norm=True),
    )  # fmt: skip
    seen: list[TrainingProgress] = []
    newest = Trainer.start(config, source, tmp_path / "run").run(seen.append)
    assert set(seen[-1].losses) == {"D", "G", "pixel", "features"}
    with (tmp_path / "run" / "log.csv").open(newline="") as stream:
        assert float(next(csv.DictReader(stream))["loss_features"]) > 0
    assert load_checkpoint(newest).training["bf16"] is True


def test_the_switches_of_the_papers_code(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = one_phase(
        tiny, 1, {}, epochs=1, dropout=False, batch_statistics=True,
        generator=dataclasses.replace(tiny.generator, channels="lab", gray="codes"),
        augmentation=Augmentation(),
    )  # fmt: skip
    images = [source.read(index) for index in range(4)]
    trainer = Trainer.start(config, source, tmp_path / "run", images)
    gan = trainer._gan
    gan.enter(config.phases[0], scratch=True)
    assert not any(part.training for part in gan.generator.modules() if isinstance(part, torch.nn.Dropout))
    red = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    red[:, 0] = 255
    seen, condition, truth = gan._prepare(red)
    torch.testing.assert_close(condition, torch.full_like(condition, 0.2989 * 255))
    torch.testing.assert_close(255 * gray_of_lightness(seen), condition, atol=0.01, rtol=0)
    torch.testing.assert_close(truth[:, :1] * 50 + 50, torch.full_like(condition, 53.24), atol=0.1, rtol=0)
    by_batch = load_checkpoint(trainer.run(quiet)).metrics
    generator = trainer.generator()
    assert by_batch["ciede2000"] != round(measuring.measure(generator, images, 32, lambda: False)[0]["ciede2000"], 4)
    assert by_batch["ciede2000"] == measuring.measure(generator, images, 32, lambda: False, 4)[0]["ciede2000"]


def test_a_guided_generator_learns_to_be_guided(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = one_phase(
        tiny, 0, {"crop": 32}, epochs=1, generator=GeneratorConfig("guided", 32, (8, 8, 12, 16)),
        augmentation=Augmentation(guides=1.0),
    )  # fmt: skip
    trainer = Trainer.start(config, source, tmp_path / "run")
    generator = trainer._gan.generator
    before = {name: weight.clone() for name, weight in generator.state_dict().items()}
    trainer.run(quiet)
    changed = {name for name, weight in generator.state_dict().items() if not torch.equal(weight, before[name])}
    assert {"key.weight", "key8.weight", "unknown", "hinted.0.weight", "recalled.2.weight"} <= changed


def test_a_smaller_generator_learns_the_colors_of_its_teacher(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig
) -> None:
    teacher = build_generator(large := GeneratorConfig("guided", 32, (8, 8, 12, 16)))
    torch.nn.init.constant_(teacher.head.bias, 0.3)  # type: ignore[union-attr, arg-type]
    save_checkpoint(tmp_path / "teacher", teacher.state_dict(), large, "edge", {}, {})
    config = one_phase(
        tiny, 0, {"crop": 32, "frozen_blocks": 16}, epochs=1, generator=GeneratorConfig("guided", 32, (8, 8, 8)),
        augmentation=Augmentation(guides=1.0), teacher=str(tmp_path / "teacher"),
    )  # fmt: skip
    trainer = Trainer.start(config, source, tmp_path / "run")
    given = trainer._gan.generator.state_dict()
    for name in ("encoder.stem.conv.weight", "key.weight", "sharpness"):
        assert torch.equal(given[name], teacher.state_dict()[name])
    seen, _, truth, *guide = trainer._gan._prepare(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8))
    with torch.no_grad():
        answer = teacher.eval().predict(seen, TrainingGuide(*guide))
    assert truth.shape == (4, 2, 4, 4)
    torch.testing.assert_close(truth, torch.nn.functional.avg_pool2d(answer, 2), atol=1e-3, rtol=0)
    trainer.run(quiet)
    again = Trainer.resume(tmp_path / "run", source)
    assert again._gan.teacher is not None


def test_frozen_statistics_stay(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = one_phase(tiny, 0, {"frozen_norm": True}, epochs=1, ema=0.0, recalibration=2)
    trainer = Trainer.start(config, source, tmp_path / "run")
    state = load_checkpoint(trainer.run(quiet)).generator.state_dict()
    means = [tensor for name, tensor in state.items() if name.endswith("running_mean")]
    assert not any(tensor.any() for tensor in means)
    assert not any((tensor - 1).any() for name, tensor in state.items() if name.endswith("running_var"))
    assert float(state["head.bias"].abs().max()) > 0
    modes = {type(part): part.training for part in trainer._gan.generator.modules()}
    assert (modes[torch.nn.Dropout], modes[torch.nn.BatchNorm2d]) == (True, False)


def test_statistics_are_measured_anew(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    plain = {"ema": 0.0, "augmentation": Augmentation()}
    config = one_phase(tiny, 0, {"lr": 1e-12}, epochs=1, recalibration=3, **plain)
    newest = Trainer.start(config, source, tmp_path / "run").run(quiet)
    first = load_checkpoint(newest).generator.down[0][1]
    assert int(first.num_batches_tracked) == 3
    assert float((first.running_var - 1).abs().max()) > 0.5  # more than a step of momentum away from 1


def test_average_of_a_short_run_has_learned(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    trainer = Trainer.start(dataclasses.replace(tiny, ema=0.999), source, tmp_path / "run")
    begun = trainer._gan.generator.head.weight.detach().clone()
    trainer.run(quiet)
    learned, averaged = trainer._gan.generator.head.weight.detach(), trainer._gan.average["head.weight"]
    assert (averaged - learned).norm() < (averaged - begun).norm()


def test_training_and_metrics_see_the_same_colors(source: ImageSource, tiny: TrainConfig) -> None:
    config = dataclasses.replace(tiny, augmentation=Augmentation(flip=False))
    rgb = next(Loader(source, 4, config.augmentation, seed=0).epoch(0, 48))
    seen, lightness, truth = Gan(config, World())._prepare(rgb)
    for number, image in enumerate(rgb.permute(0, 2, 3, 1).contiguous().numpy()):
        lab = lab_of_image(image)
        np.testing.assert_allclose(seen[number, 0], lab[..., 0] / 50 - 1, atol=1e-5)
        np.testing.assert_allclose(truth[number].permute(1, 2, 0), lab[..., 1:] / 110, atol=1e-5)
    assert torch.equal(seen, lightness)


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the tracer reads every attribute
def test_compiled_networks_train_alike(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced, but not compiled, which would take minutes and a C++ compiler.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    no_dropout = GeneratorConfig("seed", 32, (8, 8, 8))
    changes = {"discriminator_warmup": 0}
    config = one_phase(tiny, 1, changes, epochs=1, augmentation=Augmentation(), generator=no_dropout)
    losses = []
    for compiled in (False, True):
        trainer = Trainer.start(dataclasses.replace(config, compile=compiled), source, tmp_path / f"{compiled}")
        trainer.run(lambda now: losses.append(now.losses))
    half = len(losses) // 2
    for eager, traced in zip(losses[:half], losses[half:], strict=True):
        assert traced == pytest.approx(eager, rel=1e-3)


def test_pixel_loss_is_weighted_by_color_and_shade() -> None:
    plain, edge = recipe("paper"), recipe("edge")

    def loss(off: torch.Tensor, truth: torch.Tensor, light: torch.Tensor, gain: float = 0.0) -> float:
        return float(pixel_loss(off, truth, light, edge, gain))

    light, dark = torch.full((1, 1, 4, 4), 0.5), torch.full((1, 1, 4, 4), -0.95)
    truth = torch.full((1, 2, 4, 4), 0.3)
    off = truth + 0.2
    gray = torch.zeros_like(truth)
    assert float(pixel_loss(off, truth, light, plain, 0.0)) == pytest.approx(0.2, rel=1e-5)
    assert loss(truth, truth, light) == 0
    assert loss(off, truth, light) > loss(off, truth, dark)
    assert loss(off, truth, light) == pytest.approx(loss(gray + 0.2, gray, light), rel=1e-5)
    assert loss(off, truth, light, 0.1) > loss(gray + 0.2, gray, light, 0.1)


def test_gan_losses_fall_with_the_right_judgment() -> None:
    sure, unsure = torch.full((2, 1, 3, 3), 4.0), torch.zeros(2, 1, 3, 3)
    assert generator_gan_loss(sure) < generator_gan_loss(unsure)
    assert discriminator_loss(sure, -sure, 0.0) < discriminator_loss(unsure, unsure, 0.0)
    assert discriminator_loss(sure, -sure, 0.1) > discriminator_loss(sure, -sure, 0.0)
