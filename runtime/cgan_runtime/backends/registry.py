"""Which back ends there are, and how to open one.

    with open_backend(Path("edge.onnx")) as backend: ...            # the best that works here
    with open_backend(path, "onnxruntime", threads=2) as backend: ...

A new back end needs one line in `BACKENDS`; its file is imported when it is opened, not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgan_runtime.errors import BackendUnavailable, ConfigError, ModelFileError
from cgan_runtime.manifest import Manifest

if TYPE_CHECKING:  # the command line takes the names from here, and NumPy would make --help slow
    from cgan_runtime.backends.base import Backend

AUTO = "auto"

PRECISIONS = (AUTO, "fp32", "bf16")

Report = Callable[[str, float], None]
"""Is told the phase of a build and how much of it is done, 0 to 1."""


@dataclass(frozen=True)
class Engine:
    """Where a back end lives and how a person gets it.

    Attributes:
        module: Imported on demand.
        backend: The class in it.
        install: The command that installs what it needs.
        gpu: Whether it runs on an NVIDIA GPU.
        builds: Whether it may have to build an engine first, and tells `report` how far it is.
        rounds: Whether it may compute in less than float32 where a processor is faster with it.
    """

    module: str
    backend: str
    install: str
    gpu: bool = False
    builds: bool = False
    rounds: bool = False

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
            reason = " ".join(str(error).split())
            raise BackendUnavailable(
                f"not usable here ({reason}); install it with: {self.install}"
            ) from error
        return backend


BACKENDS: dict[str, Engine] = {
    "tensorrt": Engine(
        "cgan_runtime.backends.tensorrt.backend",
        "TensorRtBackend",
        "pip install tensorrt pycuda",
        gpu=True,
        builds=True,
    ),
    "cuda": Engine("cgan_runtime.backends.cuda", "CudaBackend", "pip install onnxruntime-gpu", gpu=True),
    "openvino": Engine(
        "cgan_runtime.backends.openvino", "OpenVinoBackend", "pip install openvino", rounds=True
    ),
    "onnxruntime": Engine("cgan_runtime.backends.onnxruntime", "OnnxBackend", "pip install onnxruntime"),
}
"""By name, in the order in which "auto" tries them."""


_MOST_THREADS = 1024
_FOR_ENGINES = "tensorrt"
_NVIDIA = ("/proc/driver/nvidia", "/dev/nvhost-gpu", "/dev/nvgpu", "C:/Windows/System32/nvcuda.dll")
"""One of these is there where an NVIDIA GPU is: a PC's driver, a Jetson's, Windows'."""


def open_backend(
    path: Path,
    name: str = AUTO,
    *,
    threads: int | None = None,
    precision: str = "fp32",
    report: Report | None = None,
) -> Backend:
    """Open a model in the back end named, or in the best one that works here.

    The manifest and the file's sha256 are checked before any engine sees the file.

    Args:
        path: The model file; its manifest lies beside it.
        name: A key of `BACKENDS`, or "auto". A back end that was named is never replaced by another.
        threads: CPU threads of the engine; None leaves the choice to it.
        precision: What a CPU computes in: "fp32"; "bf16"; or "auto", bfloat16 where back end and processor
            are faster with it. A GPU computes in what the model file says.
        report: Is told the phase and part of an engine's build, where a back end has to build one.

    Returns:
        The back end; its `passed_over` says why "auto" did not take a better one.

    Raises:
        ModelFileError: The model or its manifest is missing, damaged, foreign, or no colorizer.
        BackendUnavailable: The back end named, or with "auto" every one, is missing or does not work here,
            or not in this precision.
        ConfigError: No back end has this name, `threads` is out of range, or there is no such precision.
    """
    if name != AUTO and name not in BACKENDS:
        raise ConfigError(f"no back end is called {name!r}; take one of {', '.join((AUTO, *BACKENDS))}")
    if threads is not None and not 1 <= threads <= _MOST_THREADS:
        raise ConfigError(f"{threads} threads were asked for; take 1 to {_MOST_THREADS}, or leave it out")
    if precision not in PRECISIONS:
        raise ConfigError(f"no precision is called {precision!r}; take one of {', '.join(PRECISIONS)}")
    manifest = Manifest.load(path)
    if manifest.kind != "network":
        raise ModelFileError(
            f"{path} takes whole images, for other programs; give the network that it was made from, which "
            "cgan-export writes without --end-to-end"
        )
    candidates = [_FOR_ENGINES] if manifest.engine else list(BACKENDS)
    if name != AUTO and name not in candidates:
        raise ConfigError(f"{path} is a TensorRT engine, which {name} cannot run; give {name} the ONNX file")
    if name != AUTO:
        return _open(name, path, manifest, threads, precision, report)
    failures: dict[str, BackendUnavailable | ModelFileError] = {}
    for candidate in candidates:
        try:
            backend = _open(candidate, path, manifest, threads, precision, report)
        except (BackendUnavailable, ModelFileError) as error:
            failures[candidate] = error
            continue
        backend.passed_over = {candidate: str(why) for candidate, why in failures.items()}
        return backend
    for failure in failures.values():
        if isinstance(failure, ModelFileError):  # an engine works, but not with this file
            raise failure
    raise BackendUnavailable("no back end works here: " + "; ".join(map(str, failures.values())))


def available_backends() -> dict[str, str | None]:
    """Every back end by name in order of preference: None where it can be used, else the reason why not."""
    reasons: dict[str, str | None] = {}
    for name, engine in BACKENDS.items():
        try:
            engine.load()
        except BackendUnavailable as error:
            reasons[name] = str(error)
        else:
            reasons[name] = None
    return reasons


def worth_telling() -> dict[str, str]:
    """Why back ends are not to be had here, of those whose hardware seems to be."""
    reasons = available_backends()
    there = any(Path(path).exists() for path in _NVIDIA)
    return {name: why for name, why in reasons.items() if why and (there or not BACKENDS[name].gpu)}


def _open(
    name: str, path: Path, manifest: Manifest, threads: int | None, precision: str, report: Report | None
) -> Backend:
    engine = BACKENDS[name]
    try:
        backend = engine.load()
    except BackendUnavailable as error:
        raise BackendUnavailable(f"{name} is {error}") from error
    if precision == "bf16" and not engine.rounds:
        raise BackendUnavailable(
            f"{name} does not compute in bfloat16; take openvino, or leave --precision out"
        )
    options: dict[str, Any] = {"report": report} if engine.builds and report else {}
    if engine.rounds:
        options["precision"] = precision
    return backend(path, manifest, threads=threads, **options)
