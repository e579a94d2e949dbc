"""A run that is killed at any moment and resumed ends with the weights of an uninterrupted run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cgan_train.checkpoint import UNFINISHED, epochs_in, load_checkpoint

_EPOCHS = 10
_TINY = ["--set", "generator.widths=[8,16]", "--set", "discriminator.widths=[8,16]"]
HANGING = """
import os
from cgan_train import cli
from cgan_train.data.sources import PhotoSource

read = PhotoSource.read

def read_or_hang(self, index):
    if index == 3:
        print("hangs", flush=True)
        os.read(os.pipe()[0], 1)
    return read(self, index)

PhotoSource.read = read_or_hang
cli.main()
"""


def start(photos: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start the command as a user does."""
    script = "from cgan_train.cli import main; main()"
    arguments = ["--data", str(photos), "--out", str(out), "--threads", "1", "-q", *more]
    return subprocess.Popen([sys.executable, "-c", script, *arguments])


@pytest.mark.slow
def test_killed_run_ends_with_the_same_weights(photos: Path, tmp_path: Path) -> None:
    settings = ["generator.widths=[8,16]", "discriminator.widths=[8,16]", "recalibration=1"]
    recipe = ["--recipe", "paper", "--epochs", str(_EPOCHS), "--batch-size", "4"]
    recipe += [word for setting in settings for word in ("--set", setting)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(photos, whole, *recipe)
    rng, kills = random.Random(3), 0
    for _ in range(3):
        more = ["--resume"] if epochs_in(killed) else recipe
        newest = epochs_in(killed)[-1:]
        run = start(photos, killed, *more)
        while run.poll() is None and epochs_in(killed)[-1:] == newest:
            time.sleep(0.01)  # until another epoch is done, or the run has ended
        try:
            run.wait(rng.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            run.kill()
            kills += 1
        if run.wait(300) == 0:
            break
    else:
        assert start(photos, killed, "--resume").wait(300) == 0
    assert uninterrupted.wait(300) == 0
    assert kills >= 2
    assert load_checkpoint(killed).path.name == f"epoch-{_EPOCHS:04d}"
    assert load_checkpoint(killed).sha256 == load_checkpoint(whole).sha256


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_run_that_hangs_in_reading_a_photo(number: signal.Signals, photos: Path, tmp_path: Path) -> None:
    words = ["--data", photos, "--val", "none", "--out", tmp_path / "run", "--recipe", "paper", "--batch-size", "4"]
    command = [sys.executable, "-c", HANGING, *map(str, words), *_TINY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert "hangs\n" in run.stdout
        run.send_signal(number)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert (tmp_path / "run" / UNFINISHED).is_dir()
