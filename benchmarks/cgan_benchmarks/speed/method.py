"""How figures were found, in sentences: printed below them and kept with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgan_benchmarks.results.intervals import LEVEL
from cgan_benchmarks.speed.settings import FLIGHTS

if TYPE_CHECKING:
    from cgan_benchmarks.speed.settings import Settings

_ROWS = (
    "Each row is a process of its own; OMP_WAIT_POLICY and the like do not reach it. PyTorch and OpenVINO: "
    "float32 unless said; PyTorch: inference_mode, contiguous; ONNX Runtime: no spinning."
)
_HOST = (
    "Clock: perf_counter around the whole call, array in and array out on the host. Of a GPU both transfers "
    "and the wait are in it; `engine_ms` of the JSON is the network alone, by the GPU's own events."
)
_EQUALITY = (
    "Differences: from PyTorch float32 on eight photographs. largest and mean: of (a*, b*)/110; PSNR: of the "
    "same, peak 2; dE00: mean CIEDE2000 of the colored images."
)
VIDEO_METHOD = (
    "Video: decoding and encoding alone and cgan-run take turns, three times each, every time in a fresh "
    "process, models loaded before; frames/s from opening the input to the finished output."
)
_FLOWN = {1: "the one process", 2: "the first two processes"}
_WIDENED = "widened by Student's t for so few"


def method_of(settings: Settings) -> tuple[str, ...]:
    """What was done, one sentence each."""
    kinds = {"single-stream": _single_stream, "offline": _offline, "startup": _startup}
    return kinds[settings.scenario](settings)


def _single_stream(settings: Settings) -> tuple[str, ...]:
    plan = settings.plan
    interval = (
        f"bootstrap over processes and rounds, {_WIDENED} processes"
        if plan.processes > 1
        else f"bootstrap over the rounds of one process, {_WIDENED} rounds; what another process would give "
        "is not in them"
    )
    return (
        _ROWS,
        f"{_times(plan.processes, 'fresh process')} for each row, {plan.rounds()} rounds in each, every one "
        "in a new order: rest until no CPU time is used, one run untimed, then timed runs; about "
        f"{plan.seconds:g} s and at least {plan.runs} runs in all, after a warm-up that ends when runs get "
        "no quicker.",
        _HOST,
        f"x: times as fast as PyTorch, by medians. Intervals: {LEVEL} %, {interval}.",
        f"in flight: images a second with {_engines(settings)} in {_FLOWN[min(plan.processes, FLIGHTS)]}. "
        "of peak: the least time that the network could take by the "
        "best matrix product and copy seen in this run, in its precision, as a part of p50.",
        _EQUALITY,
        "start: from the start of a process to its first result, files in the page cache; load: reading and "
        "building the model alone; memory: the most that the process held.",
    )


def _offline(settings: Settings) -> tuple[str, ...]:
    plan = settings.plan
    return (
        _ROWS,
        f"{_times(plan.processes, 'fresh process')} for each row; in each {_engines(settings)} "
        f"for {plan.seconds / plan.processes:g} s after their warm-up.",
        f"x: times as many as PyTorch. Intervals: {LEVEL} %, bootstrap over processes, {_WIDENED} processes.",
        _EQUALITY,
    )


def _startup(settings: Settings) -> tuple[str, ...]:
    return (
        _ROWS,
        f"{_times(settings.plan.processes, 'fresh process')} for each row, files in the page cache; "
        "torch.compile finds what it compiled before.",
        "first result: from the start of the process, interpreter and imports included; load: reading and "
        "building the model alone; first run: its first inference.",
        f"x: times as soon as PyTorch. Intervals: {LEVEL} %, bootstrap over processes, {_WIDENED} processes.",
    )


def _engines(settings: Settings) -> str:
    count = settings.threads
    return "one engine of one thread" if count == 1 else f"{count} engines at once, of one thread each,"


def _times(count: int, thing: str) -> str:
    words = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}
    return f"{words.get(count, str(count))} {thing}{'' if count == 1 else 'es'}"
