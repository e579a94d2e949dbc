"""Opens a subject: `load = open_subject(subject)`, then `load(threads)`."""

from __future__ import annotations

from collections.abc import Callable

from cgan_benchmarks.speed.subjects.subject import HALF, PYTORCH, Subject
from cgan_runtime.backends.base import Backend

Load = Callable[[int], Backend]
"""Opens the subject with so many threads."""


def open_subject(subject: Subject) -> Load:
    """Import the engine of a subject, so that the returned function only loads the model.

    Raises:
        BackendUnavailable: The engine is not installed here.
    """
    if subject.backend == PYTORCH:
        from cgan_benchmarks.speed.subjects.torch_variants import TorchVariant

        return lambda threads: TorchVariant(subject, threads)
    from cgan_runtime.backends.registry import BACKENDS, open_backend

    BACKENDS[subject.backend].load()
    precision = subject.precision if subject.variant == HALF else "fp32"
    return lambda threads: open_backend(subject.file, subject.backend, threads=threads, precision=precision)
