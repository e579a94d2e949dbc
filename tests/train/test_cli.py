"""`cgan-train` as a user runs it."""

from __future__ import annotations

import re
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


THIN = ("--set", "generator.widths=8,8", "--set", "discriminator.widths=8", "--batch-size", 4, "--recipe", "paper-unet")


def test_the_plan_comes_first_and_phases_shrink_together(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", photos, "--out", tmp_path / "run", "--batch-size", 2, "--threads", 1)
    thin = ("--set", "generator.widths=[8,8,8,8]", "--set", "discriminator.widths=[8]")
    assert run(*where, *thin, "--epochs", 2, "--minutes", 0.001, "--encoder-weights", "none") == 0
    shown = capsys.readouterr()
    plan = (
        "plan: decoder 1 step at 128 px, regression 5 steps at 128 px, finish 3 steps at 192 px, gan 1 step at 160 px"
    )
    assert f"{plan}; 5 steps of 2 images an epoch; checkpoints take up to " in shown.out
    assert "note: 1 of the images is held out to measure on; --val none trains on all" in shown.err
    assert "images are smaller than the crops (up to 192 px) and were enlarged" in shown.err
    assert "the time is over in epoch 1; go on with --out" in shown.out


def test_quiet_keeps_the_final_line(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data", photos, "--out", tmp_path / "run", "--threads", 1, *THIN)
    assert run(*where, "--epochs", 1, "-q") == 0
    shown = capsys.readouterr()
    newest = tmp_path / "run" / "epoch-0001"
    assert shown.out == f"done: {newest}; export it with: cgan-export {newest} -o exported\n"


def test_an_epochs_line_has_the_measured_quality(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgan_train.progress._SECONDS_OF_RATE", 0.0)
    where = ("--data", photos, "--out", tmp_path / "run", "--threads", 1, *THIN)
    assert run(*where, "--epochs", 3) == 0
    shown = capsys.readouterr().err
    assert (
        len(re.findall(r"^epoch [123]/3 regression: pixel 0\.\d+, CIEDE2000 \d+\.\d\d \(gray .*images/s$", shown, re.M))
        == 3
    )
    assert shown.count("images/s; about ") == 1  # though there are fewer than ten steps


def test_several_seeds_make_one_table(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data", photos, "--out", tmp_path / "run", "--threads", 1, "--seeds", 2, "--seed", 4, "-q")
    assert run(*where, *THIN, "--epochs", 1) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line[0] for line in lines] == ["run", "seed-4", "seed-5", "mean", "deviation"]
    assert lines[0][1] == "CIEDE2000"
    first, second, mean, deviation = (float(line[1]) for line in lines[1:])
    assert first != second
    assert mean == pytest.approx((first + second) / 2, abs=0.011)
    assert deviation > 0
    assert run(*where, "--resume", "--epochs", 2) == 0
    assert (tmp_path / "run" / "seed-5" / "epoch-0002").is_dir()


@pytest.mark.parametrize(
    "args", [("--set", "tempo=3"), ("--set", "generator.widths=wide"), ("--val", "nowhere"), ("--init", "nowhere")]
)
def test_wrong_settings_are_found_before_pytorch_is_loaded(args: tuple[str, ...], tmp_path: Path) -> None:
    code = f"""if True:
        import sys
        from cgan_train.cli import main
        try:
            main({["--data", str(tmp_path), *args]!r})
        finally:
            print("torch" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stdout.strip() == "False"


def test_validation_images_that_cannot_be_read_are_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path / "val", 12, seed=1)
    (tmp_path / "val" / "005.png").write_bytes(b"no image")
    where = ("--data", photos, "--val", tmp_path / "val", "--out", tmp_path / "run", "--threads", 1)
    thin = ("--set", "generator.widths=[8,8]", "--set", "discriminator.widths=[8]", "--batch-size", 4)
    assert run(*where, "--recipe", "paper-unet", "--epochs", 1, *thin) == 0
    assert "val/005.png is damaged" in capsys.readouterr().err
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
