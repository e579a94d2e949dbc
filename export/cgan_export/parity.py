"""Is an exported file the model that it came from? Answered on real photographs, by every engine here.

    findings = compare(files, generator, comparison_photos())
    check(findings, FORMS["fp16"])

Tolerances stand in `TOLERANCES` and nowhere else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch

from cgan_export.precision import Form, emulate_half
from cgan_runtime.backends.registry import available_backends, open_backend
from cgan_runtime.errors import BackendUnavailable, ParityError
from cgan_runtime.manifest import Manifest, sha256_of
from cgan_train.agreement import Agreement, agreement
from cgan_train.data.bundled import lightness_of
from cgan_train.data.sources import Picture
from cgan_train.metrics import Array
from cgan_train.models.base import Generator

EMULATED = "half arithmetic"
"""Name of the finding for a half-precision network whose every result is rounded to half precision."""

_EMULATOR = "onnxruntime"  # keeps a rounding that the graph asks for; OpenVINO folds it away

_MENDS = {
    "fp32": "export again, and report it with the checkpoint if it stays",
    "fp16-weights": "keep the weights in float32 (--weights fp32)",
    "fp16": "export float32 (--fp32), or look for layers whose values pass 65,504",
}

_WIDE_PICTURES = 2  # for a free size: how many are compared as one batch, wider than high, as well


@dataclass(frozen=True)
class Tolerance:
    """Largest and mean absolute difference of (a*, b*)/110 from PyTorch in float32."""

    largest: float
    mean: float


TOLERANCES = {
    "fp32": Tolerance(1e-4, 1e-5),
    "fp16-weights": Tolerance(5e-3, 5e-4),
    "fp16": Tolerance(2e-2, 1e-3),
}
"""By form. On the model that ships fp32 differs by 2e-6, fp16-weights by 2e-3 and fp16 by 1e-2 at most."""


def compare(
    model: Path, form: Form, generator: Generator, pictures: Sequence[Picture]
) -> dict[str, Agreement]:
    """Run an exported model in every back end that works here and compare it with PyTorch in float32.

    Args:
        model: The ONNX file, its manifest beside it.
        form: Its form; `fp16` is also compared in emulated half arithmetic, which no CPU engine does.
        generator: What it was exported from.
        pictures: Photographs, of any size.

    Returns:
        For each back end its agreement over all pictures.

    Raises:
        BackendUnavailable: No back end works here.
    """
    names = [name for name, reason in available_backends().items() if reason is None]
    if not names:
        raise BackendUnavailable(
            "no engine is installed to compare the export with; "
            'run: pip install "cgan[cpu]", or give --no-verify'
        )
    manifest = Manifest.load(model)
    asked = list(_batches(manifest, pictures))
    with torch.inference_mode():
        expected = [generator(torch.from_numpy(lightness)).numpy() for lightness in asked]
    findings = {name: _agreement(model, name, asked, expected) for name in names}
    if form.precision == "fp16" and _EMULATOR in names:
        with tempfile.TemporaryDirectory() as folder:
            emulated = _write_emulated(model, manifest, Path(folder))
            findings[EMULATED] = _agreement(emulated, _EMULATOR, asked, expected)
    return findings


def agreement_of(
    model: Path, backend: str, manifest: Manifest, generator: Generator, pictures: Sequence[Picture]
) -> Agreement:
    """Run a model in one back end and compare it with PyTorch in float32."""
    asked = list(_batches(manifest, pictures))
    with torch.inference_mode():
        expected = [generator(torch.from_numpy(lightness)).numpy() for lightness in asked]
    return _agreement(model, backend, asked, expected)


def check(findings: dict[str, Agreement], form: Form) -> None:
    """Hold findings against the form's tolerance.

    Raises:
        ParityError: A difference is too large.
    """
    allowed = TOLERANCES[form.name]
    for name, found in findings.items():
        if found.largest > allowed.largest or found.mean > allowed.mean:
            raise ParityError(
                f"the {form.name} export differs from PyTorch by {found.largest:.1e} at most and "
                f"{found.mean:.1e} on average ({name}), allowed are {allowed.largest:.0e} and "
                f"{allowed.mean:.0e}; nothing was written: {_MENDS[form.name]}"
            )


def _agreement(model: Path, backend: str, asked: Sequence[Array], expected: Sequence[Array]) -> Agreement:
    with open_backend(model, backend) as opened:
        # An answer is valid until the next call, and is compared before that.
        pairs = zip(asked, expected, strict=True)
        return agreement((given, wanted, opened.infer(given)) for given, wanted in pairs)


def _batches(manifest: Manifest, pictures: Sequence[Picture]) -> Iterator[Array]:
    """The pictures as inputs of the sizes and batches that a model takes."""
    batch, _, height, width = manifest.input.shape
    free = not isinstance(height, int) or not isinstance(width, int)
    side = manifest.size
    planes = lightness_of(pictures, side, side) if free else lightness_of(pictures, int(height), int(width))
    count = batch if isinstance(batch, int) else 1
    for first in range(0, len(planes), count):
        yield np.take(planes, range(first, first + count), axis=0, mode="wrap")
    if free:
        yield lightness_of(pictures[:_WIDE_PICTURES], side, side + manifest.size_multiple)


def _write_emulated(model: Path, manifest: Manifest, folder: Path) -> Path:
    path = folder / model.name
    onnx.save(emulate_half(onnx.load(model)), path)
    replace(manifest, sha256=sha256_of(path)).save(path)
    return path
