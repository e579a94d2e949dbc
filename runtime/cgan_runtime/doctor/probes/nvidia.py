"""The NVIDIA driver's own words, without any package; and whether TensorRT fits to driver and GPU."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_NAME_BYTES = 256

_DRIVERS = {11: 450, 12: 525, 13: 580}
"""The oldest driver for each CUDA, "Minor Version Compatibility" in NVIDIA's CUDA Compatibility."""

_CAPABILITIES = (((8, 5), 5.0, 9.0), ((10, 0), 7.0, 9.0), ((10, 5), 7.5, 9.0), ((10, 8), 7.5, 99.0))
"""From which TensorRT on which compute capabilities are supported, by its release notes: 10.0 has no Pascal, 10.5 no
Volta, 10.8 has Blackwell."""


@dataclass(frozen=True)
class Gpu:
    """The first GPU, as its driver tells."""

    name: str
    capability: float  # compute capability, such as 8.7
    cuda: str  # the newest CUDA that the driver takes, such as "12.6"


def ask_driver(load: Callable[[str], Any]) -> Gpu | None:
    """Ask the driver, which `load` opens, for the first GPU; None where there is no driver or no GPU."""
    try:
        cuda = load(_LIBRARY)
        if cuda.cuInit(0):
            return None
        version, count, device = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        cuda.cuDriverGetVersion(ctypes.byref(version))
        cuda.cuDeviceGetCount(ctypes.byref(count))
        if not count.value or cuda.cuDeviceGet(ctypes.byref(device), 0):
            return None
        name = ctypes.create_string_buffer(_NAME_BYTES)
        cuda.cuDeviceGetName(name, _NAME_BYTES, device)
        major, minor = ctypes.c_int(), ctypes.c_int()
        cuda.cuDeviceComputeCapability(ctypes.byref(major), ctypes.byref(minor), device)
    except (OSError, AttributeError):  # no library, or one without these calls
        return None
    number = version.value
    newest = f"{number // 1000}.{number % 1000 // 10}"
    return Gpu(name.value.decode(errors="replace"), float(f"{major.value}.{minor.value}"), newest)


def cuda_of_tensorrt() -> int | None:
    """The major version of CUDA that the TensorRT package is built for, by its parts' names; None if unknown."""
    names = (str(each.metadata["Name"]) for each in metadata.distributions())
    found = [int(match[1]) for name in names if (match := re.match(r"tensorrt[-_]cu(\d+)\b", name))]
    return max(found, default=None)


def mismatch(gpu: Gpu, tensorrt: str | None, cuda: int | None) -> tuple[str, str] | None:
    """Why a TensorRT does not fit to a GPU and its driver, and what to do; None if nothing speaks against it."""
    if cuda is not None and cuda > int(gpu.cuda.partition(".")[0]):
        newer = f"Update the driver (at least {_DRIVERS[cuda]})" if cuda in _DRIVERS else "Update the driver"
        older = f"pip install tensorrt-cu{gpu.cuda.partition('.')[0]}"
        return f"TensorRT here is built for CUDA {cuda}", f"{newer}, or: {older}"
    if tensorrt is None:
        return None
    version = tuple(int(number) for number in re.findall(r"\d+", tensorrt)[:2])
    fitting = [row for row in _CAPABILITIES if row[0] <= version]
    if not fitting:
        return f"TensorRT {tensorrt} is too old", "Install TensorRT 8.5 or newer."
    _, lowest, highest = fitting[-1]
    if lowest <= gpu.capability <= highest:
        return None
    others = [row[0] for row in _CAPABILITIES if row[1] <= gpu.capability <= row[2]]
    if not others:
        mend = "Use the processor: cgan-run --backend onnxruntime."
    elif gpu.capability > highest:
        mend = f"Install TensorRT {'.'.join(map(str, others[0]))} or newer."
    else:
        after = next(row[0] for row in _CAPABILITIES if row[0] > others[-1])
        mend = f"Install a TensorRT before {'.'.join(map(str, after))}."
    return f"TensorRT {tensorrt} does not support it", mend
