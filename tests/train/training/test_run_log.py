"""The files of a run that people read, and a disk that is full."""

from __future__ import annotations

import csv
import errno
import math
import os
import signal
import struct
from pathlib import Path
from typing import Any

import cv2
import pytest
from matplotlib.figure import Figure
from tensorboardX.proto import event_pb2
from tests.train.training.conftest import quiet

from cgan_runtime.errors import TrainingError
from cgan_train.checkpoint import save_checkpoint
from cgan_train.config.schema import TrainConfig
from cgan_train.data.sources import ImageSource, open_sources
from cgan_train.training.loop import Trainer
from cgan_train.training.run_log import RunLog


def events(run: Path) -> dict[tuple[str, int], float]:
    """The events on disk for TensorBoard, (tag, step) to value; each stands once and is finite."""
    found = {}
    for path in sorted((run / "tensorboard").iterdir()):
        content, at = path.read_bytes(), 0
        while at + 12 <= len(content):
            (size,) = struct.unpack("<Q", content[at : at + 8])
            event = event_pb2.Event.FromString(content[at + 12 : at + 12 + size])
            at += 16 + size
            for value in event.summary.value:
                assert (value.tag, event.step) not in found
                assert math.isfinite(value.simple_value)
                found[value.tag, event.step] = value.simple_value
    return found


def test_files_of_a_run(photos: Path, tmp_path: Path, tiny: TrainConfig) -> None:
    (photos / "007.png").write_bytes(b"no image")
    source, _ = open_sources([photos])
    images = [source.read(index) for index in range(4)]
    run = tmp_path / "run"
    # A log that an older cgan began with fewer columns, with this epoch's row of a run that was killed.
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
    assert not {"loss_features", "old"} & set(rows[0])  # no column is empty
    assert rows[0]["loss_D"] == ""  # the first phase has no discriminator
    written = events(run)
    assert {("epoch/mae", 4), ("epoch/loss_D", 4), ("samples", 4)} <= written.keys()
    assert ("epoch/loss_D", 1) not in written


def test_full_disk_ends_a_run_that_can_be_resumed(
    source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_events_of_an_epoch_are_on_disk_before_its_checkpoint(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        log = RunLog(tmp_path, tensorboard=True)
        log.step(20, {"pixel": 0.5})
        log.epoch(1, {"epoch": 1, "a": 0.5, "b": math.nan, "c": "", "q": 1.0}, None, {}, last=False)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert events(tmp_path).keys() == {("loss/pixel", 20), ("epoch/a", 1), ("epoch/q", 1)}


class Killed(Exception):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("moment", ["before an epoch's checkpoint", "within an epoch"])
def test_each_step_stands_once_after_a_kill(
    moment: str, source: ImageSource, tmp_path: Path, tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgan_train.training.run_log._LOSS_STEPS", 1)
    monkeypatch.setattr("cgan_train.training.loop._SAVE_SECONDS", -1.0)  # after each step
    calls = 0

    def save(folder: Path, *args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == (6 if moment.startswith("before") else 5):  # two states and a checkpoint in each epoch
            raise Killed
        save_checkpoint(folder, *args)

    run = tmp_path / "run"
    monkeypatch.setattr("cgan_train.checkpoint.save_checkpoint", save)
    with pytest.raises(Killed):
        Trainer.start(tiny, source, run, tensorboard=True).run(quiet)
    trainer = Trainer.resume(run, source, tensorboard=True)
    assert (trainer.epoch, trainer.step) == ((1, 2) if moment.startswith("before") else (1, 1))
    trainer.run(quiet)
    written = events(run)
    assert {step for tag, step in written if tag == "loss/pixel"} == set(range(1, 13))
    assert {step for tag, step in written if tag == "epoch/loss_pixel"} == {1, 2, 3, 4}
