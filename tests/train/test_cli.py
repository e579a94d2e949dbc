"""`cgan-train` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.train.conftest import write_photos

from cgan_train import cli
from cgan_train.checkpoint import load_checkpoint
from cgan_train.training.gan import Gan


def run(*args: object) -> int | str | None:
    """Run the command in this process, and return its exit code."""
    with pytest.raises(SystemExit) as left:
        cli.main(list(map(str, args)))
    return left.value.code


def test_help_is_in_sections_and_loads_no_torch() -> None:
    code = """if True:
        import sys
        from cgan_train.cli import main
        try:
            main(["--help"])
        finally:
            print(*(name in sys.modules for name in ("torch", "rich", "cv2")))
    """
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1].split() == ["False"] * 3
    sections = [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert sections == ["Common:", "Run:", "Settings:", "Other:"]
    assert out.index("Common:") < out.index("--data") < out.index("--epochs") < out.index("Run:")


@pytest.mark.slow
def test_train_and_resume(cifar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    thin = ("--set", "generator.widths=[8,8,8,8,8]", "--set", "discriminator.widths=[8,8,8,8]")
    common = ("--data", cifar, "--out", out, "--recipe", "paper", "--batch-size", 10, *thin)
    script = "from cgan_train.cli import main; main()"
    command = [sys.executable, "-c", script, *map(str, common), "--epochs", "1", "--threads", "1"]
    first = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert first.returncode == 0, first.stderr
    assert "50 images, 1 epoch, recipe paper, into" in first.stdout
    assert "cgan-export" in first.stdout
    assert "epoch 1/1 gan: " in first.stderr
    assert load_checkpoint(out).metrics["images"] == 10
    assert run(*common) == 1
    assert "--resume" in capsys.readouterr().err
    assert run("--data", cifar, "--out", out, "--resume", "--threads", 1) == 0
    assert ", all done before" in capsys.readouterr().out


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
def test_failure_is_one_line(args: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*args, "--out", tmp_path / "run") == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_usage_errors_are_exit_code_2() -> None:
    assert run("--data", "x", "--recipe", "egde") == 2
    assert run("--data", "x", "--seed", "-1") == 2
    assert run("--data", "x", "--minutes", "nan") == 2
    assert run("--data", "x", "--set", "ema") == 2
    assert run() == 2


def test_phases_without_an_epoch_are_named(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data", photos, "--out", tmp_path / "run", "--batch-size", 2, "--threads", 1)
    thin = ("--set", "generator.widths=[8,8,8,8]", "--set", "discriminator.widths=[8]")
    assert run(*where, *thin, "--epochs", 2, "--minutes", 0.001, "--encoder-weights", "none") == 0
    shown = capsys.readouterr()
    assert "note: in 2 epochs there is no time for the phases: decoder, gan" in shown.err
    assert "the time is over in epoch 1; go on with --out" in shown.out


def test_validation_images_that_cannot_be_read_are_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path / "val", 12, seed=1)
    (tmp_path / "val" / "005.png").write_bytes(b"no image")
    where = ("--data", photos, "--val", tmp_path / "val", "--out", tmp_path / "run", "--threads", 1)
    thin = ("--set", "generator.widths=[8,8]", "--set", "discriminator.widths=[8]", "--batch-size", 4)
    assert run(*where, "--recipe", "paper-unet", "--epochs", 1, *thin) == 0
    assert "note: not measured on: 005.png" in capsys.readouterr().err
    assert load_checkpoint(tmp_path / "run").metrics["images"] == 11


def test_stop_before_anything_is_saved(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt  # as a second Ctrl-C does

    monkeypatch.setattr(Gan, "step", interrupted)
    where = ("--data", photos, "--out", tmp_path / "run", "--threads", 1, "--recipe", "paper")
    assert run(*where) == 130
    assert "stopped before anything was kept" in capsys.readouterr().err
