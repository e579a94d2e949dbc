"""Engines: built by a real TensorRT (for RTX), ahead of time; compared, kept and refused on stand-ins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fake_gpu import install, make_driver, make_tensorrt

from cgan_export.cli import main
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
def test_forms_of_a_fixed_size_are_built_for_rtx(paper_checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = load_checkpoint(paper_checkpoint)
    plan = Plan(forms=tuple(FORMS.values()), name="x", dynamic=False)
    for exported in export_checkpoint(checkpoint, tmp_path / "out", plan):
        profile = Manifest.load(build(exported, RTX, checkpoint=checkpoint).path).engine["profile"]
        assert profile["smallest"] == profile["largest"] == [1, 32, 32]


def test_an_engine_is_compared_before_it_has_its_name(
    seed_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in's engine answers otherwise than PyTorch does: it must not appear.
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = load_checkpoint(seed_checkpoint)
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


def test_the_command_says_what_is_missing(
    seed_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        import tensorrt  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("TensorRT is installed here")
    arguments = [seed_checkpoint, "--fp16", "--no-verify", "-o", tmp_path / "out"]
    assert export(*arguments) == 0
    said = capsys.readouterr().err
    assert "no TensorRT engine was built" in said
    assert "pip install tensorrt pycuda" in said
    assert export(*arguments, "--engine") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert (tmp_path / "out" / "seed-fp16.onnx").is_file()
    assert export(*arguments, "--batch", "4:2:1") == 2


@pytest.mark.slow
def test_the_command_builds_for_rtx(seed_checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    arguments = [seed_checkpoint, "--fp16", "--no-verify", "-o", tmp_path, "--target", "tensorrt-rtx"]
    assert export(*arguments, "--size", "64x96", "--batch", "1:2:8") == 0
    profile = json.loads((tmp_path / "seed-fp16.engine.json").read_text())["engine"]["profile"]
    assert profile == {"smallest": [1, 32, 48], "optimum": [2, 64, 96], "largest": [8, 128, 192]}


def export(*arguments: object) -> int | str | None:
    """Run the command; its exit code."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code
