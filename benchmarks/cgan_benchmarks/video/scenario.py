"""A video from file to file: cgan-run stage by stage, beside decoding and encoding alone.

Decoding and encoding alone is the limit: coloring cannot be faster. Both take turns, each time in a fresh
process, with the same decoder, encoder and settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.results.document import Document
from cgan_benchmarks.speed.options import SubjectOptions
from cgan_benchmarks.speed.report import SpeedReport
from cgan_benchmarks.speed.scenarios import VIDEO
from cgan_benchmarks.speed.settings import StepCallback
from cgan_benchmarks.video.runs import take_turns
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

LIMIT, CGAN = "decode and encode alone", "cgan-run"
METHOD = (
    "Video: decoding and encoding alone and cgan-run take turns, three times each, every time in a fresh "
    "process, models loaded before; frames/s from opening the input to the finished output."
)
_ROUNDS = 3
_OPTIONS = (
    "--scenario", "--video", "--model", "--backends", "--precision", "--threads", "--json", "--html"
)  # fmt: skip


@dataclass(frozen=True)
class VideoScenario:
    """A video alone, colored by one model in one back end and one precision."""

    subjects: SubjectOptions

    def check_usage(self, video: Path | None, given: Sequence[str]) -> None:
        """Refuse options that have no effect, and several values where one is measured."""
        if video is None:
            raise click.UsageError("--scenario video needs a video; give --video FILE")
        if useless := [option for option in given if option not in _OPTIONS]:
            raise click.UsageError(f"{', '.join(useless)} cannot go with --scenario video; leave it out")
        chosen = self.subjects
        values = {"--model": chosen.models, "--backends": chosen.backends, "--precision": chosen.precision}
        for name, each in values.items():
            if each is not None and len(each) > 1:
                raise click.UsageError(f"--scenario video measures one at a time; give {name} once, with one value")

    def report(self, video: Path, on_step: StepCallback = lambda done, total: None) -> SpeedReport:
        """Measure a video, and report it and the model that colored it; errors as of `measure_video`."""
        chosen = self.subjects
        model = chosen.models[0] if chosen.models else bundled_model()
        (backend,), (precision,) = chosen.backends or ("auto",), chosen.precision or ("auto",)
        found = measure_video(
            video, model, threads=chosen.threads, backend=backend, precision=precision, on_step=on_step
        )
        manifest = Manifest.load(model)
        return SpeedReport(
            machine=describe_machine(chosen.threads),
            method=(METHOD,),
            scenario=VIDEO,
            recipe=manifest.recipe,
            checkpoint_sha256=manifest.checkpoint_sha256,
            size=(found["height"], found["width"]),
            video=found,
        )


def with_video(report: SpeedReport, video: Document) -> SpeedReport:
    """A report with a video beside its rows, where one was measured."""
    return replace(report, video=video, method=(*report.method, METHOD)) if video else report


def measure_video(
    source: Path,
    model: Path,
    *,
    threads: int,
    backend: str = "auto",
    precision: str = "auto",
    rounds: int = _ROUNDS,
    on_step: StepCallback = lambda done, total: None,
) -> Document:
    """Measure a video, colored with the options of `cgan-run`, as plain JSON values.

    `ways`: medians over the rounds of frames a second and milliseconds a frame, least and most, and
    `of_limit`, frames a second relative to the limit. `stages`: mean, p50 and p99 in ms. Errors: MediaError
    and ModelFileError.
    """
    manifest = Manifest.load(model)
    settings = {"model": str(model), "threads": threads, "backend": backend, "precision": precision}
    ways = {LIMIT: ("copy", {}), CGAN: ("cgan", settings)}
    runs = take_turns(source, ways, rounds, lambda _, done, total: on_step(done, total))
    rates = {way: [run.fps for run in taken] for way, taken in runs.items()}
    limit = float(np.median(rates[LIMIT]))
    first = runs[CGAN][0]
    width, height = first.size
    return {
        "file": source.name.encode(errors="backslashreplace").decode(),  # a name may be any bytes
        "model": manifest.file,
        "sha256": manifest.sha256,
        "backend": first.backend,
        "width": width,
        "height": height,
        "frames": first.frames,
        "rounds": rounds,
        "ways": {way: _summary(each, limit) for way, each in rates.items()},
        "stages": {
            stage: {
                key: float(np.median([run.stages[stage][key] for run in runs[CGAN]])) for key in first.stages[stage]
            }
            for stage in ("decode", "color", "encode")
        },
    }


def _summary(rates: Sequence[float], limit: float) -> dict[str, float]:
    rate = float(np.median(rates))
    return {
        "frames_per_second": rate,
        "least": min(rates),
        "most": max(rates),
        "ms_a_frame": 1e3 / rate,
        "of_limit": rate / limit,
    }
