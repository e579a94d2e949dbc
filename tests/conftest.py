"""Fixtures that several test folders share."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import settings
from tests.paths import ROOT

from cgan_runtime.manifest import Manifest, Tensor, sha256_of
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.system.signals import STOPPING

settings.register_profile("cgan", deadline=None)  # no test may depend on how fast a machine is
settings.load_profile("cgan")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch's threads wait for each other by spinning, beside other tests

SHARING = {
    "export/web/": "page in the browser", "export/test_gpu_check.py": "check of a GPU",
    "export/": "exports",
    "benchmarks/test_cli.py": "measured", "benchmarks/quality/test_quality.py": "measured",
    "benchmarks/speed/subjects/": "measured", "benchmarks/video/": "measured",
    "runtime/batch/test_ray.py": "cluster", "test_privacy.py": "cluster",  # it would join the other's cluster
}  # fmt: skip
"""Folders and files of tests, slow ones too, and the group that shares costly fixtures or must not meet.

The first that fits counts. A group that takes longer than its share of a core would be waited for.
"""

SHORT_SEGMENT = 50
"""Frames of a segment in tests that look at its borders: encoders with the farthest look-ahead see 40 frames."""

TINY_MULTIPLE = 16
TINY_SIZE = 64


def pytest_configure() -> None:
    """Let Ctrl-C be heard: a shell's background jobs ignore it, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: tests wait for a program, a socket or a clock, and others run beside."""
    return usable_cores() + 1


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the plain tests first; of several processes each takes whole groups, and long ones first.

    A long group that began last would be waited for, with nothing else left to do.
    """
    items.sort(key=_is_slow, reverse="PYTEST_XDIST_WORKER" in os.environ)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


@cache
def _modules_with_segments() -> list[ModuleType]:
    runtime = ROOT / "runtime"
    names = [
        ".".join(file.relative_to(runtime).with_suffix("").parts)
        for file in sorted((runtime / "cgan_runtime").rglob("*.py"))
        if "from cgan_runtime.video.segments import SEGMENT_FRAMES" in file.read_text("utf-8")
    ]
    return [import_module(name) for name in ("cgan_runtime.video.segments", *names)]


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of videos have SHORT_SEGMENT frames in this process: borders are the same, videos a fifth as long."""
    for module in _modules_with_segments():
        monkeypatch.setattr(module, "SEGMENT_FRAMES", SHORT_SEGMENT)
    monkeypatch.setattr("cgan_runtime.pipeline.parts.MAX_WARM_UP", SHORT_SEGMENT)


class _SignalStack(ctypes.Structure):
    _fields_ = [("place", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


_DISABLED = 2  # SS_DISABLE of sigaltstack(2), on Linux


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Give signals back to whom they belonged: commands that a test calls in this process keep theirs.

    Native libraries of earlier tests leave a stack for signal handlers that is gone: a signal would end Python.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).sigaltstack(ctypes.byref(_SignalStack(None, _DISABLED, 0)), None)
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _group(item: pytest.Item) -> str:
    """What runs in one process, one after another: a file, or a folder whose files share costly fixtures."""
    path = item.path.relative_to(ROOT / "tests").as_posix()
    if path.startswith("export/") and item.name.endswith("[edge]"):
        return "export of edge"  # one trace takes as long as all those of the small networks
    shared = next((group for start, group in SHARING.items() if path.startswith(start)), None)
    return shared or (f"slow {path}" if _is_slow(item) else path)


def write_tiny_model(
    path: Path,
    *,
    shape: tuple[int | str, int | str] = ("h", "w"),
    channels_out: int = 2,
    stride: int = 1,
    output: str = "chroma",
    hints: bool = False,
) -> Path:
    """Write an ONNX colorizer of one 3x3 convolution and a tanh, and its manifest.

    Bright places become orange, dark ones blue, and a vertical edge leans to red: (a*, b*)/110 of about 0.3.
    With `hints` it has a second input, whose values are added to the convolution's. The manifest promises
    `shape` and the outputs of a colorizer; the other arguments make the file differ from its manifest.
    """
    onnx = pytest.importorskip("onnx")
    weights = np.zeros((channels_out, 1, 3, 3), np.float32)
    weights[0, 0] = [[0, 0, 0], [-0.5, 0.3, 0.5], [0, 0, 0]]
    weights[-1, 0, 1, 1] = 0.4
    float32 = onnx.TensorProto.FLOAT
    free_or_fixed = shape if stride == 1 else ("h_out", "w_out")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["lightness", "weights"], ["raw"], pads=[1, 1, 1, 1], strides=[stride] * 2),
            *([onnx.helper.make_node("Add", ["raw", "hints"], ["hinted"])] if hints else []),
            onnx.helper.make_node("Tanh", ["hinted" if hints else "raw"], [output]),
        ],
        "tiny",
        [
            onnx.helper.make_tensor_value_info(name, float32, ("n", channels, *shape))
            for name, channels in [("lightness", 1), ("hints", 2)][: 2 if hints else 1]
        ],
        [onnx.helper.make_tensor_value_info(output, float32, ("n", channels_out, *free_or_fixed))],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    write_manifest(path, shape=shape, hints=hints)
    return path


def write_manifest(path: Path, *, shape: tuple[int | str, int | str] = ("h", "w"), hints: bool = False) -> None:
    """Write the manifest of a tiny colorizer beside any file."""
    inputs = Tensor("lightness", "float32", ("n", 1, *shape)), Tensor("hints", "float32", ("n", 2, *shape))
    Manifest(
        name="tiny", file=path.name, sha256=sha256_of(path), precision="fp32", weights="fp32", opset=18,
        size=TINY_SIZE, size_multiple=TINY_MULTIPLE, recipe="tiny",
        inputs=inputs[: 2 if hints else 1],
        outputs=(Tensor("chroma", "float32", ("n", 2, *shape)),),
    ).save(path)  # fmt: skip


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A real ONNX colorizer with free batch, height and width, and its manifest beside it."""
    folder = tmp_path / "model"
    folder.mkdir()
    return write_tiny_model(folder / "tiny.onnx")


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    """A folder in CIFAR-10's format with ten images a batch."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        rows = rng.integers(0, 256, (10, 3072), dtype=np.uint8)
        files = [f"a{number}.png".encode() for number in range(10)]
        batch = {b"data": rows, b"labels": [0] * 10, b"batch_label": b"x", b"filenames": files}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
    return folder
