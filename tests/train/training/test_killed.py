"""A run that is killed at any moment and resumed ends with the weights of an uninterrupted run."""

from __future__ import annotations

import multiprocessing
import random
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from cgan_train.checkpoint import UNFINISHED, epochs_in, load_checkpoint

_EPOCHS = 16
_QUIET = ["--threads", "1", "-q"]
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


FORKED = multiprocessing.get_context("forkserver")
_MODULES = ["cgan_train.run", "cgan_train.training.curves", "torch._dynamo"]


def command(words: list[str]) -> None:
    """What `cgan-train` does."""
    from cgan_train.cli import main

    main(words)


def start(photos: Path, out: Path, *more: str) -> BaseProcess:
    """Start the command in a process of its own, forked from one that has PyTorch: loading it takes seconds."""
    FORKED.set_forkserver_preload(_MODULES)
    process = FORKED.Process(target=command, args=(["--data", str(photos), "--out", str(out), *_QUIET, *more],))
    process.start()
    return process


def exit_code(process: BaseProcess) -> int | None:
    process.join(300)
    return process.exitcode


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
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
        while run.is_alive() and epochs_in(killed)[-1:] == newest:
            time.sleep(0.01)  # until another epoch is done, or the run has ended
        run.join(rng.uniform(0, 0.3))
        if run.is_alive():
            run.kill()
            kills += 1
        if exit_code(run) == 0:
            break
    else:
        assert exit_code(start(photos, killed, "--resume")) == 0
    assert exit_code(uninterrupted) == 0
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
