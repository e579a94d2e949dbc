"""What is measured: one form of the model in one engine.

    for subject in torch_subjects(checkpoint) + exported_subjects(models, names): ...
    backend = open_subject(subject)(threads)

PyTorch as it comes (eager, float32) is the reference; beside it stand PyTorch compiled, and in the halves
that the device has units for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cgan_benchmarks.speed.subject import COMPILED, EAGER, HALF, PYTORCH, Subject
from cgan_runtime.backends.base import Backend

Load = Callable[[int], Backend]
"""Opens the subject with so many threads; what it needs is imported already."""


def open_subject(subject: Subject) -> Load:
    """Import what runs a subject.

    Raises:
        BackendUnavailable: It is not installed here.
    """
    if subject.backend == PYTORCH:
        from cgan_benchmarks.speed.torch_variants import load_variant

        return lambda threads: load_variant(subject, threads)
    from cgan_runtime.backends.registry import BACKENDS, open_backend

    BACKENDS[subject.backend].load()
    precision = subject.precision if subject.variant == HALF else "fp32"
    return lambda threads: open_backend(subject.file, subject.backend, threads=threads, precision=precision)


def torch_subjects(checkpoint: Path) -> tuple[list[Subject], dict[str, str]]:
    """PyTorch's subjects on this machine, the references first; what is missing, and why."""
    from cgan_benchmarks.speed.torch_variants import half_of, why_not_compiled

    found: list[Subject] = []
    missing: dict[str, str] = {}
    import torch

    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        half, why_no_half = half_of(device)
        name = f"{PYTORCH} {'on the GPU' if device == 'cuda' else 'on the CPU'}"
        found.append(Subject("checkpoint", PYTORCH, checkpoint, variant=EAGER, device=device))
        if why := why_not_compiled(device):
            missing[f"{name}, compiled"] = why
        else:
            found.append(Subject("checkpoint", PYTORCH, checkpoint, variant=COMPILED, device=device))
        if why_no_half:
            missing[f"{name}, {half}"] = why_no_half
        else:
            found.append(Subject("checkpoint", PYTORCH, checkpoint, half, HALF, device))
    if not torch.cuda.is_available():
        missing["pytorch on a GPU"] = f"PyTorch {torch.__version__} finds no CUDA device"
    return sorted(found, key=lambda subject: not subject.is_reference), missing


def exported_subjects(models: Mapping[str, Path], names: Sequence[str]) -> list[Subject]:
    """Every model in every back end; a TensorRT engine in that one alone.

    The last float32 model, which is the one that ships where it is among them, is also rounded to bfloat16
    where a back end does that, as `cgan-run` has it.
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
            if BACKENDS[name].rounds and label in float32[-1:]:
                found.append(Subject(label, name, path, "bf16", HALF, device))
    return found
