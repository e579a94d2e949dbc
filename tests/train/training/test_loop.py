"""The training loop: it learns, it resumes exactly, and it stops before it does harm."""

from __future__ import annotations

import csv
import dataclasses
import shutil
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tests.train.conftest import TINY, one_phase, write_photos
from tests.train.training.conftest import assert_same_weights, quiet

from cgan_runtime.errors import ConfigError, TrainingError
from cgan_runtime.system.signals import exit_on_signals
from cgan_train.checkpoint import load_checkpoint
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import Augmentation, DiscriminatorConfig, GeneratorConfig, Phase, TrainConfig
from cgan_train.data.sources import ImageSource, open_sources
from cgan_train.training import measuring
from cgan_train.training.gan import Gan
from cgan_train.training.loop import Trainer
from cgan_train.training.run_log import EpochReport, TrainingProgress


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve `photos`, and the finished `run` of two epochs on them; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    write_photos(folder / "photos", 12)
    source, _ = open_sources([folder / "photos"])
    Trainer.start(dataclasses.replace(TINY, epochs=2), source, folder / "run").run(quiet)
    return folder


def test_learns_the_colors_of_its_photos(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    images = [source.read(index) for index in range(3)]
    changes = {"lr": 3e-3, "discriminator_warmup": 0}
    config = one_phase(tiny, 1, changes, epochs=25, augmentation=Augmentation(), ema=0.0)
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


@pytest.mark.parametrize("save_seconds", [600.0, 0.0], ids=["saved-after-epochs", "saved-after-steps"])
def test_killed_run_resumes_to_the_same_weights(
    save_seconds: float, source: ImageSource, tmp_path: Path, tiny: TrainConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One run goes on to its end; what a kill would leave behind is copied from it."""
    config = dataclasses.replace(tiny, batch_size=2, recalibration=2, precision="fp32")
    monkeypatch.setattr("cgan_train.training.loop._SAVE_SECONDS", save_seconds)
    kills = ((1, 2), (3, 1), (3, 4), (4, 5)) if save_seconds == 0 else ((2, 2), (3, 2), (4, 2))

    def copy(now: TrainingProgress) -> None:
        if (now.epoch, now.step) in kills:
            shutil.copytree(tmp_path / "whole", tmp_path / f"killed-{now.epoch}-{now.step}")

    Trainer.start(config, source, tmp_path / "whole").run(copy)
    for epoch, step in kills:
        torch.rand(5)  # the random state must come from the checkpoint
        folder = tmp_path / f"killed-{epoch}-{step}"
        trainer = Trainer.resume(folder, source)
        assert (trainer.epoch, trainer.step) == (epoch - 1, step - 1 if save_seconds == 0 else 0)
        trainer.run(quiet)
        assert not (folder / "unfinished").exists()
        assert_same_weights(folder, tmp_path / "whole")


def test_saving_within_an_epoch_changes_nothing(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(tiny, epochs=2, recalibration=2)
    for name, seconds in (("rare", 600.0), ("always", 0.0)):
        monkeypatch.setattr("cgan_train.training.loop._SAVE_SECONDS", seconds)
        Trainer.start(config, source, tmp_path / name).run(quiet)
    assert_same_weights(tmp_path / "rare", tmp_path / "always")


def test_signal_takes_effect_after_a_step_or_epoch(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = one_phase(tiny, 1, {"discriminator_warmup": 0}, recalibration=1)
    Trainer.start(config, source, tmp_path / "whole").run(quiet)
    for part, calls, position in (("_step_generator", 5, (1, 2)), ("recalibrate", 2, (1, 3))):
        original, left = getattr(Gan, part), [calls]

        def interrupted(*arguments: object, original: object = original, left: list[int] = left) -> object:
            left[0] -= 1
            if left[0] == 0:
                signal.raise_signal(signal.SIGINT)
            return original(*arguments)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(Gan, part, interrupted)
            with pytest.raises(KeyboardInterrupt):
                Trainer.start(config, source, tmp_path / part).run(quiet)
        trainer = Trainer.resume(tmp_path / part, source)
        assert (trainer.epoch, trainer.step) == position
        trainer.run(quiet)
        assert_same_weights(tmp_path / part, tmp_path / "whole")


def test_a_signal_interrupts_the_measuring(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state after the last step is kept; measuring is made up for, and the run ends as an uninterrupted one."""
    config = one_phase(tiny, 1, {"discriminator_warmup": 0}, recalibration=1, epochs=2)
    images = [source.read(index) for index in range(3)]
    Trainer.start(config, source, tmp_path / "whole", images).run(quiet)
    predicted = measuring.measure_generator
    stopped: list[str] = []

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return predicted(*arguments)

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(measuring, "measure_generator", interrupted)
        exit_on_signals()
        with pytest.raises(SystemExit):
            Trainer.start(config, source, run, images).run(quiet, on_stop=lambda: stopped.append("told"))
    assert stopped == ["told"]
    assert not list(run.glob("epoch-*"))
    trainer = Trainer.resume(run, source, images)
    assert (trainer.epoch, trainer.step) == (0, 3)
    trainer.run(quiet)
    assert_same_weights(run, tmp_path / "whole")
    logs = [
        [row["ciede2000"] for row in csv.DictReader((each / "log.csv").read_text().splitlines())]
        for each in (run, tmp_path / "whole")
    ]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 2


def test_a_finished_run_is_trained_longer(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "run", tmp_path / "run")
    source, _ = open_sources([finished / "photos"])
    seen: list[TrainingProgress] = []
    trainer = Trainer.resume(tmp_path / "run", source, epochs=4)
    assert not trainer.done
    assert trainer.run(seen.append).name == "epoch-0004"
    assert {now.phase for now in seen} == {"gan"}
    assert load_checkpoint(tmp_path / "run").training["config"]["epochs"] == 4
    assert Trainer.resume(tmp_path / "run", source).done
    with pytest.raises(ConfigError, match="a run of 4 epochs"):
        Trainer.resume(tmp_path / "run", source, epochs=3)


def test_only_the_last_state_is_kept(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    run = tmp_path / "run"
    Trainer.start(tiny, source, run).run(quiet)
    assert [path.parent.name for path in run.rglob("state.pt")] == ["epoch-0004"]
    assert len(list(run.glob("epoch-*"))) == 3


def test_phases_shrink_together_where_epochs_are_few(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    """In one epoch of six steps both phases have their share, and a kill at their border changes nothing."""
    config = dataclasses.replace(tiny, epochs=1, batch_size=2, precision="fp32")
    seen: list[TrainingProgress] = []
    Trainer.start(config, source, tmp_path / "whole").run(seen.append)
    assert [now.phase for now in seen] == ["plain"] * 3 + ["gan"] * 3
    for steps in (2, 3, 4):
        run = tmp_path / f"stopped-{steps}"
        with pytest.raises(KeyboardInterrupt):
            Trainer.start(config, source, run).run(
                lambda now, steps=steps: signal.raise_signal(signal.SIGINT) if now.step == steps else None  # type: ignore[misc]
            )
        trainer = Trainer.resume(run, source)
        assert trainer.step == steps
        trainer.run(quiet)
        assert_same_weights(run, tmp_path / "whole")


def test_a_hook_sees_every_epoch(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    reports: list[EpochReport] = []
    images = [source.read(0)]
    config = dataclasses.replace(tiny, epochs=2)
    Trainer.start(config, source, tmp_path / "run", images).run(quiet, on_epoch=reports.append)
    assert [(each.epoch, each.phase, each.folder.name) for each in reports] == [
        (1, "plain", "epoch-0001"), (2, "gan", "epoch-0002"),
    ]  # fmt: skip
    assert reports[1].losses.keys() == {"pixel", "G", "D"}
    assert reports[0].metrics == load_checkpoint(reports[0].folder).metrics
    assert reports[0].row["ciede2000"] == reports[0].metrics["ciede2000"]


def test_a_full_disk_is_found_before_the_work(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6 - 10, 10))
    with pytest.raises(ConfigError, match=r"has 1 kB free, the run takes up to .*; free some space"):
        Trainer.start(tiny, source, tmp_path / "run").run(pytest.fail)  # type: ignore[arg-type]


def test_second_signal_ends_a_run_at_once(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted_twice(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the run goes on")

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Gan, "_step_generator", interrupted_twice)
    with pytest.raises(KeyboardInterrupt):
        Trainer.start(tiny, source, tmp_path / "run").run(quiet)
    assert signal.getsignal(signal.SIGINT) is before


def test_two_runs_cannot_share_a_folder(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    def meet(_: TrainingProgress) -> None:
        with pytest.raises(ConfigError, match="another process is training in"):
            Trainer.resume(tmp_path / "run", source).run(quiet)

    Trainer.start(tiny, source, tmp_path / "run").run(quiet, epochs=1)
    Trainer.resume(tmp_path / "run", source).run(meet, epochs=1)
    Trainer.resume(tmp_path / "run", source).run(quiet)


def test_looking_at_the_generator_does_not_change_a_run(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = dataclasses.replace(tiny, epochs=2, recalibration=2)
    for looks in (False, True):
        trainer = Trainer.start(config, source, tmp_path / f"{looks}")

        def look(now: TrainingProgress, trainer: Trainer = trainer, looks: bool = looks) -> None:
            if looks and now.step < now.steps:
                trainer.generator()

        trainer.run(look)
    assert_same_weights(tmp_path / "True", tmp_path / "False")


def test_run_stops_after_minutes(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    trainer = Trainer.start(tiny, source, tmp_path / "run")
    stopped = trainer.run(quiet, minutes=1e-6)
    assert (trainer.epoch, trainer.step) == (0, 1)
    assert not trainer.done
    assert load_checkpoint(stopped).training["steps_done"] == 1
    with pytest.raises(ConfigError, match="holds a run"):
        Trainer.start(tiny, source, tmp_path / "run")
    assert Trainer.resume(tmp_path / "run", source).run(quiet).name == "epoch-0004"


def test_run_is_neither_overwritten_nor_resumed_with_other_images(
    finished: Path, tmp_path: Path, tiny: TrainConfig
) -> None:
    source, _ = open_sources([finished / "photos"])
    with pytest.raises(ConfigError, match="--resume"):
        Trainer.start(tiny, source, finished / "run")
    with pytest.raises(ConfigError, match="one checkpoint"):
        Trainer.resume(finished / "run" / "epoch-0002", source)
    shutil.copytree(finished / "photos", tmp_path / "photos")
    (tmp_path / "photos" / "000.png").unlink()
    with pytest.raises(ConfigError, match="other images"):
        Trainer.resume(finished / "run", open_sources([tmp_path / "photos"])[0])


def test_run_needs_a_folder(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        Trainer.start(tiny, source, tmp_path / "run")


def test_crops_that_the_generator_cannot_take_are_refused(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig
) -> None:
    config = one_phase(tiny, 1, {"crop": 34})
    with pytest.raises(ConfigError, match="phase 'gan' has crops of 34 px; give a multiple of 4"):
        Trainer.start(config, source, tmp_path / "run")


def test_init_takes_the_weights_and_refuses_another_generator(
    finished: Path, source: ImageSource, tmp_path: Path, tiny: TrainConfig
) -> None:
    first = finished / "run"
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
    training = load_checkpoint(first).training
    assert load_checkpoint(second).training["before"] == training
    assert training["images_per_epoch"] == 12
    plain = Phase("plain", share=0.5, crop=32, lr=2e-3, gan=False)
    assert TrainConfig.from_json(training["config"]).phases[0] == plain


def test_encoder_from_random_weights_is_trained(source: ImageSource, tmp_path: Path) -> None:
    phases = (Phase("gan", share=1.0, crop=32, lr=1e-3, frozen_blocks=16, discriminator_warmup=1000),)
    config = dataclasses.replace(
        recipe("edge"), phases=phases, epochs=1, batch_size=4, encoder_weights="none", ema=0.0,
        generator=GeneratorConfig("edge", 32, (8, 8, 8, 8)),
    )  # fmt: skip
    trainer = Trainer.start(config, source, tmp_path / "run")
    before = trainer._gan.generator.encoder.stem.conv.weight.detach().clone()
    trainer.run(quiet)  # a short phase is not all warm-up of the discriminator
    assert not torch.equal(before, trainer._gan.generator.encoder.stem.conv.weight)


def test_loss_that_is_not_finite_ends_the_run(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    with pytest.raises(TrainingError, match="begin again"):
        Trainer.start(one_phase(tiny, 0, {"lr": 1e30}), source, tmp_path / "run").run(quiet)


def test_broken_weights_are_never_saved(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    trainer = Trainer.start(one_phase(tiny, 0, {}, epochs=3, ema=0.0), source, tmp_path / "run")
    trainer.run(quiet, epochs=1)

    def break_weights(now: TrainingProgress) -> None:
        if now.step == now.steps:  # after the last loss of the epoch was checked
            with torch.no_grad():
                next(trainer._gan.generator.parameters())[0] = torch.inf

    with pytest.raises(TrainingError, match=r"no longer finite numbers in epoch 3; begin again"):
        trainer.run(break_weights)
    assert [path.name for path in sorted((tmp_path / "run").glob("epoch-*"))] == ["epoch-0001"]
    assert load_checkpoint(tmp_path / "run").training["epochs_done"] == 1


def test_images_on_the_device_train_like_others(cifar: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    config = dataclasses.replace(tiny, augmentation=Augmentation(film=0.5), epochs=2, batch_size=10)
    source, _ = open_sources([cifar])
    for name in ("device", "host"):
        trainer = Trainer.start(config, source, tmp_path / name)
        assert trainer._loader.resident
        if name == "host":
            trainer._loader._stack = None  # read as photos are
        trainer.run(quiet)
    assert_same_weights(tmp_path / "device", tmp_path / "host")


def test_skipped_images_are_known_after_a_stop(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    for name in ("003.png", "007.png"):
        (photos / name).write_bytes(b"no image")
    source, _ = open_sources([photos])
    Trainer.start(tiny, source, tmp_path / "run").run(quiet, epochs=2)
    trainer = Trainer.resume(tmp_path / "run", source)
    assert set(trainer.skipped) == {3, 7}


@pytest.mark.parametrize("name", ["seed", "paper", "paper-unet", "places", "edge"])
def test_every_recipe_trains(name: str, source: ImageSource, tmp_path: Path) -> None:
    config = recipe(name)
    narrow = (8, 8, 16, 16) if name == "edge" else (4,) * len(config.generator.widths)
    side = 128 if name == "places" else 32
    config = dataclasses.replace(
        config,
        generator=dataclasses.replace(config.generator, widths=narrow, size=side),
        discriminator=DiscriminatorConfig(config.discriminator.name, (8, 16)),
        phases=tuple(dataclasses.replace(phase, crop=side, discriminator_warmup=1) for phase in config.phases),
        epochs=1 if len(config.phases) == 1 else 7,
        batch_size=4,
        encoder_weights="none",
    )
    seen: list[TrainingProgress] = []
    images = [source.read(index) for index in range(2)]
    newest = Trainer.start(config, source, tmp_path / "run", images).run(seen.append)
    assert cv2.imread(str(next((tmp_path / "run" / "samples").iterdir()))) is not None
    assert {now.phase for now in seen} == {phase.name for phase in config.phases}
    assert ("D" in seen[-1].losses) == (name != "paper-unet")
    assert np.isfinite([*seen[-1].losses.values()]).all()
    assert load_checkpoint(newest).recipe == name
