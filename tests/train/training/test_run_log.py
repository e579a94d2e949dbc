"""The files of a run that people read, and a disk that is full."""

from __future__ import annotations

import csv
import errno
from pathlib import Path

import cv2
import pytest
from matplotlib.figure import Figure
from tests.train.training.conftest import quiet

from cgan_runtime.errors import TrainingError
from cgan_train.config.schema import TrainConfig
from cgan_train.data.sources import ImageSource, open_sources
from cgan_train.training.loop import Trainer


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
    (events,) = (run / "tensorboard").iterdir()
    content = events.read_bytes()
    for tag in (b"epoch/mae", b"epoch/loss_D", b"samples"):
        assert tag in content


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
