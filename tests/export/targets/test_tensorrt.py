"""Engines: built by a real TensorRT (for RTX), ahead of time; compared, kept and refused on stand-ins."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fake_gpu import install, make_driver, make_tensorrt

from cgan_export.cli import main
from cgan_export.graph.precision import FORMS
from cgan_export.onnx_files import Exported, Exporter, ExportSettings
from cgan_export.parity.against_pytorch import TOLERANCES, tolerance_of
from cgan_export.targets.tensorrt import EngineOptions, build
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ParityError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import load_checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos

RTX = EngineOptions("tensorrt-rtx")


@pytest.mark.slow
def test_forms_of_a_fixed_size_are_built_for_rtx(paper_checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = load_checkpoint(paper_checkpoint)
    settings = ExportSettings(name="x", dynamic=False)
    for exported in Exporter(checkpoint).export(tmp_path / "out", tuple(FORMS.values()), settings):
        profile = Manifest.load(build(exported, RTX, checkpoint=checkpoint).path).engine["profile"]
        assert profile["smallest"] == profile["largest"] == [1, 32, 32]


def test_an_engine_is_compared_before_it_has_its_name(
    seed_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in's engine answers otherwise than PyTorch does: it must not appear.
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = load_checkpoint(seed_checkpoint)
    (exported,) = Exporter(checkpoint).export(tmp_path / "out", [FORMS["fp16"]])
    options = EngineOptions(size=(64, 64))
    built = build(exported, options, checkpoint=checkpoint)
    before = built.path.read_bytes()
    with open_backend(built.path) as backend:
        assert backend.manifest.engine["gpu"]["gpu"] == "Fake GPU"
    with pytest.raises(ParityError, match=r"fp16 engine differs .* build it with --fp32"):
        build(exported, options, checkpoint=checkpoint, images=comparison_photos())
    assert built.path.read_bytes() == before
    assert Manifest.load(built.path).sha256 == built.manifest.sha256
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "seed-fp16.engine", "seed-fp16.engine.json", "seed-fp16.json", "seed-fp16.onnx",
    ]  # fmt: skip


def test_two_builds_of_one_name_leave_a_whole_engine(
    seed_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint, images = load_checkpoint(seed_checkpoint), comparison_photos()
    (exported,) = Exporter(checkpoint).export(tmp_path / "out", [FORMS["fp16"]], ExportSettings(dynamic=False))
    others = iter([True])

    def other_build_meanwhile(_path: Path, manifest: Manifest, *_: object) -> Manifest:
        if next(others, False):
            build(exported, EngineOptions(), checkpoint=checkpoint, images=images)
        return manifest

    monkeypatch.setattr("cgan_export.targets.tensorrt._verified", other_build_meanwhile)
    built = build(exported, EngineOptions(), checkpoint=checkpoint, images=images)
    assert Manifest.load(built.path).sha256 == built.manifest.sha256
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_the_limits_of_an_engine_are_not_tighter_than_its_files(paper_exports: list[Exported]) -> None:
    for one in paper_exports:
        of_file = TOLERANCES[tolerance_of(one.manifest)]
        of_engine = TOLERANCES[tolerance_of(replace(one.manifest, engine={"library": "tensorrt"}))]
        assert of_engine.largest >= of_file.largest
        assert of_engine.mean >= of_file.mean
        assert of_engine.ciede2000 >= of_file.ciede2000


def test_the_command_for_trtexec_is_what_would_be_built(
    seed_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgan_export.progress.why_no_engine", lambda target: "it is missing")
    arguments = [seed_checkpoint, "-o", tmp_path / "a b", "--fp16", "--no-verify", "--overwrite"]
    shapes = {
        ("--batch", "2:3:9", "--size", "64"): ["2x1x32x32", "3x1x64x64", "9x1x128x128"],
        ("--end-to-end",): ["1x32x32", "1x1080x1920", "1x2160x3840"],
        ("--end-to-end", "--fixed", "--batch", "4"): ["4x32x32", "4x1080x1920", "4x2160x3840"],
        ("--fixed", "--batch", "4"): [],
    }
    for more, expected in shapes.items():
        assert export(*arguments, *more) == 0
        command = shlex.split(capsys.readouterr().err.partition(" or: ")[2])
        assert Path(command[1].removeprefix("--onnx=")).is_file()
        assert [part.partition(":")[2] for part in command if "Shapes=" in part] == expected


def test_engines_that_cannot_be_built_are_refused_before_the_export(seed_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgan_export.progress.why_no_engine", lambda target: "it is missing")
        assert export(seed_checkpoint, "-o", tmp_path / "out", "--engine", "--no-verify") == 1
    assert not (tmp_path / "out").exists()


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
    assert profile == {"smallest": [1, 40, 40], "optimum": [2, 64, 96], "largest": [8, 160, 160]}


def export(*arguments: object) -> int | str | None:
    """Run the command; its exit code."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code
