"""The comparison itself: PyTorch against exported forms in every back end, on the same weights and inputs.

report = run_suite(checkpoint, {"fp32": Path("edge.onnx")}, Settings(threads=2))
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cgan_benchmarks.machine.describe import Others, describe_machine
from cgan_benchmarks.machine.roofline import count_gflop, least_seconds
from cgan_benchmarks.results.intervals import Intervals
from cgan_benchmarks.speed.choose_subjects import exported_subjects, torch_subjects
from cgan_benchmarks.speed.inputs import check_models, in_batches, input_size
from cgan_benchmarks.speed.measurements import Found
from cgan_benchmarks.speed.method import VIDEO_METHOD, method_of
from cgan_benchmarks.speed.report import Equality, Report, Row, Start, Throughput
from cgan_benchmarks.speed.session import measure_subjects
from cgan_benchmarks.speed.settings import OFFLINE, SINGLE_STREAM, STARTUP, VIDEO, Settings
from cgan_benchmarks.speed.subject import PYTORCH, Subject
from cgan_benchmarks.speed.timing import Advance, Timing
from cgan_runtime import __version__
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.backends.registry import BACKENDS, available_backends
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import WEIGHTS, Checkpoint
from cgan_train.evaluation.agreement import agreement
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of


def run_suite(
    checkpoint: Checkpoint,
    models: Mapping[str, Path],
    settings: Settings,
    advance: Advance = lambda done, total: None,
) -> Report:
    """Measure a checkpoint and models that were exported from it.

    Args:
        checkpoint: The reference.
        models: ONNX files with manifests, by what they are called in the table.
        settings: What to measure.
        advance: For a progress bar.

    Raises:
        ModelFileError: A model is damaged or was exported from other weights.
        ConfigError: The size does not suit, models differ in it, or there is no such back end.
        BackendUnavailable: A back end that was named, or every one, does not work here.
    """
    manifests = check_models(models, checkpoint)
    subjects, missing = choose_subjects(checkpoint.path, models, settings)
    height, width = input_size(checkpoint, manifests, settings.size, settings.batches)
    photos = lightness_of(comparison_photos(), height, width)  # (8, 1, H, W)
    others = Others()
    rows: list[Row] = []
    peaks: dict[str, dict[str, float]] = {}
    for number, batch in enumerate(settings.batches):

        def tell(done: int, total: int, before: int = number) -> None:
            advance(before * total + done, len(settings.batches) * total)

        with tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder:
            inputs = in_batches(photos, batch)
            found = measure_subjects(subjects, inputs, settings, Path(folder), tell)
        missing |= found.missing
        peaks |= found.peaks
        gflop = count_gflop(checkpoint.generator, inputs[0].shape)
        rows += make_rows(found, inputs, gflop, settings)
    return Report(
        version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        machine=describe_machine(settings.threads, others.share()),
        method=method_of(settings),
        scenario=settings.scenario,
        recipe=checkpoint.recipe,
        checkpoint_sha256=checkpoint.sha256,
        size=(height, width),
        peaks=peaks,
        rows=tuple(rows),
        missing=missing,
    )


def video_report(model: Path, video: dict[str, Any], threads: int) -> Report:
    """A report of a video alone, and the model that colored it."""
    manifest = Manifest.load(model)
    return Report(
        version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        machine=describe_machine(threads, None),
        method=(VIDEO_METHOD,),
        scenario=VIDEO,
        recipe=manifest.recipe,
        checkpoint_sha256=manifest.checkpoint_sha256,
        size=(video["height"], video["width"]),
        peaks={},
        rows=(),
        missing={},
        video=video,
    )


def with_video(report: Report, video: dict[str, Any]) -> Report:
    """A report with a video beside its rows, where one was measured."""
    if not video:
        return report
    return replace(report, video=video, method=(*report.method, VIDEO_METHOD))


def choose_subjects(
    checkpoint: Path, models: Mapping[str, Path], settings: Settings
) -> tuple[list[Subject], dict[str, str]]:
    """What is measured, the references first; what is missing, and why."""
    names, missing = _usable_backends(settings.backends)
    of_torch, torch_missing = torch_subjects(checkpoint)
    if settings.backends is None:
        missing |= torch_missing
    if settings.backends is not None and PYTORCH not in settings.backends:
        of_torch = [subject for subject in of_torch if subject.is_reference]
    subjects = [*of_torch, *exported_subjects(models, names)]
    if settings.precisions is None:
        return subjects, missing
    known = {subject.precision for subject in subjects}
    if unknown := [name for name in settings.precisions if name not in known]:
        raise ConfigError(
            f"nothing here computes in {' or '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    chosen = [s for s in subjects if s.is_reference or s.precision in settings.precisions]
    return chosen, missing


def make_rows(found: Found, inputs: Sequence[FloatArray], gflop: float, settings: Settings) -> list[Row]:
    """Figures of all subjects that were measured to the end, each compared with PyTorch on its device."""
    subjects = found.subjects
    batch, _, height, width = inputs[0].shape
    intervals = Intervals({subject.key: found.samples[subject.key] for subject in subjects})
    rows = []
    for subject in subjects:
        key, start = subject.key, found.starts[subject.key]
        reference = _reference(subject, subjects)
        timing = Timing.of(found.samples[key], batch if settings.scenario == SINGLE_STREAM else 1)
        peak = found.peak_for(subject)
        size = _file_of(subject).stat().st_size
        least = least_seconds(gflop, (size + 12 * batch * height * width) / 1e9, peak) if peak else None
        runs = 1 / batch if settings.scenario == OFFLINE else 1.0  # that p50 is the time of
        seconds = timing.p50_ms / 1e3
        rows.append(
            Row(
                model=subject.model,
                backend=subject.run_by,
                device=start.device,
                precision=subject.precision,
                weights=start.weights,
                batch=batch,
                megabytes=size / 1e6,
                timing=timing,
                p50_interval_ms=_ms(intervals.median(key)),
                speedup=intervals.medians[reference.key] / intervals.medians[key],
                speedup_interval=intervals.ratio(reference.key, key),
                reference=reference.key,
                engine_ms=found.engine_ms.get(key),
                throughput=Throughput.of(found.flights.get(key, [])),
                start=Start.of(start),
                gflop=gflop,
                gflops=None if settings.scenario == STARTUP else runs * gflop / seconds,
                share_of_peak=runs * least / seconds if least else None,
                equality=_equality(found.answers[reference.key], found.answers[key], inputs),
                samples_ms=np.round(found.samples[key] * 1e3, 4).tolist(),
            )
        )
    return rows


def _equality(wanted: FloatArray, given: FloatArray, inputs: Sequence[FloatArray]) -> Equality:
    found = agreement(zip(inputs, wanted, given, strict=True))
    return Equality(found.largest, found.mean, found.psnr_db, found.ciede2000)


def _reference(subject: Subject, subjects: Sequence[Subject]) -> Subject:
    """PyTorch as it comes, on the same kind of device where it was measured there."""
    references = [other for other in subjects if other.is_reference]
    return next((other for other in references if other.device == subject.device), references[0])


def _file_of(subject: Subject) -> Path:
    return subject.file / WEIGHTS if subject.backend == PYTORCH else subject.file


def _ms(interval: tuple[float, float]) -> tuple[float, float]:
    return interval[0] * 1e3, interval[1] * 1e3


def _usable_backends(wanted: tuple[str, ...] | None) -> tuple[list[str], dict[str, str]]:
    """Back ends to measure, and those that do not work here with the reason."""
    reasons = available_backends()
    for name in wanted or ():
        if name != PYTORCH and name not in BACKENDS:
            state = ", ".join(
                f"{key} ({'works here' if why is None else why})" for key, why in reasons.items()
            )
            raise ConfigError(f"no back end is called {name!r}; there are {PYTORCH} (works here), {state}")
        if reasons.get(name) is not None:
            raise BackendUnavailable(f"{name} is {reasons[name]}")
    missing = {name: reason for name, reason in reasons.items() if reason is not None}
    names = [name for name in reasons if name not in missing and (wanted is None or name in wanted)]
    if wanted is None and not names:
        raise BackendUnavailable("no back end works here: " + "; ".join(missing.values()))
    return names, {} if wanted is not None else missing
