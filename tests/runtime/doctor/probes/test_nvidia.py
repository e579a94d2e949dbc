"""What the NVIDIA driver says, read from a driver whose GPU is the host's memory; which TensorRT fits to what."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest
from tests.host_gpu import on_host_gpu

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM
from cgan_runtime.doctor.probes import backends, nvidia
from cgan_runtime.doctor.probes.nvidia import Gpu, ask_driver, mismatch

ORIN, BLACKWELL, VOLTA = Gpu("Orin", 8.7, "12.6"), Gpu("RTX 5090", 12.0, "13.0"), Gpu("V100", 7.0, "12.8")


class Driver:
    """A driver of one GPU, as ctypes shows it."""

    cuInit = staticmethod(lambda _flags: 0)

    @staticmethod
    def cuDriverGetVersion(version: Any) -> int:
        version._obj.value = 12060
        return 0

    @staticmethod
    def cuDeviceGetCount(count: Any) -> int:
        count._obj.value = 1
        return 0

    @staticmethod
    def cuDeviceGet(device: Any, index: int) -> int:
        device._obj.value = index
        return 0

    @staticmethod
    def cuDeviceGetName(name: Any, _size: int, _device: Any) -> int:
        name.value = b"Orin"
        return 0

    @staticmethod
    def cuDeviceComputeCapability(major: Any, minor: Any, _device: Any) -> int:
        major._obj.value, minor._obj.value = 8, 7
        return 0


def missing(_name: str) -> Any:
    raise OSError("cannot open shared object file")


def test_the_gpu() -> None:
    assert ask_driver(lambda _name: Driver) == ORIN


def test_no_driver_no_gpu() -> None:
    assert ask_driver(missing) is None


def test_a_driver_that_is_compiled(tmp_path: Path) -> None:
    """The calls have the right types: a real library answers them."""
    folder = on_host_gpu(tmp_path)["LD_LIBRARY_PATH"]
    found = ask_driver(lambda name: ctypes.CDLL(f"{folder}/{name}"))
    assert found == Gpu("Host memory", 9.0, "13.0")


@pytest.mark.parametrize(
    ("gpu", "tensorrt", "cuda", "why", "mend"),
    [
        (ORIN, "10.3.0", 12, None, None),
        (ORIN, "10.3.0", 13, "built for CUDA 13", "Update the driver (at least 580), or: pip install tensorrt-cu12"),
        (ORIN, "8.4.1", None, "8.4.1 is too old", "8.5 or newer"),
        (BLACKWELL, "10.3.0", None, "10.3.0 does not support it", "Install TensorRT 10.8 or newer."),
        (BLACKWELL, "10.13.2.6", 13, None, None),
        (VOLTA, "10.13.2.6", 12, "10.13.2.6 does not support it", "Install a TensorRT before 10.5."),
        (VOLTA, "10.4.0", 12, None, None),
        (Gpu("K80", 3.7, "11.4"), "8.6.1", None, "does not support it", "cgan-run --backend onnxruntime"),
        (ORIN, None, None, None, None),
    ],
)
def test_what_fits(gpu: Gpu, tensorrt: str | None, cuda: int | None, why: str | None, mend: str | None) -> None:
    found = mismatch(gpu, tensorrt, cuda)
    assert (found is None) == (why is None)
    if found is not None:
        assert why is not None
        assert mend is not None
        assert why in found[0]
        assert mend in found[1]


@pytest.mark.parametrize(("hardware", "state"), [(True, PROBLEM), (False, MISSING)])
def test_a_gpu_without_a_driver_is_a_problem(hardware: bool, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "ask_driver", lambda _load: None)
    monkeypatch.setattr(backends, "has_gpu", lambda: hardware)
    (found,) = backends.gpu()
    assert found.state == state


def test_advice_stands_beside_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "ask_driver", lambda _load: ORIN)
    monkeypatch.setattr(nvidia, "cuda_of_tensorrt", lambda: None)
    monkeypatch.setattr(backends, "version_of", lambda *_names: "10.3.0")
    (found,) = backends.gpu()
    assert (found.state, found.text) == (OK, "Orin, compute capability 8.7; the driver takes CUDA 12.6")
    monkeypatch.setattr(nvidia, "cuda_of_tensorrt", lambda: 13)
    (found,) = backends.gpu()
    assert (found.state, found.text[-23:]) == (PROBLEM, "here is built for CUDA 13"[-23:])
