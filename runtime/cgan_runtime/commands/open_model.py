"""TODO."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cgan_runtime.console import Console
from cgan_runtime.options.run import RunOptions

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.backends.base import Backend
    from cgan_runtime.colorizer import Colorizer


@contextmanager
def open_colorizer(options: RunOptions, console: Console) -> Iterator[Colorizer]:
    """Open the model that is asked for; say at the end what has run it."""
    with load_colorizer(options, console) as colorizer:
        yield colorizer
        console.result(f"back end: {backend_text(colorizer.backend, options)}")


def load_colorizer(options: RunOptions, console: Console) -> Colorizer:
    """Open the model that is asked for; show how far an engine is that has to be built first."""
    with console.building() as report:
        return open_model(options, report)


def open_model(options: RunOptions, report: Callable[[str, float], None] | None = None) -> Colorizer:
    """Open the model that is asked for.

    Args:
        options: Of the command line.
        report: Told how far an engine is that has to be built first.
    """
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.models import bundled_model

    asked = options.model
    backend = open_backend(
        asked.model or bundled_model(),
        asked.backend,
        threads=asked.threads,
        precision=asked.precision,
        progress=report,
    )
    return Colorizer(backend, side=asked.size, saturation=asked.saturation)


def backend_text(backend: Backend, options: RunOptions) -> str:
    """What runs the model, and why nothing better does."""
    from cgan_runtime.backends.registry import BACKENDS

    passed_over = "".join(
        f"; passed over: {why}" for name, why in backend.passed_over.items() if BACKENDS[name].has_hardware
    )
    return f"{backend.name} on {backend.device}{passed_over}"
