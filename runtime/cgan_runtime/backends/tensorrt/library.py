"""The TensorRT library that is installed: `tensorrt` 8.5 to 11, or `tensorrt_rtx` (TensorRT for RTX).

    library = load_library("tensorrt")
    network = library.module.Builder(library.log)...

Only this folder imports TensorRT.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cgan_runtime.errors import BackendUnavailable

TARGETS = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}  # the module of each target
INSTALL = {"tensorrt": "pip install tensorrt pycuda", "tensorrt-rtx": "pip install tensorrt-rtx"}

_NO_CUDA = "CUDA initialization failure"  # 8.5 logs it as a warning, and makes nothing

# STRONGLY_TYPED keeps the precision of the ONNX file. It exists since 9.1, but is complete from 10.12 on.
_STRONGLY_TYPED_SINCE = (10, 12)


@dataclass(frozen=True)
class Library:
    """A TensorRT library."""

    target: str  # which of the two
    module: Any
    version: str  # as it says, such as "10.13.2.6"
    log: Any  # its logger, which keeps the errors

    @property
    def strongly_typed(self) -> bool:
        """Whether it takes the precision from the ONNX file; older versions need flags."""
        if self.target == "tensorrt-rtx":
            return True
        numbers = tuple(int(number) for number in re.findall(r"\d+", self.version)[:2])
        return numbers >= _STRONGLY_TYPED_SINCE

    def last_error(self, otherwise: str) -> str:
        """The last error that the library logged, on one line; `otherwise` if it logged none."""
        errors: list[str] = self.log.errors
        return " ".join(errors[-1].split()) if errors else otherwise

    @contextmanager
    def starting(self, what: str) -> Iterator[None]:
        """Where it makes its first object, which starts CUDA; raises BackendUnavailable if CUDA does not start."""
        try:
            yield
        except (TypeError, RuntimeError) as error:  # of pybind
            why = self.last_error(str(error))
            raise BackendUnavailable(
                f"{self.target} {self.version} cannot {what} here ({why}); is the GPU's driver new enough? "
                "cgan-doctor says so"
            ) from error


def load_library(target: str = "tensorrt") -> Library:
    """Import a TensorRT library; raises BackendUnavailable if it is not installed or cannot be loaded."""
    if target not in TARGETS:
        raise BackendUnavailable(f"no TensorRT library is called {target!r}; take {' or '.join(TARGETS)}")
    try:
        module = importlib.import_module(TARGETS[target])
    except ModuleNotFoundError as error:
        raise BackendUnavailable(f"{target} is not installed; run: {INSTALL[target]}") from error
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BackendUnavailable(f"{target} cannot be loaded ({reason}); run: {INSTALL[target]}") from error
    return Library(target, module, str(module.__version__), _logger(module))


def _logger(module: Any) -> Any:
    """A logger that prints nothing and keeps errors."""

    class Log(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, text: str) -> None:
            if severity in (module.ILogger.ERROR, module.ILogger.INTERNAL_ERROR) or _NO_CUDA in text:
                self.errors.append(text)

    return Log()
