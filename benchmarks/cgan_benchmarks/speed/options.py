"""The option groups of `cgan-bench` itself, each with its usage checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cgan_benchmarks.options import NAMES, NUMBERS, PATH, PYTHON, SecondsType, threads_option
from cgan_benchmarks.speed.scenarios import SCENARIOS, VIDEO, Scenario
from cgan_benchmarks.speed.settings import Settings, TimingPlan
from cgan_runtime.options.groups import SizeType, option_group

_POSITIVE = click.IntRange(min=1)
_SECONDS, _RUNS = 2.4, 30
_QUICK_SECONDS, _QUICK_RUNS = 0.5, 10


@dataclass(frozen=True)
class SubjectOptions:
    """What is compared."""

    checkpoint: Path | None
    generator: str
    models: tuple[Path, ...]
    backends: tuple[str, ...] | None
    precision: tuple[str, ...] | None
    threads: int
    every: bool
    pythons: tuple[tuple[str, str], ...] = ()

    @property
    def all_forms(self) -> bool:
        """Whether more is measured than the form that ships, or float32, beside PyTorch as it is loaded."""
        named = set(self.precision or ()) - {"fp32", "int8"} or "pytorch" in (self.backends or ())
        return self.every or bool(named)

    @property
    def int8(self) -> bool:
        """Whether 8 bits were asked for."""
        return "int8" in (self.precision or ())


@dataclass(frozen=True)
class TimingOptions:
    """How long it is measured."""

    duration: float | None
    runs: int | None
    processes: int | None
    quick: bool
    seed: int

    def plan(self, scenario: Scenario) -> TimingPlan:
        """The plan for a scenario."""
        processes, least = self.processes, scenario.min_processes
        if self.quick:
            if (self.duration, self.runs, processes) != (None, None, None):
                raise click.UsageError("--quick says how long to measure; leave out --duration, --runs, --processes")
            return TimingPlan(_QUICK_SECONDS, _QUICK_RUNS, least, self.seed)
        if processes is not None and processes < least:
            raise click.UsageError(f"--processes {processes} gives {scenario.name} no interval; give {least} at least")
        return TimingPlan(self.duration or _SECONDS, self.runs or _RUNS, processes or scenario.processes, self.seed)


@dataclass(frozen=True)
class ScenarioOptions:
    """What is measured of it."""

    scenario: str
    video: Path | None
    size: tuple[int, int] | None
    batch: tuple[int, ...] | None

    def settings(self, subjects: SubjectOptions, timing: TimingOptions) -> tuple[Scenario, Settings]:
        """The scenario that times models, and its settings."""
        scenario = SCENARIOS[self.scenario]
        return scenario, Settings(
            self.size, self.batch or scenario.batches, subjects.threads, subjects.backends,
            subjects.precision, subjects.all_forms, subjects.generator, timing.plan(scenario),
            dict(subjects.pythons),
        )  # fmt: skip


subject_options = option_group(
    "subjects", SubjectOptions, "What is compared",
    click.option("--checkpoint", type=PATH, help="The PyTorch model.  [default: the one that ships]"),
    click.option("--generator", default="", metavar="FILE.py:NAME", show_default=False,
        help="The own generator that it was trained with. The file is run: name one that you trust."),
    click.option("--model", "models", type=PATH, multiple=True,
        help="ONNX file exported from it; may be given several times.  [default: the one that ships, or float32]"),
    click.option("--all", "every", is_flag=True,
        help="Every form (float32, weights in half precision, half precision), and PyTorch compiled and in half "
        "precision too. Exports are made once, and kept in the cache."),
    click.option("--backends", type=NAMES, help="Names, with commas between.  [default: all that work here]"),
    click.option("--precision", type=NAMES,
        help="Of --all, and of int8, only these, as fp32,int8. The export to int8 takes a minute."),
    threads_option,
    click.option("--python", "pythons", type=PYTHON, multiple=True,
        help="Another Python for a back end, as tensorrt=/opt/trt/bin/python, where no environment has all. It needs "
        "NumPy, click, rich and the back end, and runs this cgan."),
)  # fmt: skip

scenario_options = option_group(
    "what", ScenarioOptions, "What is measured",
    click.option("--scenario", type=click.Choice([*SCENARIOS, VIDEO]), default=next(iter(SCENARIOS)),
        help="One image after another, as from a camera; as many as possible, as in an archive; fresh "
        "starts; a video."),
    click.option("--video", type=PATH,
        help="Measure the whole pipeline on this video too, beside decoding and encoding alone."),
    click.option("--size", type=SizeType(), help="Size in pixels.  [default: the checkpoint's]"),
    click.option("--batch", type=NUMBERS, help="Images in a run.  [default: 1; of offline 1,4,16]",
        show_default=False),
)  # fmt: skip

timing_options = option_group(
    "timing", TimingOptions, "How long",
    click.option("--duration", type=SecondsType(),
        help=f"Seconds of timed runs for each row, about.  [default: {_SECONDS:g}]"),
    click.option("--runs", type=_POSITIVE, help=f"Timed runs of each row, at least.  [default: {_RUNS}]"),
    click.option("--processes", type=_POSITIVE,
        help="Fresh processes of each row; of offline and startup at least 2.  [default: 4; of startup 5]"),
    click.option("--quick", is_flag=True,
        help=f"A first impression: {_QUICK_SECONDS:g} s a row, fewest processes."),
    click.option("--seed", type=int, default=0, help="Of the order in which the rows take turns."),
)  # fmt: skip
