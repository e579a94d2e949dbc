"""One subject in a process of its own: what `cgan-bench` measures, told to by lines of JSON.

    python -m cgan_benchmarks.speed.worker         # {"do": "open", "subject": {...}}, ..., end of input to leave

The parent (`processes.Worker`) asks, this answers with one line for each question. So no engine's thread
pool disturbs another's, start-up and memory are those of one engine alone, and what crashes takes one row
with it. What engines print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from cgan_benchmarks.machine.memory import peak_memory_mb
from cgan_benchmarks.speed.choose_subjects import open_subject
from cgan_benchmarks.speed.subject import Subject
from cgan_runtime.errors import CganError

Reply = dict[str, Any]


class Work:
    """The subject that this process holds, and what can be asked of it."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.answers: dict[str, Callable[..., Reply]] = {
            name: getattr(self, name) for name in ("open", "first", "warm", "turn", "infer", "flight", "peak")
        }

    def open(self, subject: dict[str, Any], threads: int) -> Reply:
        """Load the model; how long the import of the engine and the load took."""
        self._subject, self._threads = Subject.from_json(subject), threads
        began = time.perf_counter()
        load = open_subject(self._subject)
        imported = time.perf_counter()
        self._backend = load(threads)
        return {
            "import_seconds": imported - began,
            "load_seconds": time.perf_counter() - imported,
            "device": self._backend.device,
            "precision": self._backend.manifest.precision,
            "weights": self._backend.manifest.weights,
        }

    def first(self, inputs: str) -> Reply:
        """Take the inputs, (batches, N, 1, H, W), and run the first; how long that took."""
        import numpy as np

        self._inputs = np.load(inputs)
        began = time.perf_counter()
        self._backend.infer(self._inputs[0])
        return {"seconds": time.perf_counter() - began, "host_mb": peak_memory_mb()}

    def warm(self) -> Reply:
        """Run until warm; the seconds of a run."""
        from cgan_benchmarks.speed.timing import warm_up

        return {"seconds": warm_up(self._infer_first)}

    def turn(self, runs: int) -> Reply:
        """Timed runs, then rest; seconds of each, and by the device's own clock where it has one."""
        from cgan_benchmarks.speed.timing import timed_runs, wait_until_at_rest

        engine: list[float] = []

        def infer() -> None:
            self._infer_first()
            if self._backend.engine_seconds is not None:
                engine.append(self._backend.engine_seconds)

        seconds = timed_runs(infer, runs)
        wait_until_at_rest()
        return {"seconds": seconds, "engine_seconds": engine[1:], "host_mb": peak_memory_mb()}

    def infer(self, to: str) -> Reply:
        """Write the answers to all inputs."""
        import numpy as np

        np.save(to, np.stack([self._backend.infer(batch).copy() for batch in self._inputs]))
        return {}

    def flight(self, streams: int, seconds: float) -> Reply:
        """An image in flight in each of so many engines: images and seconds."""
        from cgan_benchmarks.speed.concurrency import fly
        from cgan_benchmarks.speed.timing import wait_until_at_rest

        load = open_subject(self._subject)
        threads = max(1, self._threads // streams)
        images, took = fly(lambda: load(threads), self._inputs[0], streams, seconds)
        wait_until_at_rest()
        return {"images": images, "seconds": took}

    def peak(self, seconds: float) -> Reply:
        """What this machine reaches in a matrix product and in a copy, in the subject's precision."""
        from cgan_benchmarks.machine.roofline import measure_peak

        return measure_peak(self._subject.variant, self._subject.device, seconds)

    def _infer_first(self) -> None:
        self._backend.infer(self._inputs[0])


def main() -> None:
    """Answer until the input ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as reply_to:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        work = Work()
        for line in sys.stdin:
            question = json.loads(line)
            try:
                reply = work.answers[question.pop("do")](**question)
            except CganError as error:
                reply = {"error": type(error).__name__, "message": str(error)}
            reply_to.write(json.dumps(reply) + "\n")
            reply_to.flush()


if __name__ == "__main__":
    main()
