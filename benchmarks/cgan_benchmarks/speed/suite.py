"""The comparison itself: PyTorch against exported forms in every back end, on the same weights and inputs.

report = run_suite(checkpoint, {"fp32": Path("edge.onnx")}, SCENARIOS["offline"], Settings(threads=2))
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.machine.roofline import Peak, count_gflop
from cgan_benchmarks.speed.report import Row, SpeedReport
from cgan_benchmarks.speed.rows import make_rows
from cgan_benchmarks.speed.scenarios import Scenario
from cgan_benchmarks.speed.session import Session
from cgan_benchmarks.speed.settings import Settings, StepCallback
from cgan_benchmarks.speed.subjects.choose import choose_subjects
from cgan_benchmarks.speed.subjects.inputs import check_models, in_batches, input_size
from cgan_train.checkpoint import Checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of


def run_suite(
    checkpoint: Checkpoint,
    models: Mapping[str, Path],
    scenario: Scenario,
    settings: Settings,
    on_step: StepCallback = lambda done, total: None,
) -> SpeedReport:
    """Measure a checkpoint and models that were exported from it, given by their names in the table.

    Errors are those of `check_models`, `choose_subjects` and `input_size`.
    """
    manifests = check_models(models, checkpoint)
    subjects, missing = choose_subjects(checkpoint.path, models, settings)
    height, width = input_size(checkpoint, manifests, settings.size, settings.batches)
    photos = lightness_of(comparison_photos(), height, width)  # (8, 1, H, W)
    load, plan = BackgroundLoad(), settings.plan
    rows: list[Row] = []
    peaks: dict[str, Peak] = {}
    done, total = 0, len(settings.batches) * plan.processes * len(subjects) * (2 + scenario.rounds(plan))

    def step() -> None:
        nonlocal done
        done += 1
        on_step(done, total)

    for batch in settings.batches:
        inputs = in_batches(photos, batch)
        with tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder:
            session = Session(subjects, inputs, settings, Path(folder), step)
            for number in range(plan.processes):
                with session.fresh_processes():
                    scenario.measure(session, number)
        found = session.measurements()
        missing |= found.missing
        peaks |= found.peaks
        rows += make_rows(scenario, found, inputs, count_gflop(checkpoint.generator, inputs[0].shape))
    return SpeedReport(
        machine=describe_machine(settings.threads, load.share()),
        method=scenario.method(settings),
        scenario=scenario.name,
        recipe=checkpoint.recipe,
        checkpoint_sha256=checkpoint.sha256,
        size=(height, width),
        peaks=peaks,
        rows=tuple(rows),
        missing=missing,
    )
