"""One subject in a process of its own. It answers each line of JSON on stdin with one on stdout.

    python -m cgan_benchmarks.speed.worker        # {"do": "open", "subject": {...}}, ..., until end of input

The parent's side is `worker_process.WorkerProcess`. In processes of their own, thread pools of engines do not
disturb each other, start-up and memory are those of one engine, and a crash costs one row only. What engines
print goes to stderr. Modules are imported when they are needed: imports are part of the start-up.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from cgan_benchmarks.machine.process import peak_memory_mb
from cgan_benchmarks.speed.subjects.subject import HALF, PYTORCH, Subject
from cgan_runtime.backends.base import Backend
from cgan_runtime.errors import CganError

Reply = dict[str, Any]
_QUESTIONS = ("open", "first", "warm", "turn", "infer", "concurrent", "peak")


class SubjectWorker:
    """The subject that this process holds; each public method answers a question."""

    def open(self, subject: dict[str, Any], threads: int) -> Reply:
        """Load the model; the seconds that this took, without the engine's import."""
        self._subject, self._threads = Subject.from_json(subject), threads
        self._load = _opener(self._subject)
        began = time.perf_counter()
        self._backend = self._load(threads)
        seconds = time.perf_counter() - began
        weights = self._backend.manifest.weights
        return {"load_seconds": seconds, "device": self._backend.device, "weights": weights}

    def first(self, inputs: str) -> Reply:
        """Read the inputs, (batches, N, 1, H, W), and run the first; the seconds of this run."""
        import numpy as np

        self._inputs = np.load(inputs)
        began = time.perf_counter()
        self._run()
        return {"seconds": time.perf_counter() - began, "host_mb": peak_memory_mb()}

    def warm(self) -> Reply:
        """Run until warm; the seconds of a run."""
        from cgan_benchmarks.speed.timing import warm_up

        return {"seconds": warm_up(self._run)}

    def turn(self, runs: int) -> Reply:
        """Timed runs, then rest; the seconds of each, also by the device's own clock where it has one."""
        from cgan_benchmarks.speed.timing import timed_runs, wait_until_at_rest

        engine: list[float] = []

        def run() -> None:
            self._run()
            if self._backend.engine_seconds is not None:
                engine.append(self._backend.engine_seconds)

        seconds = timed_runs(run, runs)
        wait_until_at_rest()
        return {"seconds": seconds, "engine_seconds": engine[1:], "host_mb": peak_memory_mb()}

    def infer(self, to: str) -> Reply:
        """Write the answers to all inputs, (batches, N, 2, H, W)."""
        import numpy as np

        np.save(to, np.stack([self._backend.chroma(batch).copy() for batch in self._inputs]))
        return {}

    def concurrent(self, engines: int, seconds: float) -> Reply:
        """Several engines at once; images and seconds."""
        from cgan_benchmarks.speed.timing import run_concurrently, wait_until_at_rest

        threads = max(1, self._threads // engines)
        run = run_concurrently(lambda: self._load(threads), self._inputs[0], engines, seconds)
        wait_until_at_rest()
        return asdict(run)

    def peak(self, precision: str, device: str, seconds: float) -> Reply:
        """What this machine reaches in a matrix product and in a copy; needs no subject."""
        from cgan_benchmarks.machine.roofline import measure_peak

        return asdict(measure_peak(precision, device, seconds))

    def _run(self) -> None:
        self._backend.chroma(self._inputs[0])


def _opener(subject: Subject) -> Callable[[int], Backend]:
    """Import a subject's engine, or raise BackendUnavailable; the result loads the model, with so many
    threads.
    """
    if subject.backend == PYTORCH:
        from cgan_benchmarks.speed.subjects.torch_variants import TorchVariant

        return lambda threads: TorchVariant(subject, threads)
    from cgan_runtime.backends.registry import BACKENDS, open_backend

    BACKENDS[subject.backend].load()
    precision = subject.precision if subject.variant == HALF else "fp32"
    return lambda threads: open_backend(subject.file, subject.backend, threads=threads, precision=precision)


def main() -> None:
    """Answer until the input ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as reply_to:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        worker = SubjectWorker()
        answers = {name: getattr(worker, name) for name in _QUESTIONS}
        for line in sys.stdin:
            question = json.loads(line)
            try:
                reply = answers[question.pop("do")](**question)
            except CganError as error:
                reply = {"error": type(error).__name__, "message": str(error)}
            reply_to.write(json.dumps(reply) + "\n")
            reply_to.flush()


if __name__ == "__main__":
    main()
