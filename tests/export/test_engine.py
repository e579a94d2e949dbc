"""Engines: built by a real TensorRT (for RTX), ahead of time; compared, kept and refused on stand-ins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.checkpoints import PAPER, SEED, write_checkpoint
from tests.fake_gpu import install, make_driver, make_tensorrt

from cgan_export.export import Plan, export_checkpoint
from cgan_export.precision import FORMS
from cgan_export.to_engine import EngineOptions, build
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ParityError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import load_checkpoint
from cgan_train.data.bundled import comparison_photos

RTX = EngineOptions("tensorrt-rtx")


@pytest.mark.slow
def test_forms_of_a_fixed_size_are_built_for_rtx(tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "checkpoint", PAPER))
    plan = Plan(forms=tuple(FORMS.values()), name="x", dynamic=False)
    for exported in export_checkpoint(checkpoint, tmp_path / "out", plan):
        profile = Manifest.load(build(exported, RTX, checkpoint=checkpoint).path).engine["profile"]
        assert profile["smallest"] == profile["largest"] == [1, 32, 32]


def test_an_engine_is_compared_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in's engine answers otherwise than PyTorch does: it must not appear.
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "checkpoint", SEED))
    (exported,) = export_checkpoint(checkpoint, tmp_path / "out", Plan(forms=(FORMS["fp16"],)))
    options = EngineOptions(size=(64, 64))
    built = build(exported, options, checkpoint=checkpoint)
    before = built.path.read_bytes()
    with open_backend(built.path) as backend:
        assert backend.manifest.engine["gpu"]["gpu"] == "Fake GPU"
    with pytest.raises(ParityError, match=r"fp16 engine differs .* build it with --fp32"):
        build(exported, options, checkpoint=checkpoint, pictures=comparison_photos())
    assert built.path.read_bytes() == before
    assert Manifest.load(built.path).sha256 == built.manifest.sha256
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "seed-fp16.engine", "seed-fp16.engine.json", "seed-fp16.json", "seed-fp16.onnx",
    ]  # fmt: skip


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    try:
        import tensorrt  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("TensorRT is installed here")
    checkpoint = write_checkpoint(tmp_path / "checkpoint", SEED)
    arguments = [str(checkpoint), "--fp16", "--no-verify", "-o", str(tmp_path / "out")]
    said = run(arguments)
    assert said.returncode == 0
    assert "no TensorRT engine was built" in said.stdout
    assert "pip install tensorrt pycuda" in said.stdout
    said = run([*arguments, "--engine"])
    assert said.returncode == 1
    assert (tmp_path / "out" / "seed-fp16.onnx").is_file()
    said = run([*arguments, "--batch", "4:2:1"])
    assert said.returncode == 2


@pytest.mark.slow
def test_the_command_builds_for_rtx(tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = write_checkpoint(tmp_path / "checkpoint", SEED)
    arguments = [str(checkpoint), "--fp16", "--no-verify", "-o", str(tmp_path), "--target", "tensorrt-rtx"]
    said = run([*arguments, "--size", "64x96", "--batch", "1:2:8"])
    assert said.returncode == 0, said.stdout
    profile = json.loads((tmp_path / "seed-fp16.engine.json").read_text())["engine"]["profile"]
    assert profile == {"smallest": [1, 32, 48], "optimum": [2, 64, 96], "largest": [8, 128, 192]}


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it; stderr goes where stdout does."""
    script = "from cgan_export.cli import main; main()"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
