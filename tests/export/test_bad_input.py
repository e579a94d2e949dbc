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
from tests.checkpoints import SEED, write_checkpoint
from tests.fake_gpu import install, make_driver, make_tensorrt

from cgan_export.export import Exported, Plan, export_checkpoint
from cgan_export.precision import FORMS
from cgan_export.to_engine import EngineOptions, build
from cgan_runtime.backends.trt.build import Profile, build_engine
from cgan_runtime.backends.trt.library import load_library
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


@pytest.fixture(scope="module")
def seed_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """A checkpoint and its float32 export."""
    folder = tmp_path_factory.mktemp("seed")
    checkpoint = write_checkpoint(folder / "checkpoint", SEED)
    (exported,) = export_checkpoint(load_checkpoint(checkpoint), folder / "out", Plan())
    return checkpoint, exported


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_full_disk_is_one_line_and_leaves_what_was_there(seed_model: tuple[Path, Exported]) -> None:
    checkpoint, exported = seed_model
    before = contents(exported.path.parent)
    with full_disk():  # a child inherits it
        done = subprocess.run(
            [*COMMAND, str(checkpoint), "-o", str(exported.path.parent), "--fp32", "--fp16", "--no-verify"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert contents(exported.path.parent) == before
    assert not list(exported.path.parent.glob(".*"))


def test_a_full_disk_leaves_an_engine_as_it_was(
    seed_model: tuple[Path, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, _ = seed_model
    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loaded = load_checkpoint(checkpoint)
    (exported,) = export_checkpoint(loaded, tmp_path / "out", Plan((FORMS["fp16"],), dynamic=False))
    build(exported, EngineOptions(), checkpoint=loaded)
    before = contents(tmp_path / "out")
    monkeypatch.setattr("tests.fake_gpu.MAGIC", b"FAKE-ENGINE" + bytes(2 * LITTLE))
    with full_disk(), pytest.raises(BackendUnavailable, match=r"cannot write the engine .* free some space"):
        build(exported, EngineOptions(), checkpoint=loaded)
    assert contents(tmp_path / "out") == before
    assert not list((tmp_path / "out").glob(".*"))


def started(checkpoint: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """An export that is at work: its hidden folder is there."""
    command = [*COMMAND, str(checkpoint), "-o", str(folder), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob(".cgan-export-*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_ctrl_c_leaves_nothing(seed_model: tuple[Path, Exported], tmp_path: Path) -> None:
    tmp_path.joinpath("out").mkdir()
    process = started(seed_model[0], tmp_path / "out")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("target", [None, "tensorrt-rtx"])
def test_a_killed_run_leaves_whole_files(
    seed_model: tuple[Path, Exported], tmp_path: Path, target: str | None
) -> None:
    """Killed at several moments: what has a name is complete, and the next run makes the rest."""
    arguments = ["--no-verify", "--fp16", "--name", "x"]
    if target:
        pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
        arguments += ["--engine", "--target", target]
    folder = tmp_path / "out"
    for seconds in (0.0, 1.0, 2.0, 4.0):
        folder.mkdir(exist_ok=True)
        process = started(seed_model[0], folder, *arguments)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for path in folder.glob("x*.json"):
            Manifest.load(folder / Manifest._parse(path).file)
        for left in folder.glob(".cgan-export-*"):
            left.rename(tmp_path / f"left-{seconds}")
    assert (
        subprocess.run([*COMMAND, str(seed_model[0]), "-o", folder, *arguments], check=False).returncode == 0
    )
    assert (folder / "x-fp16.onnx").is_file()


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
def test_what_is_no_onnx_is_told(content: bytes) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    with pytest.raises(ModelFileError, match="cannot read the ONNX file"):
        build_engine(load_library("tensorrt-rtx"), content, Profile.exactly(1, 32, 32), precision="fp32")
