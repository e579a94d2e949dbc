"""`cgan-train` as a user runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cgan_train import cli
from cgan_train.checkpoint import load_checkpoint
from cgan_train.training.gan import Gan


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cgan_train.cli import main; main()", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def run_here(*args: object) -> int | str | None:
    """The same without a process of its own."""
    with pytest.raises(SystemExit) as left:
        cli.main(list(map(str, args)))
    return left.value.code


def test_help_loads_no_torch() -> None:
    code = "import sys, cgan_train.cli; print(*(name in sys.modules for name in ('torch', 'rich', 'cv2')))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False"] * 3


@pytest.mark.slow
def test_train_resume_and_say_so(cifar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    thin = ("--set", "generator.widths=[8,8,8,8,8]", "--set", "discriminator.widths=[8,8,8,8]")
    common = ("--data", cifar, "--out", out, "--recipe", "paper", "--batch-size", 10, *thin)
    first = run(*common, "--epochs", 1, "--threads", 1)
    assert first.returncode == 0, first.stderr
    assert "cgan-export" in first.stdout
    assert load_checkpoint(out).metrics["images"] == 10
    assert run_here(*common) == 1
    assert "--resume" in capsys.readouterr().err
    resumed = run("--data", cifar, "--out", out, "--resume", "--threads", 1)
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--data", "nowhere"),
        ("--data", "nowhere", "--resume", "--init", "x"),
        ("--data", "nowhere", "--resume", "--epochs", "9"),
        ("--data", "nowhere", "--resume", "--recipe", "edge"),
        ("--data", "nowhere", "--gan-only"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    args: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(*args, "--out", tmp_path / "run") == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_usage_errors_are_exit_code_2() -> None:
    assert run_here("--data", "x", "--recipe", "egde") == 2
    assert run_here("--data", "x", "--seed", "-1") == 2
    assert run_here("--data", "x", "--minutes", "nan") == 2
    assert run_here() == 2


def test_phases_that_so_few_epochs_leave_out_are_named(photos: Path, tmp_path: Path) -> None:
    where = ("--data", photos, "--out", tmp_path / "run", "--batch-size", 2, "--threads", 1)
    result = run(*where, "--epochs", 2, "--minutes", 0.001, "--encoder-weights", "none")
    assert result.returncode == 0, result.stderr
    assert "note: in 2 epochs there is no time for the phases: decoder, gan" in result.stderr


def test_images_that_cannot_be_measured_on_are_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(photos, tmp_path / "val")
    (tmp_path / "val" / "005.png").write_bytes(b"no image")
    where = ("--data", photos, "--val", tmp_path / "val", "--out", tmp_path / "run", "--threads", 1)
    thin = ("--set", "generator.widths=[8,8]", "--set", "discriminator.widths=[8]", "--batch-size", 4)
    assert run_here(*where, "--recipe", "paper-unet", "--epochs", 1, *thin) == 0
    assert "note: not measured on: 005.png" in capsys.readouterr().err
    assert load_checkpoint(tmp_path / "run").metrics["images"] == 11


def test_a_stop_before_anything_was_kept_says_so(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt  # as a second Ctrl-C does

    monkeypatch.setattr(Gan, "step", interrupted)
    where = ("--data", photos, "--out", tmp_path / "run", "--threads", 1, "--recipe", "paper")
    assert run_here(*where) == 130
    assert "stopped before anything was kept" in capsys.readouterr().err
