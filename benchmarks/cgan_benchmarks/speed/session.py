"""All subjects at their turns, each in a process of its own, several times anew.

found = measure_subjects(subjects, inputs, settings, folder, advance)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgan_benchmarks.machine.describe import device_memory_mb
from cgan_benchmarks.speed.measurements import Found, Started
from cgan_benchmarks.speed.settings import FLIGHTS
from cgan_benchmarks.speed.subject import HALF, PYTORCH, Subject
from cgan_benchmarks.speed.timing import Advance, Plan, orders
from cgan_benchmarks.speed.worker_process import Worker
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import BackendUnavailable

if TYPE_CHECKING:
    from cgan_benchmarks.speed.settings import Settings

_FLIGHT_SECONDS = 0.4
_PEAK_SECONDS = 0.3


def measure_subjects(
    subjects: Sequence[Subject],
    inputs: Sequence[FloatArray],
    settings: Settings,
    folder: Path,
    advance: Advance,
) -> Found:
    """Measure; a subject that does not work here is left out, and said why.

    Args:
        subjects: References first.
        inputs: Batches of photographs, (N, 1, H, W); the first is timed, all are compared.
        settings: What to measure.
        folder: For arrays that pass between the processes.
        advance: For a progress bar.

    Raises:
        CganError: A reference does not work, or a model is damaged.
    """
    np.save(folder / "inputs.npy", np.stack(inputs))
    found = Found(list(subjects))
    plan = settings.plan
    processes = plan.processes
    rounds = {"single-stream": plan.rounds(), "offline": 1, "startup": 0}[settings.scenario]
    steps = _Steps(advance, processes * len(subjects) * (2 + rounds))
    pace: dict[str, int] = {}
    for number in range(processes):
        with ExitStack() as stack:
            team = _start_all(found, stack, settings, folder, steps)
            if number == 0:
                _everyone(found, team, partial(_compare, found, folder))
            if settings.scenario == "single-stream":
                _everyone(found, team, partial(_warm, pace, plan))
                for order in orders(list(team), plan.rounds(), plan.seed + number):
                    _everyone(found, team, partial(_turn, found, pace, steps), order)
            if settings.scenario != "startup":  # not before the turns, which tell the most memory held
                _everyone(found, team, partial(_peak, found))
            if settings.scenario == "offline" or (settings.scenario == "single-stream" and number < FLIGHTS):
                _everyone(found, team, partial(_fly, found, settings))
            for _ in team:
                steps.one()
    return found


def _everyone(
    found: Found, team: dict[str, Worker], work: Callable[[str, Worker], None], order: Sequence[str] = ()
) -> None:
    """Have each worker do something; one that fails leaves the team, and why is told.

    Raises:
        BackendUnavailable: A reference fails.
    """
    for key in [key for key in order or list(team) if key in team]:
        try:
            work(key, team[key])
        except BackendUnavailable as error:
            found.leave_out(key, error)
            del team[key]


class _Steps:
    """Counts towards a progress bar."""

    def __init__(self, advance: Advance, total: int) -> None:
        self._advance, self._total, self._done = advance, total, 0

    def one(self) -> None:
        self._done += 1
        self._advance(self._done, self._total)


def _start_all(
    found: Found, stack: ExitStack, settings: Settings, folder: Path, steps: _Steps
) -> dict[str, Worker]:
    """A fresh process for each subject, one after another."""
    team: dict[str, Worker] = {}
    for subject in list(found.subjects):
        memory = device_memory_mb() if subject.device == "cuda" else None
        worker = stack.enter_context(Worker())
        try:
            said = worker.ask("open", subject=subject.to_json(), threads=settings.threads)
            first = worker.ask("first", inputs=str(folder / "inputs.npy"))
        except BackendUnavailable as error:
            found.leave_out(subject.key, error)
        else:
            to_result = time.perf_counter() - worker.began
            start = found.starts.setdefault(subject.key, Started(said["device"], said["weights"]))
            start.to_result.append(to_result)
            start.load.append(said["load_seconds"])
            start.first.append(first["seconds"])
            start.host_mb.append(first["host_mb"])
            if memory is not None and (now := device_memory_mb()) is not None:
                start.device_mb.append(now - memory)
            if settings.scenario == "startup":
                found.raw.setdefault(subject.key, []).append([[to_result]])
            team[subject.key] = worker
        steps.one()
    return team


def _compare(found: Found, folder: Path, key: str, worker: Worker) -> None:
    worker.ask("infer", to=str(folder / "answers.npy"))
    found.answers[key] = np.load(folder / "answers.npy")


def _warm(pace: dict[str, int], plan: Plan, key: str, worker: Worker) -> None:
    pace.setdefault(key, plan.runs_in_a_turn(worker.ask("warm")["seconds"]))


def _turn(found: Found, pace: dict[str, int], steps: _Steps, key: str, worker: Worker) -> None:
    reply = worker.ask("turn", runs=pace[key])
    turns = found.raw.setdefault(key, [])
    started = found.starts[key]
    if len(turns) < len(started.to_result):
        turns.append([])
    turns[-1].append(reply["seconds"])
    found.engine.setdefault(key, []).extend(reply["engine_seconds"])
    started.host_mb[-1] = reply["host_mb"]
    steps.one()


def _fly(found: Found, settings: Settings, key: str, worker: Worker) -> None:
    offline = settings.scenario == "offline"
    seconds = settings.plan.seconds / settings.plan.processes if offline else _FLIGHT_SECONDS
    reply = worker.ask("flight", streams=settings.threads, seconds=seconds)
    found.flights.setdefault(key, []).append(reply["images"] / reply["seconds"])
    if offline:
        found.raw.setdefault(key, []).append([[reply["seconds"] / max(1, reply["images"])]])


def _peak(found: Found, key: str, worker: Worker) -> None:
    """What the machine reaches, best of all processes, measured by PyTorch's own workers."""
    subject = found.subject(key)
    if subject.is_reference or (subject.backend == PYTORCH and subject.variant == HALF):
        name = subject.device if subject.is_reference else f"{subject.device} {subject.precision}"
        now: dict[str, Any] = worker.ask("peak", seconds=_PEAK_SECONDS)
        before = found.peaks.get(name, now)
        found.peaks[name] = {what: max(value, before[what]) for what, value in now.items()}
