"""The loop: it learns, it resumes as if it had not been stopped, and it stops before it does harm."""

from __future__ import annotations

import csv
import dataclasses
import errno
import functools
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_train.checkpoint import load_checkpoint
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import Augmentation, DiscriminatorConfig, GeneratorConfig, Phase, TrainConfig
from cgan_train.data.loader import Loader
from cgan_train.data.sources import open_sources
from cgan_train.evaluation.metrics import lab_of_image
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan
from cgan_train.training.loop import Trainer
from cgan_train.training.losses import discriminator_loss, generator_gan_loss, pixel_loss
from cgan_train.training.run_log import TrainingProgress


def quiet(_: TrainingProgress) -> None:
    """Report nothing."""


def test_it_learns_the_colors_of_its_photos(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    images = [source.read(index) for index in range(3)]
    phase = dataclasses.replace(tiny.phases[1], share=1.0, lr=3e-3, discriminator_warmup=0)
    config = dataclasses.replace(tiny, phases=(phase,), epochs=25, augmentation=Augmentation(), ema=0.0)
    seen: list[TrainingProgress] = []
    Trainer.start(config, source, tmp_path / "run", images).run(seen.append)
    metrics = load_checkpoint(tmp_path / "run").metrics
    assert metrics["gain_percent"] > 40
    assert {"pixel", "G", "D"} <= set(seen[-1].losses)
    with (tmp_path / "run" / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 26))
    assert len(list((tmp_path / "run" / "samples").glob("*.png"))) == 25
    assert len(list((tmp_path / "run").glob("epoch-*"))) == 3


def test_a_stopped_run_goes_on_as_if_it_had_not_been(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    whole = load_checkpoint(Trainer.start(tiny, source, tmp_path / "whole").run(quiet))
    for stop in (1, 2, 3):
        folder = tmp_path / f"stopped-{stop}"

        def die(now: TrainingProgress, stop: int = stop) -> None:
            if now.epoch == stop + 1 and now.step == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Trainer.start(tiny, source, folder).run(die)
        torch.rand(5)  # the state of the random generators must come from the checkpoint
        resumed = load_checkpoint(Trainer.resume(folder, source).run(quiet))
        for name, tensor in whole.generator.state_dict().items():
            assert torch.equal(tensor, resumed.generator.state_dict()[name]), (stop, name)


def test_a_run_stopped_within_an_epoch_goes_on_bit_for_bit(
    photos: Path, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = open_sources([photos])
    config = dataclasses.replace(tiny, batch_size=2, recalibration=2, precision="fp32")
    whole = load_checkpoint(Trainer.start(config, source, tmp_path / "whole").run(quiet))
    monkeypatch.setattr("cgan_train.training.loop._SAVE_SECONDS", 0.0)  # a state after every step
    for epoch, step in ((1, 2), (3, 1), (3, 4), (4, 5)):
        folder = tmp_path / f"stopped-{epoch}-{step}"

        def die(now: TrainingProgress, stop: tuple[int, int] = (epoch, step)) -> None:
            if (now.epoch, now.step) == stop:
                raise RuntimeError  # as good as dead: nothing is saved on the way out

        with pytest.raises(RuntimeError):
            Trainer.start(config, source, folder).run(die)
        torch.rand(5)
        trainer = Trainer.resume(folder, source)
        assert (trainer.epoch, trainer.step) == (epoch - 1, step - 1)
        resumed = load_checkpoint(trainer.run(quiet))
        assert not (folder / "unfinished").exists()
        for name, tensor in whole.generator.state_dict().items():
            assert torch.equal(tensor, resumed.generator.state_dict()[name]), (epoch, step, name)


@pytest.mark.parametrize("moment", ["within a step", "at the end of an epoch"])
def test_a_signal_waits_until_nothing_is_half_done(
    moment: str, photos: Path, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = open_sources([photos])
    phase = dataclasses.replace(tiny.phases[1], share=1.0, discriminator_warmup=0)
    config = dataclasses.replace(tiny, phases=(phase,), recalibration=1)
    whole = load_checkpoint(Trainer.start(config, source, tmp_path / "whole").run(quiet))
    part, calls = ("_step_generator", 5) if moment == "within a step" else ("recalibrate", 2)
    original, left = getattr(Gan, part), [calls]

    def interrupted(*arguments: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(Gan, part, interrupted)
    with pytest.raises(KeyboardInterrupt):
        Trainer.start(config, source, tmp_path / "run").run(quiet)
    trainer = Trainer.resume(tmp_path / "run", source)
    assert (trainer.epoch, trainer.step) == ((1, 2) if moment == "within a step" else (2, 0))
    resumed = load_checkpoint(trainer.run(quiet))
    for name, tensor in whole.generator.state_dict().items():
        assert torch.equal(tensor, resumed.generator.state_dict()[name]), name


def test_a_second_signal_ends_a_run_at_once(
    photos: Path, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted_twice(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("still there")

    monkeypatch.setattr(Gan, "_step_generator", interrupted_twice)
    with pytest.raises(KeyboardInterrupt):
        Trainer.start(tiny, open_sources([photos])[0], tmp_path / "run").run(quiet)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_runs_do_not_share_a_folder(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    Trainer.start(tiny, source, tmp_path / "run").run(quiet, epochs=1)

    def meet(_: TrainingProgress) -> None:
        with pytest.raises(ConfigError, match="another process is training in"):
            Trainer.resume(tmp_path / "run", source).run(quiet)

    Trainer.resume(tmp_path / "run", source).run(meet, epochs=1)
    Trainer.resume(tmp_path / "run", source).run(quiet)


def test_looking_at_a_run_within_an_epoch_does_not_change_it(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    source, _ = open_sources([photos])
    config = dataclasses.replace(tiny, recalibration=2)
    weights = []
    for looks in (False, True):
        trainer = Trainer.start(config, source, tmp_path / f"{looks}")

        def look(now: TrainingProgress, trainer: Trainer = trainer, looks: bool = looks) -> None:
            if looks and now.step < now.steps:
                trainer.generator()

        weights.append(load_checkpoint(trainer.run(look)).generator.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_trains_for_some_minutes(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    trainer = Trainer.start(tiny, source, tmp_path / "run")
    stopped = trainer.run(quiet, minutes=1e-6)
    assert (trainer.epoch, trainer.step) == (0, 1)
    assert not trainer.done
    assert load_checkpoint(stopped).training["steps_done"] == 1
    with pytest.raises(ConfigError, match="holds a run"):
        Trainer.start(tiny, source, tmp_path / "run")
    assert Trainer.resume(tmp_path / "run", source).run(quiet).name == "epoch-0004"


def test_other_images_are_refused(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    Trainer.start(dataclasses.replace(tiny, epochs=2), source, tmp_path / "run").run(quiet)
    (photos / "000.png").unlink()
    with pytest.raises(ConfigError, match="other images"):
        Trainer.resume(tmp_path / "run", open_sources([photos])[0])


def test_every_switch_trains(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    phase = dataclasses.replace(tiny.phases[1], share=1.0, feature_weight=10.0, schedule="staircase")
    config = dataclasses.replace(
        tiny, phases=(phase,), epochs=1, gan_loss="hinge", generator_steps=2, precision="bf16",
        generator=dataclasses.replace(tiny.generator, channels="lab"),
        discriminator=dataclasses.replace(tiny.discriminator, spectral_norm=True),
    )  # fmt: skip
    seen: list[TrainingProgress] = []
    newest = Trainer.start(config, source, tmp_path / "run").run(seen.append)
    assert set(seen[-1].losses) == {"D", "G", "pixel", "features"}
    with (tmp_path / "run" / "log.csv").open(newline="") as stream:
        assert float(next(csv.DictReader(stream))["loss_features"]) > 0
    assert load_checkpoint(newest).training["bf16"] is True


def test_frozen_statistics_stay(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    phase = dataclasses.replace(tiny.phases[0], share=1.0, frozen_norm=True)
    config = dataclasses.replace(tiny, phases=(phase,), epochs=1, ema=0.0)
    trained = load_checkpoint(Trainer.start(config, source, tmp_path / "run").run(quiet)).generator
    for name, tensor in trained.state_dict().items():
        if name.endswith("running_mean"):
            assert torch.equal(tensor, torch.zeros_like(tensor))
    assert float(trained.state_dict()["head.bias"].abs().max()) > 0


def test_frozen_statistics_leave_dropout_and_are_not_measured_anew(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    source, _ = open_sources([photos])
    phase = dataclasses.replace(tiny.phases[0], share=1.0, frozen_norm=True)
    config = dataclasses.replace(tiny, phases=(phase,), epochs=1, recalibration=2)
    trainer = Trainer.start(config, source, tmp_path / "run")
    trained = load_checkpoint(trainer.run(quiet)).generator
    assert float(trained.down[0][1].running_var[0]) == 1
    modes = {type(part): part.training for part in trainer._gan.generator.modules()}
    assert (modes[torch.nn.Dropout], modes[torch.nn.BatchNorm2d]) == (True, False)


def test_statistics_are_measured_anew(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    phase = dataclasses.replace(tiny.phases[0], share=1.0, lr=1e-12)
    config = dataclasses.replace(
        tiny, phases=(phase,), epochs=1, ema=0.0, recalibration=3, augmentation=Augmentation()
    )
    newest = Trainer.start(config, source, tmp_path / "run").run(quiet)
    generator = load_checkpoint(newest).generator
    first = generator.down[0][1]
    assert int(first.num_batches_tracked) == 3
    assert float((first.running_var - 1).abs().max()) > 0.5  # not one step of momentum away from 1


def test_the_average_of_a_short_run_is_of_what_it_learned(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    source, _ = open_sources([photos])
    trainer = Trainer.start(dataclasses.replace(tiny, epochs=4, ema=0.999), source, tmp_path / "run")
    begun = trainer._gan.generator.head.weight.detach().clone()
    trainer.run(quiet)
    learned, averaged = trainer._gan.generator.head.weight.detach(), trainer._gan.average["head.weight"]
    assert (averaged - learned).norm() < (averaged - begun).norm()


def test_one_checkpoint_is_no_run(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    newest = Trainer.start(dataclasses.replace(tiny, epochs=2), source, tmp_path / "run").run(quiet)
    with pytest.raises(ConfigError, match="one checkpoint"):
        Trainer.resume(newest, source)


def test_an_encoder_from_nothing_is_trained(photos: Path, tmp_path: Path) -> None:
    phases = (Phase("gan", share=1.0, crop=32, lr=1e-3, frozen_blocks=16, discriminator_warmup=1000),)
    config = dataclasses.replace(
        recipe("edge"), phases=phases, epochs=1, batch_size=4, encoder_weights="none", ema=0.0,
        generator=GeneratorConfig("edge", 32, (8, 8, 8, 8)),
    )  # fmt: skip
    source, _ = open_sources([photos])
    trainer = Trainer.start(config, source, tmp_path / "run")
    before = trainer._gan.generator.encoder.stem.conv.weight.detach().clone()
    trainer.run(quiet)  # and the discriminator does not take all of a short phase for itself
    assert not torch.equal(before, trainer._gan.generator.encoder.stem.conv.weight)


def test_losses_that_are_no_number_stop_the_run(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    phases = tuple(dataclasses.replace(phase, lr=1e30) for phase in tiny.phases)
    with pytest.raises(TrainingError, match="begin again"):
        Trainer.start(dataclasses.replace(tiny, phases=phases), source, tmp_path / "run").run(quiet)


def test_broken_weights_are_never_saved(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    phase = dataclasses.replace(tiny.phases[0], share=1.0)
    config = dataclasses.replace(tiny, phases=(phase,), epochs=3, ema=0.0)
    source, _ = open_sources([photos])
    trainer = Trainer.start(config, source, tmp_path / "run")
    trainer.run(quiet, epochs=1)

    def break_weights(now: TrainingProgress) -> None:
        if now.step == now.steps:  # after the last loss of the epoch was seen to be good
            with torch.no_grad():
                next(trainer._gan.generator.parameters())[0] = torch.inf

    with pytest.raises(TrainingError, match=r"no longer finite numbers in epoch 3; begin again"):
        trainer.run(break_weights)
    assert [path.name for path in sorted((tmp_path / "run").glob("epoch-*"))] == ["epoch-0001"]
    assert load_checkpoint(tmp_path / "run").training["epochs_done"] == 1


def test_what_a_run_tells(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    (photos / "007.png").write_bytes(b"no image")
    source, _ = open_sources([photos])
    images = [source.read(index) for index in range(4)]
    run = tmp_path / "run"
    # A log that an older cgan began, with fewer columns, and this epoch's row by a run that was killed.
    run.mkdir()
    (run / "log.csv").write_text("epoch,phase,old\n1,plain,7\n2,plain,8\n")
    Trainer.start(tiny, source, run, images, tensorboard=True).run(quiet)
    with (run / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[3]["mae"]) > 0
    assert float(rows[3]["loss_D"]) > 0
    assert cv2.imread(str(run / "summary.png")).shape[1] > 800
    assert cv2.imread(str(run / "samples" / "epoch-0004.png")) is not None
    assert "007.png" in (run / "skipped.txt").read_text()
    assert len(list((run / "samples").iterdir())) == 4
    (events,) = (run / "tensorboard").iterdir()
    content = events.read_bytes()
    for tag in (b"epoch/mae", b"epoch/loss_D", b"samples"):
        assert tag in content


def test_images_on_the_device_train_alike(cifar: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    config = dataclasses.replace(tiny, augmentation=Augmentation(film=0.5), epochs=2)
    source, _ = open_sources([cifar])
    weights = []
    for name in ("device", "host"):
        trainer = Trainer.start(config, source, tmp_path / name)
        assert trainer._loader.resident
        if name == "host":
            trainer._loader._stack = None  # the way that photos go
        weights.append(load_checkpoint(trainer.run(quiet)).generator.state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_what_is_seen_in_training_is_what_is_measured(photos: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    config = dataclasses.replace(tiny, augmentation=Augmentation(flip=False))
    loader = Loader(source, 4, config.augmentation, seed=0)
    rgb = next(loader.epoch(0, 48))
    seen, lightness, truth = Gan(config, World())._prepare(rgb)
    for number, image in enumerate(rgb.permute(0, 2, 3, 1).contiguous().numpy()):
        lab = lab_of_image(image)
        np.testing.assert_allclose(seen[number, 0], lab[..., 0] / 50 - 1, atol=1e-5)
        np.testing.assert_allclose(truth[number].permute(1, 2, 0), lab[..., 1:] / 110, atol=1e-5)
    assert torch.equal(seen, lightness)


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the tracer looks at everything
def test_compiled_networks_train_alike(
    photos: Path, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced, but not translated, which would take minutes and a C++ compiler.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    phase = dataclasses.replace(tiny.phases[1], share=1.0, discriminator_warmup=0)
    config = dataclasses.replace(tiny, phases=(phase,), epochs=1, augmentation=Augmentation())
    config = dataclasses.replace(config, generator=GeneratorConfig("seed", 32, (8, 8, 8)))  # no dropout
    source, _ = open_sources([photos])
    losses = []
    for compiled in (False, True):
        trainer = Trainer.start(
            dataclasses.replace(config, compile=compiled), source, tmp_path / f"{compiled}"
        )
        trainer.run(lambda now: losses.append(now.losses))
    half = len(losses) // 2
    for eager, made in zip(losses[:half], losses[half:], strict=True):
        assert made == pytest.approx(eager, rel=1e-3)


def test_a_log_that_cannot_be_written_ends_a_run_that_can_be_resumed(
    photos: Path, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = open_sources([photos])
    run = tmp_path / "run"
    Trainer.start(tiny, source, run).run(quiet, epochs=1)

    def full(_: Figure, path: Path, **__: object) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    monkeypatch.setattr("cgan_train.training.run_log._DRAW_SECONDS", 0.0)
    with pytest.raises(TrainingError, match=r"No space left on device\); free some space.*--resume"):
        Trainer.resume(run, source).run(quiet)
    assert not list(run.glob(".*"))
    monkeypatch.undo()
    Trainer.resume(run, source).run(quiet)
    with (run / "log.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_what_was_left_out_is_still_known_after_a_stop(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    for name in ("003.png", "007.png"):
        (photos / name).write_bytes(b"no image")
    source, _ = open_sources([photos])
    Trainer.start(tiny, source, tmp_path / "run").run(quiet, epochs=2)
    trainer = Trainer.resume(tmp_path / "run", source)
    assert set(trainer.skipped) == {3, 7}


def test_a_file_is_no_folder_of_a_run(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        Trainer.start(tiny, open_sources([photos])[0], tmp_path / "run")


def test_crops_that_the_generator_cannot_take_are_refused(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    phases = (tiny.phases[0], dataclasses.replace(tiny.phases[1], crop=34))
    with pytest.raises(ConfigError, match="phase 'gan' has crops of 34 px; give a multiple of 4"):
        Trainer.start(dataclasses.replace(tiny, phases=phases), open_sources([photos])[0], tmp_path / "run")


def test_a_run_is_not_overwritten(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    config = dataclasses.replace(tiny, epochs=2)
    Trainer.start(config, source, tmp_path / "run").run(quiet)
    with pytest.raises(ConfigError, match="--resume"):
        Trainer.start(config, source, tmp_path / "run")


def test_init_takes_the_weights_and_refuses_another_generator(
    photos: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    source, _ = open_sources([photos])
    first = Trainer.start(dataclasses.replace(tiny, epochs=2), source, tmp_path / "a").run(quiet)
    frozen = tuple(dataclasses.replace(phase, lr=1e-30) for phase in tiny.phases)
    config = dataclasses.replace(tiny, epochs=2, phases=frozen)
    second = Trainer.start(config, source, tmp_path / "b", init=first).run(quiet)
    old, new = (dict(load_checkpoint(path).generator.named_parameters()) for path in (first, second))
    assert all(torch.allclose(old[name], new[name]) for name in old)
    other = dataclasses.replace(tiny, generator=GeneratorConfig("paper", 32, (8, 8, 8)))
    with pytest.raises(ConfigError, match=r"recipe wants generator 'paper' of widths \[8, 8, 8\].*--set"):
        Trainer.start(other, source, tmp_path / "c", init=first)
    larger = dataclasses.replace(config, generator=dataclasses.replace(config.generator, size=64))
    Trainer.start(larger, source, tmp_path / "e", init=first)
    with pytest.raises(ConfigError, match="no ImageNet encoder"):
        Trainer.start(dataclasses.replace(tiny, encoder_weights="imagenet"), source, tmp_path / "d")


@pytest.mark.parametrize("name", ["seed", "paper", "paper-unet", "places", "edge"])
def test_every_recipe_trains(name: str, photos: Path, tmp_path: Path) -> None:
    config = recipe(name)
    narrow = (8, 8, 16, 16) if name == "edge" else (4,) * len(config.generator.widths)
    side = 128 if name == "places" else 32
    phases = tuple(
        dataclasses.replace(phase, crop=min(phase.crop, side), discriminator_warmup=1)
        for phase in config.phases
    )
    config = dataclasses.replace(
        config,
        generator=dataclasses.replace(config.generator, widths=narrow),
        discriminator=DiscriminatorConfig(config.discriminator.name, (8, 16)),
        phases=phases,
        epochs=len(phases) if len(phases) == 1 else 7,
        batch_size=4,
        encoder_weights="none",
    )
    source, _ = open_sources([photos])
    seen: list[TrainingProgress] = []
    images = [source.read(index) for index in range(2)]
    newest = Trainer.start(config, source, tmp_path / "run", images).run(seen.append)
    assert cv2.imread(str(next((tmp_path / "run" / "samples").iterdir()))) is not None
    assert {now.phase for now in seen} == {phase.name for phase in config.phases}
    assert ("D" in seen[-1].losses) == (name != "paper-unet")
    assert np.isfinite([*seen[-1].losses.values()]).all()
    assert load_checkpoint(newest).recipe == name


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


def test_gan_losses_fall_when_they_should() -> None:
    sure, unsure = torch.full((2, 1, 3, 3), 4.0), torch.zeros(2, 1, 3, 3)
    assert generator_gan_loss(sure) < generator_gan_loss(unsure)
    assert discriminator_loss(sure, -sure, 0.0) < discriminator_loss(unsure, unsure, 0.0)
    assert discriminator_loss(sure, -sure, 0.1) > discriminator_loss(sure, -sure, 0.0)


def test_phase_is_part_of_the_checkpoint(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    source, _ = open_sources([photos])
    newest = Trainer.start(dataclasses.replace(tiny, epochs=2), source, tmp_path / "run").run(quiet)
    training = load_checkpoint(newest).training
    then = Trainer.start(dataclasses.replace(tiny, epochs=2), source, tmp_path / "then", init=newest)
    assert load_checkpoint(then.run(quiet)).training["before"] == training
    assert TrainConfig.from_json(training["config"]).phases[0] == Phase(
        "plain", share=0.5, crop=32, lr=2e-3, gan=False
    )
    assert training["images_per_epoch"] == 12
