"""What goes wrong while files are written: a full disk, a kill, Ctrl-C; and files that make no engine."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.fake_gpu import install, make_driver, make_tensorrt

from cgan_export.cli import main
from cgan_export.graph.precision import FORMS
from cgan_export.onnx_files import Exporter, ExportSettings
from cgan_export.targets.tensorrt import EngineOptions, build
from cgan_runtime.backends.tensorrt.build import Profile, build_engine
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.errors import BackendUnavailable, ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import load_checkpoint

COMMAND = (sys.executable, "-m", "cgan_export.cli")
LITTLE = 4096  # bytes that may be written into a file on a disk that is full


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond `LITTLE`: writing fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    seed_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Exporter(load_checkpoint(seed_checkpoint)).export(tmp_path, [FORMS["fp32"]])
    before = contents(tmp_path)
    arguments = [str(seed_checkpoint), "-o", str(tmp_path), "--fp32", "--fp16", "--no-verify", "--overwrite"]
    with full_disk(), pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"tracing the generator\nerror: cannot write to {tmp_path} (")
    assert "free some space" in said
    assert said.count("\n") == 2
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_leaves_an_engine_as_it_was(
    seed_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loaded = load_checkpoint(seed_checkpoint)
    (exported,) = Exporter(loaded).export(tmp_path / "out", [FORMS["fp16"]], ExportSettings(dynamic=False))
    build(exported, EngineOptions(), checkpoint=loaded)
    before = contents(tmp_path / "out")
    monkeypatch.setattr("tests.fake_gpu.MAGIC", b"FAKE-ENGINE" + bytes(2 * LITTLE))
    with full_disk(), pytest.raises(BackendUnavailable, match=r"cannot write the engine .* free some space"):
        build(exported, EngineOptions(), checkpoint=loaded)
    assert contents(tmp_path / "out") == before
    assert not list((tmp_path / "out").glob(".*"))


def started(checkpoint: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """An export that is at work: a hidden folder of its own is there."""
    before = set(folder.glob(".cgan-export-*"))
    command = [*COMMAND, str(checkpoint), "-o", str(folder), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not set(folder.glob(".cgan-export-*")) - before:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # between making a folder and minding it there is a moment
    return process


def test_ctrl_c_leaves_nothing(seed_checkpoint: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("out").mkdir()
    process = started(seed_checkpoint, tmp_path / "out")
    process.send_signal(signal.SIGINT)
    _, reported = process.communicate()
    assert process.returncode == 130, reported
    assert "Traceback" not in reported
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_a_killed_run_leaves_whole_files(seed_checkpoint: Path, tmp_path: Path) -> None:
    """Killed at several moments: what has a name is complete; the next run makes the rest and tidies up."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    arguments = ["--overwrite", "--no-verify", "--fp16", "--name", "x", "--engine", "--target", "tensorrt-rtx"]
    folder = tmp_path / "out"
    folder.mkdir()
    for seconds in (0.0, 1.5, 3.0):
        process = started(seed_checkpoint, folder, *arguments)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for path in folder.glob("x*.json"):
            Manifest.load(folder / Manifest._parse(path).file)
    with pytest.raises(SystemExit) as left:
        main([str(seed_checkpoint), "-o", str(folder), *arguments])
    assert left.value.code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "x-fp16.engine", "x-fp16.engine.json", "x-fp16.json", "x-fp16.onnx",
    ]  # fmt: skip


def foreign(operator: str) -> bytes:
    """An ONNX file with an operator that TensorRT has no counterpart of."""
    node = helper.make_node(operator, ["lightness"], ["chroma"])
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (2, 3, 3)) for n in ("lightness", "chroma")]
    ends[1] = helper.make_tensor_value_info("chroma", TensorProto.FLOAT, (2,))
    graph = helper.make_graph([node], "foreign", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_operators_that_tensorrt_lacks_are_named() -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    library = load_library("tensorrt-rtx")
    with pytest.raises(ModelFileError, match=r"cannot read the ONNX file \(.*\bDet\b") as caught:
        build_engine(library, foreign("Det"), Profile.exactly(2, 3, 3), precision="fp32")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no onnx", np.random.default_rng(0).bytes(4000)])
def test_a_file_that_is_not_onnx_is_refused(content: bytes) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    with pytest.raises(ModelFileError, match="cannot read the ONNX file"):
        build_engine(load_library("tensorrt-rtx"), content, Profile.exactly(1, 32, 32), precision="fp32")
