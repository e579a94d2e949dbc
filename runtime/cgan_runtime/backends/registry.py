"""The back ends there are, and how to open one.

    with open_backend(Path("edge.onnx")) as backend: ...            # the best that works here
    with open_backend(path, "onnxruntime", threads=2) as backend: ...

A new back end needs one entry in `BACKENDS`, which is also where the command lines take its name from. Its
file is imported when it is opened, not before; so this one imports nothing heavy.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.checks import check_type
from cgan_runtime.errors import BackendUnavailable, ConfigError, ModelFileError
from cgan_runtime.manifest import Manifest

if TYPE_CHECKING:  # loads NumPy
    from cgan_runtime.backends.base import Backend

AUTO = "auto"
PRECISIONS = (AUTO, "fp32", "bf16")
TEGRA = Path("/etc/nv_tegra_release")
"""Is there on a Jetson."""


@dataclass(frozen=True)
class BackendEntry:
    """Where a back end lives and how to install it."""

    module: str  # imported on demand
    backend: str  # name of the class in it
    install: str  # the command that installs what it needs
    gpu: bool = False  # whether it runs on an NVIDIA GPU
    builds: bool = False  # whether it may have to build an engine first; it then takes `progress`
    reduces_precision: bool = False  # whether it may compute in less than float32; it then takes `precision`

    def load(self) -> Callable[..., Backend]:
        """Import the back end's class, called with (path, manifest, *, threads).

        Raises:
            BackendUnavailable: What it needs is not installed, or cannot be loaded.
        """
        try:
            backend: Callable[..., Backend] = getattr(importlib.import_module(self.module), self.backend)
        except ModuleNotFoundError as error:
            raise BackendUnavailable(f"not installed; install it with: {self.install}") from error
        except (ImportError, OSError) as error:
            why = " ".join(str(error).split())
            raise BackendUnavailable(f"not usable here ({why}); install it with: {self.install}") from error
        return backend

    @property
    def has_hardware(self) -> bool:
        """Whether the hardware that it runs on seems to be here."""
        return not self.gpu or any(Path(path).exists() for path in _NVIDIA)


def _install_tensorrt() -> str:
    """How TensorRT and pycuda are installed on a machine like this: its row of the table in the documentation."""
    if TEGRA.exists():
        machine, how = "Jetson", "pip install pycuda in a venv made with --system-site-packages"
    elif sys.platform == "win32":
        machine, how = "Windows", "pip install tensorrt pycuda, with the CUDA toolkit and Visual Studio's C++ tools"
    else:
        machine, how = "Linux on x86", "pip install tensorrt pycuda, with the CUDA toolkit and a C++ compiler"
    return f"{how} (row {machine!r} of 'Install TensorRT and pycuda' in docs/how-to/deploy.md)"


BACKENDS: dict[str, BackendEntry] = {
    "tensorrt": BackendEntry(
        "cgan_runtime.backends.tensorrt.backend", "TensorRtBackend", _install_tensorrt(),
        gpu=True, builds=True,
    ),
    "cuda": BackendEntry(
        "cgan_runtime.backends.cuda", "CudaBackend", "pip install onnxruntime-gpu", gpu=True
    ),
    "openvino": BackendEntry(
        "cgan_runtime.backends.openvino", "OpenVinoBackend", "pip install openvino", reduces_precision=True
    ),
    "onnxruntime": BackendEntry(
        "cgan_runtime.backends.onnxruntime", "OnnxBackend", "pip install onnxruntime"
    ),
}  # fmt: skip
"""By name, in the order in which "auto" tries them."""

_MAX_THREADS = 1024
_RUNS_ENGINE_FILES = "tensorrt"
_NVIDIA = ("/proc/driver/nvidia", "/dev/nvhost-gpu", "/dev/nvgpu", "C:/Windows/System32/nvcuda.dll")
"""One of these exists where an NVIDIA GPU is: of a PC's driver, a Jetson's, Windows'."""


def open_backend(
    path: Path, name: str = AUTO, *, threads: int | None = None, precision: str = "fp32",
    progress: BuildCallback | None = None,
) -> Backend:  # fmt: skip
    """Open a model in the back end named, or in the best one that works here.

    The manifest and the file's sha256 are checked before any engine sees the file. The back end's
    `passed_over` says why "auto" did not take a better one.

    Args:
        path: The model file; its manifest lies beside it.
        name: A key of `BACKENDS`, or "auto". A back end that was named is never replaced by another.
        threads: CPU threads of the engine; None leaves the choice to it.
        precision: What a CPU computes in: "fp32"; "bf16"; or "auto", bfloat16 where back end and processor
            are faster with it. A GPU computes in what the model file says.
        progress: Called while an engine is built, where a back end has to build one.

    Raises:
        ModelFileError: The model or its manifest is missing, damaged, foreign, or not a network.
        BackendUnavailable: The back end named, or with "auto" every one, is missing or does not work here,
            or not in this precision.
        ConfigError: No back end has this name, `threads` is out of range, or there is no such precision.
    """
    _check_choices(name, threads, precision)
    manifest = Manifest.load(path)
    if manifest.kind != "network":
        raise ModelFileError(
            f"{path} takes whole images, for other programs; give the network that it was made from, which "
            "cgan-export writes without --end-to-end"
        )
    candidates = [_RUNS_ENGINE_FILES] if manifest.engine else list(BACKENDS)
    if name != AUTO and name not in candidates:
        raise ConfigError(f"{path} is a TensorRT engine, which {name} cannot run; give {name} the ONNX file")

    def open_one(candidate: str) -> Backend:
        return _open(candidate, path, manifest, threads, precision, progress)

    if name != AUTO:
        return open_one(name)
    failures: dict[str, BackendUnavailable | ModelFileError] = {}
    for candidate in candidates:
        try:
            backend = open_one(candidate)
        except (BackendUnavailable, ModelFileError) as error:
            failures[candidate] = error
            continue
        backend.passed_over = {candidate: str(why) for candidate, why in failures.items()}
        return backend
    for failure in failures.values():
        if isinstance(failure, ModelFileError):  # an engine works, but not with this file
            raise failure
    likely = [why for failed, why in failures.items() if BACKENDS[failed].has_hardware] or failures.values()
    reasons = "; ".join(map(str, likely))
    raise BackendUnavailable(f"no back end works here: {reasons}; cgan-doctor says what to do")


def available_backends() -> dict[str, str | None]:
    """Every back end by name in order of preference: None if it can be used, else the reason why not."""
    reasons: dict[str, str | None] = dict.fromkeys(BACKENDS)
    for name, entry in BACKENDS.items():
        try:
            entry.load()
        except BackendUnavailable as error:
            reasons[name] = str(error)
    return reasons


def usable_backends() -> list[str]:
    """The names of those that can be used here, in order of preference."""
    return [name for name, reason in available_backends().items() if reason is None]


def _check_choices(name: str, threads: int | None, precision: str) -> None:
    if name != AUTO and name not in BACKENDS:
        raise ConfigError(f"no back end is called {name!r}; take one of {', '.join((AUTO, *BACKENDS))}")
    check_type("threads", threads, int | None)
    if threads is not None and not 1 <= threads <= _MAX_THREADS:
        raise ConfigError(f"{threads} threads were asked for; take 1 to {_MAX_THREADS}, or leave it out")
    if precision not in PRECISIONS:
        raise ConfigError(f"no precision is called {precision!r}; take one of {', '.join(PRECISIONS)}")


def _open(
    name: str, path: Path, manifest: Manifest, threads: int | None, precision: str,
    progress: BuildCallback | None,
) -> Backend:  # fmt: skip
    entry = BACKENDS[name]
    try:
        backend = entry.load()
    except BackendUnavailable as error:
        raise BackendUnavailable(f"{name} is {error}") from error
    if precision == "bf16" and not entry.reduces_precision:
        raise BackendUnavailable(f"{name} does not compute in bfloat16; take openvino, or leave --precision out")
    options: dict[str, Any] = {"progress": progress} if entry.builds and progress else {}
    if entry.reduces_precision:
        options["precision"] = precision
    return backend(path, manifest, threads=threads, **options)
