"""All subjects at their turns, each in a worker process of its own.

session = Session(subjects, inputs, settings, folder, on_step)
for number in range(settings.plan.processes):
    with session.fresh_processes():
        session.take_turns(number)
measurements = session.measurements()
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cgan_benchmarks.machine.describe import device_memory_mb
from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.speed.measurements import ConcurrentRun, Measured, Measurements, ProcessTimes, Start
from cgan_benchmarks.speed.settings import Settings
from cgan_benchmarks.speed.subjects.subject import HALF, PYTORCH, Subject
from cgan_benchmarks.speed.timing import orders
from cgan_benchmarks.speed.worker_process import WorkerProcess
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import BackendUnavailable

_PEAK_SECONDS = 0.1  # of matrix products, and of copies, beside every round
RowCallback = Callable[[str, float], None]  # a subject's key, and its median of a run in seconds so far


@dataclass
class _Entry:
    """A subject, its current process, and what is known of it so far."""

    subject: Subject
    worker: WorkerProcess = field(init=False)
    device: str = ""
    weights: str = ""
    answers: FloatArray | None = None
    runs: int = 0  # timed runs in a turn
    processes: list[ProcessTimes] = field(default_factory=list)  # the last is the current one

    def record(self, **values: Any) -> None:
        """Set figures of the current process."""
        self.processes[-1] = replace(self.processes[-1], **values)


class Session:
    """Measures subjects in turns.

    A subject that fails is left out, and the reason is kept; a reference that fails, or a damaged model,
    raises its CganError.
    """

    def __init__(
        self, subjects: Sequence[Subject], inputs: Sequence[FloatArray], settings: Settings, folder: Path,
        on_step: Callable[[], None] = lambda: None, on_row: RowCallback = lambda _key, _seconds: None,
    ) -> None:  # fmt: skip
        """Write the inputs, batches (N, 1, H, W), into `folder`.

        `on_step` is called after each step, `on_row` after a subject's first timed runs.
        """
        self.settings = settings
        self._entries = [_Entry(subject) for subject in subjects]
        self._missing: dict[str, str] = {}
        self._peaks: dict[str, Peak] = {}
        self._inputs, self._answers = folder / "inputs.npy", folder / "answers.npy"
        self._on_step, self._on_row = on_step, on_row
        self._peak_worker: WorkerProcess | None = None
        np.save(self._inputs, np.stack(inputs))

    @contextmanager
    def fresh_processes(self) -> Iterator[None]:
        """Start a process for each subject, one after another, and end them all when the block ends."""
        with ExitStack() as stack:
            self._peak_worker = stack.enter_context(WorkerProcess())
            self._each(lambda entry: self._start(entry, stack))
            self._each(self._infer_all)
            yield
            for _ in self._entries:
                self._on_step()

    def take_turns(self, number: int) -> None:
        """Warm up, then time runs in rounds, in new orders that follow from the plan's seed and `number`."""
        plan = self.settings.plan
        self._each(self._warm_up)
        keys = [entry.subject.key for entry in self._entries]
        for order in orders(keys, plan.rounds(), plan.seed + number):
            self._each(self._turn, order)
            self.measure_peaks()

    def measure_peaks(self) -> None:
        """Measure what the machine reaches now, in a process of its own, since it takes memory."""
        self._each(self._peak)

    def run_concurrently(self, seconds: float) -> None:
        """Run several engines at once in each process, one for each thread of the settings."""

        def run(entry: _Entry) -> None:
            reply = entry.worker.ask("concurrent", engines=self.settings.threads, seconds=seconds)
            entry.record(concurrent=ConcurrentRun(**reply))

        self._each(run)

    def measurements(self) -> Measurements:
        """Everything that was measured so far."""
        measured = [
            Measured(entry.subject, entry.device, entry.weights, entry.answers, tuple(entry.processes))
            for entry in self._entries
            if entry.answers is not None
        ]
        return Measurements(tuple(measured), self._missing, self._peaks)

    def _each(self, work: Callable[[_Entry], None], order: Sequence[str] | None = None) -> None:
        """Do something with each subject, in the order of these keys; one that fails is left out."""
        entries = {entry.subject.key: entry for entry in self._entries}
        for key in order or list(entries):
            if (entry := entries.get(key)) is None:
                continue
            try:
                work(entry)
            except BackendUnavailable as error:
                if entry.subject.is_reference:
                    raise
                self._missing[key] = str(error)
                self._entries.remove(entry)

    def _start(self, entry: _Entry, stack: ExitStack) -> None:
        memory = device_memory_mb() if entry.subject.device == "cuda" else None
        entry.worker = stack.enter_context(WorkerProcess(self.settings.pythons.get(entry.subject.backend)))
        opened = entry.worker.ask("open", subject=entry.subject.to_json(), threads=self.settings.threads)
        first = entry.worker.ask("first", inputs=str(self._inputs))
        to_result = time.perf_counter() - entry.worker.began
        now = device_memory_mb() if memory is not None else None
        taken = now - memory if now is not None and memory is not None else None
        entry.device, entry.weights = opened["device"], opened["weights"]
        start = Start(to_result, opened["load_seconds"], first["seconds"], first["host_mb"], taken)
        entry.processes.append(ProcessTimes(start))
        self._on_step()

    def _infer_all(self, entry: _Entry) -> None:
        """Color all inputs, once for each subject."""
        if entry.answers is None:
            entry.worker.ask("infer", to=str(self._answers))
            entry.answers = np.load(self._answers)

    def _warm_up(self, entry: _Entry) -> None:
        once = entry.worker.ask("warm")["seconds"]
        entry.runs = entry.runs or self.settings.plan.runs_in_a_turn(once)

    def _turn(self, entry: _Entry) -> None:
        reply, times = entry.worker.ask("turn", runs=entry.runs), entry.processes[-1]
        if len(entry.processes) == 1 and not times.rounds:
            self._on_row(entry.subject.key, float(np.median(reply["seconds"])))
        entry.record(
            rounds=(*times.rounds, tuple(reply["seconds"])),
            engine=(*times.engine, *reply["engine_seconds"]),
            start=replace(times.start, host_mb=reply["host_mb"]),
        )
        self._on_step()

    def _peak(self, entry: _Entry) -> None:
        subject = entry.subject
        if subject.is_reference or (subject.backend == PYTORCH and subject.variant == HALF):
            name = subject.device if subject.is_reference else f"{subject.device} {subject.precision}"
            assert self._peak_worker is not None
            asked = {"precision": subject.precision, "device": subject.device, "seconds": _PEAK_SECONDS}
            peak = Peak(**self._peak_worker.ask("peak", **asked))
            self._peaks[name] = peak.best(self._peaks.get(name, peak))
