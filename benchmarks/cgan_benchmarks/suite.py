"""The comparison itself: PyTorch against exported forms in every back end, on the same weights and inputs.

report = run_suite(checkpoint, {"fp32": Path("edge.onnx")}, Settings(threads=2))
"""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from cgan_benchmarks.machine import Others, describe_machine
from cgan_benchmarks.measure import Advance, Plan, Timing, measure
from cgan_benchmarks.report import Report, Row
from cgan_runtime import __version__
from cgan_runtime.backends.base import Backend, FloatArray
from cgan_runtime.backends.registry import BACKENDS, available_backends, open_backend
from cgan_runtime.errors import BackendUnavailable, ConfigError, ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_train.agreement import Agreement, agreement
from cgan_train.checkpoint import WEIGHTS, Checkpoint
from cgan_train.data.bundled import comparison_photos, lightness_of
from cgan_train.torch_backend import TorchBackend

_METHOD = (
    "PyTorch: eager, float32, contiguous, inference_mode. ONNX Runtime: no spinning. OpenVINO: float32.",
    "Rows take turns in rounds, each round in a new order: rest until the process uses no CPU time, one run "
    "untimed, then timed runs.",
    "Array in, array out, on the host; frames/s from the sum of all runs.",
)


@dataclass(frozen=True)
class Settings:
    """What to measure, and how.

    Attributes:
        size: Height and width; None for the checkpoint's own.
        batch: Pictures in a run.
        threads: CPU threads of every engine.
        backends: Names from the registry; None for all that work here.
        plan: How long.
    """

    size: tuple[int, int] | None = None
    batch: int = 1
    threads: int = 2
    backends: tuple[str, ...] | None = None
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class _Subject:
    """A loaded model: what it is called in the table, the back end, and the file."""

    label: str
    backend: Backend
    file: Path


def export_forms(checkpoint: Path, folder: Path) -> dict[str, Path]:
    """Export a checkpoint in every form, as a person would: by `cgan-export`, in a process of its own.

    Returns:
        The ONNX files by what they are called in the table.

    Raises:
        ModelFileError: It could not be exported.
    """
    command = [sys.executable, "-m", "cgan_export.cli", str(checkpoint), "-o", str(folder)]
    done = subprocess.run(
        [*command, "--all", "--no-verify", "--quiet"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("error: ")
        raise ModelFileError(f"{checkpoint} could not be exported: {reason}")
    models = [(Manifest.load(path), path) for path in folder.glob("*.onnx")]
    return {label_of(manifest): path for manifest, path in sorted(models, key=lambda model: _rank(model[0]))}


def label_of(manifest: Manifest) -> str:
    """What a form is called in the table."""
    same = manifest.precision == manifest.weights
    return manifest.precision if same else f"{manifest.weights} weights"


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
        ConfigError: The size does not suit, or there is no such back end.
        BackendUnavailable: A back end that was named, or every one, does not work here.
    """
    for model in models.values():
        check_same_weights(Manifest.load(model), model, checkpoint)
    height, width = settings.size or (checkpoint.config.size, checkpoint.config.size)
    names, missing = _usable_backends(settings.backends)
    with ExitStack() as stack:
        reference = stack.enter_context(TorchBackend(checkpoint, threads=settings.threads))
        if height % reference.manifest.size_multiple or width % reference.manifest.size_multiple:
            multiple = reference.manifest.size_multiple
            raise ConfigError(f"size {height}x{width} does not suit the model; give multiples of {multiple}")
        photos = lightness_of(comparison_photos(), height, width)  # (8, 1, H, W)
        batches = [
            np.take(photos, range(first, first + settings.batch), axis=0, mode="wrap")
            for first in range(0, len(photos), settings.batch)
        ]
        subjects = [_Subject("checkpoint", reference, checkpoint.path / WEIGHTS)]
        for label, model in models.items():
            for name in names:
                try:
                    opened = stack.enter_context(open_backend(model, name, threads=settings.threads))
                except BackendUnavailable as error:
                    missing[f"{model.name} in {name}"] = str(error)
                else:
                    subjects.append(_Subject(label, opened, model))
        others = Others()
        rows = _measure_rows(subjects, batches, settings, advance)
    return Report(
        version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        machine=describe_machine(settings.threads, others.share()),
        method=_METHOD,
        recipe=checkpoint.recipe,
        checkpoint_sha256=checkpoint.sha256,
        input_shape=batches[0].shape,
        rows=tuple(rows),
        missing=missing,
    )


def check_same_weights(manifest: Manifest, model: Path, checkpoint: Checkpoint) -> None:
    """Refuse to compare models of different weights.

    Raises:
        ModelFileError: The model was exported from another checkpoint.
    """
    if manifest.checkpoint_sha256 != checkpoint.sha256:
        raise ModelFileError(
            f"{model} was exported from other weights ({manifest.checkpoint_sha256[:12] or 'unknown'}) than "
            f"{checkpoint.path} holds ({checkpoint.sha256[:12]}); give its own with --checkpoint"
        )


def _usable_backends(wanted: tuple[str, ...] | None) -> tuple[list[str], dict[str, str]]:
    """Back ends to measure, and those that do not work here with the reason."""
    reasons = available_backends()
    for name in wanted or ():
        if name not in BACKENDS:
            state = ", ".join(
                f"{key} ({'works here' if why is None else why})" for key, why in reasons.items()
            )
            raise ConfigError(f"no back end is called {name!r}; there are {state}")
        if reasons[name] is not None:
            raise BackendUnavailable(f"{name} is {reasons[name]}")
    missing = {name: reason for name, reason in reasons.items() if reason is not None}
    names = list(wanted or (name for name in reasons if name not in missing))
    if not names:
        raise BackendUnavailable("no back end works here: " + "; ".join(missing.values()))
    return names, {} if wanted else missing


def _measure_rows(
    subjects: Sequence[_Subject], batches: Sequence[FloatArray], settings: Settings, advance: Advance
) -> list[Row]:
    """Compare all subjects with the first one, then time them."""
    found = _differences(subjects, batches)
    calls = {str(n): partial(subject.backend.infer, batches[0]) for n, subject in enumerate(subjects)}
    times = measure(calls, settings.plan, advance=advance)
    timings = [Timing.of(seconds, len(batches[0])) for seconds in times.values()]
    return [
        _row(subject, timing, timings[0], difference)
        for subject, timing, difference in zip(subjects, timings, found, strict=True)
    ]


def _differences(subjects: Sequence[_Subject], batches: Sequence[FloatArray]) -> list[Agreement]:
    """How far each subject's answers are from the first one's."""
    expected = [subjects[0].backend.infer(batch).copy() for batch in batches]
    pairs = list(zip(batches, expected, strict=True))
    return [
        agreement((given, wanted, subject.backend.infer(given)) for given, wanted in pairs)
        for subject in subjects
    ]


def _row(subject: _Subject, timing: Timing, reference: Timing, difference: Agreement) -> Row:
    manifest = subject.backend.manifest
    return Row(
        model=subject.label,
        backend=subject.backend.name,
        device=subject.backend.device,
        precision=manifest.precision,
        weights=manifest.weights,
        megabytes=subject.file.stat().st_size / 1e6,
        timing=timing,
        speedup=reference.p50_ms / timing.p50_ms,
        largest_difference=difference.largest,
        mean_difference=difference.mean,
        ciede2000=difference.ciede2000,
    )


def _rank(manifest: Manifest) -> tuple[bool, bool]:
    """Sorts float32 first, then float32 with half weights, then half."""
    return manifest.precision == "fp16", manifest.weights == "fp16"
