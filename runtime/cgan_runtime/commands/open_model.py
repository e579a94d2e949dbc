"""Open the model that the command line asks for, and say what runs it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cgan_runtime.backends.registry import BACKENDS
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.console import Console
from cgan_runtime.options.run import RunOptions

INT8 = "int8"

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.backends.base import Backend
    from cgan_runtime.colorizer import Colorizer


@contextmanager
def open_colorizer(options: RunOptions, console: Console, *, needed: str | None = None) -> Iterator[Colorizer]:
    """Open the model, and print at the end what has run it; a module that is `needed` next is loaded meanwhile."""
    if needed is not None:
        _load_meanwhile(needed)
    try:
        opened = load_colorizer(options, console)
    except (KeyboardInterrupt, SystemExit):
        console.note("stopped while the model was loaded")
        raise
    with opened as colorizer:
        yield colorizer
        console.result(f"back end: {backend_text(colorizer.backend, verbose=options.report.verbose)}")


def _load_meanwhile(module: str) -> None:
    """Load a module in a thread of its own: most of the time in which an engine opens, it leaves Python alone."""
    import cgan_runtime.colorizer  # noqa: F401 (NumPy and OpenCV, whose parts load each other: not in two threads)

    def load() -> None:
        with suppress(Exception):  # whoever imports it next is told
            importlib.import_module(module)

    threading.Thread(target=load).start()


def load_colorizer(options: RunOptions, console: Console) -> Colorizer:
    """Open the model; show the progress of an engine that has to be built first."""
    with console.building() as on_build:
        return open_model(options, on_build)


def open_model(options: RunOptions, on_build: BuildCallback | None = None) -> Colorizer:
    """Open the model; arguments and errors as of `Colorizer.open`."""
    from cgan_runtime.colorizer import Colorizer

    return Colorizer.open(**vars(options.model), on_build=on_build)


def backend_text(backend: Backend, *, verbose: bool) -> str:
    """What runs the model; with `verbose` also why no better back end does."""
    passed_over = backend.passed_over.items() if verbose else ()
    reasons = [reason for name, reason in passed_over if BACKENDS[name].has_hardware]
    precision = f", {INT8} model" if backend.manifest.precision == INT8 else ""  # the device is that of the engine
    return "; passed over: ".join([f"{backend.name} on {backend.device}{precision}", *reasons])
