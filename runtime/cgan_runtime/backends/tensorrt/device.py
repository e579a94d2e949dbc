"""The GPU, through pycuda: its primary context, and memory on both sides of one stream.

    with Gpu() as gpu:
        ...

PyTorch and ONNX Runtime use the primary context too; `pycuda.autoinit` would make another one, which clashes
with them. The one thread that owns it pushes and pops it around every use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import BackendUnavailable

INSTALL = "pip install pycuda"


@dataclass(frozen=True)
class Identity:
    """GPU and driver that an engine is built for."""

    gpu: str  # the device's name
    compute_capability: str  # such as "8.7"
    driver: int  # the newest CUDA version that it supports, such as 12060


class Gpu:
    """The first GPU that CUDA shows (`CUDA_VISIBLE_DEVICES` chooses); `driver` is `pycuda.driver`."""

    def __init__(self) -> None:
        """Retain the primary context.

        Raises:
            BackendUnavailable: pycuda or the driver is missing, or there is no GPU.
        """
        try:
            import pycuda.driver as driver
        except ModuleNotFoundError as error:
            raise BackendUnavailable(f"pycuda is not installed; run: {INSTALL}") from error
        except ImportError as error:
            reason = " ".join(str(error).split())
            raise BackendUnavailable(f"there is no NVIDIA driver here ({reason})") from error
        self.driver: Any = driver
        try:
            driver.init()
            device = driver.Device(0)
            self._context = device.retain_primary_context()
            capability = ".".join(map(str, device.compute_capability()))
            self.identity = Identity(device.name(), capability, driver.get_driver_version())
        except driver.Error as error:
            raise BackendUnavailable(f"the GPU cannot be used ({' '.join(str(error).split())})") from error

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make its context the thread's within a `with`."""
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def close(self) -> None:
        """Release the context; all memory in it must be freed before."""
        self._context.detach()

    def __enter__(self) -> Gpu:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Buffer:
    """Memory for one tensor: on the GPU, and page-locked on the host, which makes copies fast."""

    def __init__(self, gpu: Gpu, shape: tuple[int, ...]) -> None:
        self.host: npt.NDArray[np.float32] = gpu.driver.pagelocked_empty(shape, np.float32)
        self.device = gpu.driver.mem_alloc(max(1, self.host.nbytes))
        self._driver = gpu.driver

    @property
    def address(self) -> int:
        """Address on the GPU."""
        return int(self.device)

    def upload(self, stream: Any) -> None:
        """Copy to the GPU in a stream."""
        self._driver.memcpy_htod_async(self.device, self.host, stream)

    def download(self, stream: Any) -> None:
        """Copy from the GPU in a stream."""
        self._driver.memcpy_dtoh_async(self.host, self.device, stream)

    def free(self) -> None:
        """Free the memory on the GPU; that on the host is freed with this object, in the same context."""
        self.device.free()
