"""Chooses the subjects: PyTorch in each of its variants, and every exported form in every back end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cgan_benchmarks.speed.settings import Settings
from cgan_benchmarks.speed.subjects.subject import COMPILED, EAGER, HALF, PYTORCH, Subject
from cgan_benchmarks.speed.worker_process import available_in
from cgan_runtime.errors import BackendUnavailable, ConfigError

Missing = dict[str, str]  # why something is not measured, by its name


def choose_subjects(checkpoint: Path, models: Mapping[str, Path], settings: Settings) -> tuple[list[Subject], Missing]:
    """The subjects, references first, and what is missing; ConfigError or BackendUnavailable."""
    names, missing = _usable_backends(settings.backends, settings.pythons)
    of_torch, torch_missing = _torch_subjects(checkpoint, settings.generator)
    if settings.backends is None and settings.every:
        missing |= torch_missing
    if not settings.every or (settings.backends is not None and PYTORCH not in settings.backends):
        of_torch = [subject for subject in of_torch if subject.is_reference]
    subjects = [*of_torch, *_exported_subjects(models, names)]
    if settings.precisions is None:
        return subjects, missing
    known = {subject.precision for subject in subjects}
    if unknown := [name for name in settings.precisions if name not in known]:
        raise ConfigError(f"nothing here computes in {' or '.join(unknown)}; there are {', '.join(sorted(known))}")
    chosen = [each for each in subjects if each.is_reference or each.precision in settings.precisions]
    return chosen, missing


def _usable_backends(wanted: tuple[str, ...] | None, pythons: Mapping[str, str]) -> tuple[list[str], Missing]:
    """The back ends to measure, and those that do not work here."""
    from cgan_runtime.backends.registry import BACKENDS, available_backends

    if unknown := set(pythons) - set(BACKENDS):
        raise ConfigError(f"--python names no back end: {', '.join(sorted(unknown))}; take {', '.join(BACKENDS)}")
    reasons = available_backends() | {name: available_in(python)[name] for name, python in pythons.items()}
    for name in wanted or ():
        if name != PYTORCH and name not in BACKENDS:
            states = ", ".join(f"{key} ({why or 'works here'})" for key, why in reasons.items())
            raise ConfigError(f"no back end is called {name!r}; there are {PYTORCH} (works here), {states}")
        if reasons.get(name) is not None:
            raise BackendUnavailable(f"{name} is {reasons[name]}")
    missing = {name: reason for name, reason in reasons.items() if reason is not None}
    if wanted is not None:
        return [name for name in reasons if name in wanted], {}
    if len(missing) == len(reasons):
        raise BackendUnavailable("no back end works here: " + "; ".join(missing.values()))
    return [name for name in reasons if name not in missing], missing


def _torch_subjects(checkpoint: Path, generator: str) -> tuple[list[Subject], Missing]:
    """PyTorch's subjects on this machine, references first, and those that do not work here."""
    import torch

    from cgan_benchmarks.speed.subjects.torch_variants import half_of, why_not_compiled

    found: list[Subject] = []
    missing: Missing = {}
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        half, why_no_half = half_of(device)
        name = f"{PYTORCH} {'on the GPU' if device == 'cuda' else 'on the CPU'}"
        variants = (
            (EAGER, "fp32", ""), (COMPILED, "fp32", why_not_compiled(device)), (HALF, half, why_no_half)
        )  # fmt: skip
        for variant, precision, why in variants:
            if why:
                missing[f"{name}, {half if variant == HALF else variant}"] = why
            else:
                found.append(Subject("checkpoint", PYTORCH, checkpoint, precision, variant, device, generator))
    if not torch.cuda.is_available():
        missing["pytorch on a GPU"] = f"PyTorch {torch.__version__} finds no CUDA device"
    return sorted(found, key=lambda subject: not subject.is_reference), missing


def _exported_subjects(models: Mapping[str, Path], names: Sequence[str]) -> list[Subject]:
    """Every model in every back end, the last float32 model also in bfloat16; TensorRT engines in TensorRT
    only.
    """
    from cgan_runtime.backends.registry import BACKENDS
    from cgan_runtime.manifest import Manifest

    found = []
    manifests = {label: Manifest.load(path) for label, path in models.items()}
    float32 = [label for label, manifest in manifests.items() if manifest.precision == "fp32"]
    for label, path in models.items():
        for name in names:
            if manifests[label].engine and name != "tensorrt":
                continue
            device = "cuda" if BACKENDS[name].gpu else "cpu"
            found.append(Subject(label, name, path, manifests[label].precision, device=device))
            if BACKENDS[name].reduces_precision and label in float32[-1:]:
                found.append(Subject(label, name, path, "bf16", HALF, device))
    return found
