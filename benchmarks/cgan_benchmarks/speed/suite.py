"""The comparison itself: PyTorch against exported forms in every back end, on the same weights and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.machine.roofline import Peak, count_gflop
from cgan_benchmarks.speed.report import Row, SpeedReport, make_rows
from cgan_benchmarks.speed.scenarios import Scenario
from cgan_benchmarks.speed.session import RowCallback, Session
from cgan_benchmarks.speed.settings import Settings, StepCallback
from cgan_benchmarks.speed.subjects.choose import choose_subjects
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of


def run_suite(
    checkpoint: Checkpoint,
    models: Mapping[str, Path],
    scenario: Scenario,
    settings: Settings,
    on_step: StepCallback = lambda done, total: None,
    on_row: RowCallback = lambda key, seconds: None,
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
        with temporary_folder("cgan-bench-") as folder:
            session = Session(subjects, inputs, settings, folder, step, on_row)
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


def check_models(models: Mapping[str, Path], checkpoint: Checkpoint) -> dict[str, Manifest]:
    """Load the manifests; ModelFileError for damaged models, whole-image ones, and those of other weights."""
    manifests = {label: Manifest.load(path) for label, path in models.items()}
    for label, manifest in manifests.items():
        path = models[label]
        if manifest.kind != "network":
            raise ModelFileError(
                f"{path} takes whole images; cgan-bench compares networks, export one without --end-to-end"
            )
        if manifest.checkpoint_sha256 != checkpoint.sha256:
            raise ModelFileError(
                f"{path} was exported from other weights ({manifest.checkpoint_sha256[:12] or 'unknown'}) "
                f"than {checkpoint.path} holds ({checkpoint.sha256[:12]}); give its own with --checkpoint"
            )
    return manifests


def input_size(
    checkpoint: Checkpoint, manifests: Mapping[str, Manifest], wanted: tuple[int, int] | None, batches: Sequence[int]
) -> tuple[int, int]:
    """Height and width that all models accept, by default the checkpoint's; ConfigError for none."""
    fixed: dict[tuple[int | str, ...], str] = {}
    for label, manifest in manifests.items():
        count, _, height, width = manifest.input.shape
        if isinstance(height, int):
            fixed.setdefault((height, width), label)
        if isinstance(count, int) and set(batches) != {count}:
            raise ConfigError(f"{label} takes batches of {count} only; give --batch {count}")
    if len(fixed) > 1:
        words = " and ".join(f"{label} {height}x{width}" for (height, width), label in fixed.items())
        raise ConfigError(f"the models take different inputs ({words}); measure them one at a time")
    own = checkpoint.config.size
    size = wanted or (own, own)
    for (height, width), label in fixed.items():
        if wanted is not None and (height, width) != wanted:
            raise ConfigError(f"{label} takes {height}x{width} only; leave --size out, or export it dynamic")
        size = int(height), int(width)
    multiple = checkpoint.generator.size_multiple
    if size[0] % multiple or size[1] % multiple:
        raise ConfigError(f"size {size[0]}x{size[1]} does not suit the model; give multiples of {multiple}")
    return size


def in_batches(photos: FloatArray, batch: int) -> list[FloatArray]:
    """All photos in full batches; the first photos fill up the last one."""
    return [np.take(photos, range(first, first + batch), axis=0, mode="wrap") for first in range(0, len(photos), batch)]
