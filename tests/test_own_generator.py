"""A foreign U-Net from its file to a colored video, by the four commands that the docs show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.paths import ROOT
from tests.train.conftest import write_photos
from tests.videos import Video, read_frames, write_video

from cgan_benchmarks.cli import main as cgan_bench
from cgan_benchmarks.speed import scenarios, session
from cgan_export.cli import main as cgan_export
from cgan_runtime.cli import main as cgan_run
from cgan_train.checkpoint import load_checkpoint
from cgan_train.cli import main as cgan_train
from cgan_train.models import own

CODE = ROOT / "examples" / "own_generator.py"


def command(main: Callable[..., NoReturn], *arguments: object) -> int | str | None:
    own._LOADED.clear()  # each command is a process of its own
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


def test_from_a_file_to_a_colored_video(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(session, "_PEAK_SECONDS", 0.02)
    monkeypatch.setattr(scenarios, "_CONCURRENT_SECONDS", 0.05)
    code, run, exported = tmp_path / "mine" / "my_net.py", tmp_path / "net", tmp_path / "exported"
    code.parent.mkdir()
    shutil.copyfile(CODE, code)
    named = ("--generator", f"{code}:Net")
    write_photos(tmp_path / "photos", 12)
    data = ("--data", tmp_path / "photos", "--out", run, "--threads", 1)
    small = ("--set", "generator.widths=4,8", "--set", "discriminator.widths=[8]", "--batch-size", 4)
    recipe = ("--recipe", "paper", "--epochs", 2, "--set", "recalibration=0", *small)

    assert command(cgan_train, *data, *named, *recipe, "--minutes", 1e-6) == 0
    assert command(cgan_train, *data, "--resume") == 1
    assert f"name it with --generator FILE.py:Net (the run's folder has a copy, {code.name})" in capsys.readouterr().err
    assert command(cgan_train, *data, *named, "--resume") == 0
    assert (run / code.name).read_bytes() == code.read_bytes()
    config = json.loads((run / "epoch-0002" / "config.json").read_text())["generator"]
    assert (config["name"], config["file"], config["widths"]) == ("Net", code.name, [4, 8])

    code.write_text("# changed\n" + code.read_text())
    assert command(cgan_export, run, *named, "-o", exported) == 1
    assert "my_net.py has changed: this was made with" in capsys.readouterr().err
    copy = f"{run / code.name}:Net"
    assert command(cgan_export, run, "--generator", copy, "-o", exported) == 0
    manifest = json.loads((exported / "Net.json").read_text())
    assert manifest["parity"]["verified"]
    assert manifest["checkpoint_sha256"] == load_checkpoint(run, copy).sha256

    source = write_video(tmp_path / "gray.mp4", Video(frames=6))
    out = tmp_path / "colored.mp4"
    assert command(cgan_run, "--video", source, "-o", out, "--model", exported / "Net.onnx", "--size", 32) == 0
    assert len(read_frames(out)) == 6

    quickly = ("--runs", 5, "--duration", 0.01, "--processes", 1, "--threads", 1, "--backends", "onnxruntime")
    figures = tmp_path / "bench.json"
    assert command(cgan_bench, "--checkpoint", run, "--generator", copy, *quickly, "--json", figures) == 0
    rows: list[dict[str, Any]] = json.loads(figures.read_text())["rows"]
    assert [(row["model"], row["backend"]) for row in rows] == [("checkpoint", "pytorch"), ("fp32", "onnxruntime")]
    assert rows[1]["largest_difference"] < 1e-4
