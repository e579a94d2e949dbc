"""The scenarios that time models: one object each, which measures, reads the samples and names the method.

For a new scenario add a class to this file; its tables are in `render`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from cgan_benchmarks.speed.settings import Settings, TimingPlan

if TYPE_CHECKING:
    from cgan_benchmarks.results.intervals import Samples
    from cgan_benchmarks.speed.measurements import Measured, ProcessTimes, Rounds
    from cgan_benchmarks.speed.session import Session

VIDEO = "video"  # the scenario without models to compare; see `cgan_benchmarks.video`

_LEVEL = 95  # percent, of the intervals
_CONCURRENT_SECONDS = 0.4
_CONCURRENT_PROCESSES = 2  # of each subject, where it takes turns too

_ROWS = (
    "Each row is measured in processes of its own; OMP_WAIT_POLICY and similar variables do not reach them. "
    "PyTorch and OpenVINO: float32 unless stated; PyTorch: inference_mode, contiguous; ONNX Runtime: no "
    "spinning."
)
_HOST = (
    "Clock: perf_counter around the whole call, array in and array out on the host. On a GPU this includes "
    "both transfers and the wait; `engine_ms` in the JSON is the network alone, by the GPU's own events."
)
_EQUALITY = (
    "Differences: from PyTorch float32 on eight photographs. largest and mean: of (a*, b*)/110; PSNR: of the "
    "same, peak 2; dE00: mean CIEDE2000 of the colored images."
)
_WIDENED = "widened by Student's t for so few"


class Scenario(ABC):
    """How subjects are measured, and what their samples are."""

    name: ClassVar[str]  # as given to `--scenario`
    batches: ClassVar[tuple[int, ...]] = (1,)  # images in a run by default
    processes: ClassVar[int] = 4  # fresh processes of each subject by default
    min_processes: ClassVar[int] = 2  # one value has no interval
    takes_turns: ClassVar[bool] = False  # then a sample is a run of the whole batch
    times_network: ClassVar[bool] = True  # whether a sample is the time of the network alone

    @abstractmethod
    def measure(self, session: Session, number: int) -> None:
        """Measure in the running processes, which are the `number`-th of each subject."""

    @abstractmethod
    def method(self, settings: Settings) -> tuple[str, ...]:
        """What is done, in sentences for people."""

    def rounds(self, plan: TimingPlan) -> int:
        """Turns of each subject in one process."""
        return plan.rounds() if self.takes_turns else 0

    def images(self, batch: int) -> int:
        """Images in one sample, where a run has `batch`."""
        return batch if self.takes_turns else 1

    def samples(self, measured: Measured) -> Samples:
        """Seconds, (processes, rounds, runs)."""
        import numpy as np

        return np.array([self.rounds_of(times) for times in measured.processes])

    @abstractmethod
    def rounds_of(self, times: ProcessTimes) -> Rounds:
        """The samples of one process."""


class SingleStream(Scenario):
    """One run after another, as for a camera."""

    name = "single-stream"
    min_processes = 1
    takes_turns = True

    def measure(self, session: Session, number: int) -> None:  # noqa: D102
        session.take_turns(number)
        if number < _CONCURRENT_PROCESSES:
            session.run_concurrently(_CONCURRENT_SECONDS)

    def rounds_of(self, times: ProcessTimes) -> Rounds:  # noqa: D102
        return times.rounds

    def method(self, settings: Settings) -> tuple[str, ...]:  # noqa: D102
        plan = settings.plan
        if plan.processes > 1:
            interval, concurrent = f"processes and rounds, {_WIDENED} processes", "the first two processes"
        else:
            interval = f"the rounds of one process, {_WIDENED} rounds; they do not cover other processes"
            concurrent = "the one process"
        return (
            _ROWS,
            f"{_processes(plan)} for each row, {plan.rounds()} rounds in each, each in a new order: rest "
            "until no CPU time is used, one run untimed, then timed runs; about "
            f"{plan.seconds:g} s and at least {plan.runs} runs in all, after a warm-up that ends when runs "
            "no longer get faster.",
            _HOST,
            f"x: times as fast as PyTorch, by medians. Intervals: {_LEVEL} %, bootstrap over {interval}.",
            f"concurrent: images a second with {_engines(settings)} in {concurrent}. of peak: the least time "
            "that the network could take by the best matrix product and copy, measured beside every round in its "
            "precision, as a share of p50.",
            _EQUALITY,
            "start: from the start of a process to its first result, files in the page cache; load: reading "
            "and building the model alone; memory: the most that the process held.",
        )


class Offline(Scenario):
    """As many images as possible, as for an archive. A sample is the time of one image."""

    name = "offline"
    batches = (1, 4, 16)

    def measure(self, session: Session, number: int) -> None:  # noqa: D102
        del number
        session.measure_peaks()
        session.run_concurrently(session.settings.plan.seconds / session.settings.plan.processes)

    def rounds_of(self, times: ProcessTimes) -> Rounds:  # noqa: D102
        run = times.concurrent
        return ((run.seconds / max(1, run.images),),) if run else ()

    def method(self, settings: Settings) -> tuple[str, ...]:  # noqa: D102
        return (
            _ROWS,
            f"{_processes(settings.plan)} for each row; in each {_engines(settings)} "
            f"for {settings.plan.seconds / settings.plan.processes:g} s after their warm-up.",
            f"x: times as many as PyTorch. {_interval()}",
            _EQUALITY,
        )


class Startup(Scenario):
    """Fresh starts. A sample is the time from the start of a process to its first result."""

    name = "startup"
    processes = 5
    times_network = False

    def measure(self, session: Session, number: int) -> None:
        """Nothing more: the start has been measured."""

    def rounds_of(self, times: ProcessTimes) -> Rounds:  # noqa: D102
        return ((times.start.to_result_s,),)

    def method(self, settings: Settings) -> tuple[str, ...]:  # noqa: D102
        return (
            _ROWS,
            f"{_processes(settings.plan)} for each row, files in the page cache; "
            "torch.compile finds what it compiled before.",
            "first result: from the start of the process, interpreter and imports included; load: reading "
            "and building the model alone; first run: its first inference.",
            f"x: times as soon as PyTorch. {_interval()}",
        )


SCENARIOS: dict[str, Scenario] = {each.name: each for each in (SingleStream(), Offline(), Startup())}
"""By name, the default first."""


def _interval() -> str:
    return f"Intervals: {_LEVEL} %, bootstrap over processes, {_WIDENED} processes."


def _engines(settings: Settings) -> str:
    count = settings.threads
    return "one engine of one thread" if count == 1 else f"{count} engines at once, of one thread each,"


def _processes(plan: TimingPlan) -> str:
    words = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}
    count = plan.processes
    return f"{words.get(count, str(count))} fresh process{'' if count == 1 else 'es'}"
