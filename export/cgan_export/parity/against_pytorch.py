"""Is an exported file the model that it came from? Answered on real photographs, by every engine here.

    findings = compare(path, reference, comparison_photos())
    check(findings, "fp16")

How far each form may be from its source stands in `TOLERANCES` and nowhere else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx

from cgan_export.graph.cpu_engines import ENGINES, open_image_model
from cgan_export.graph.end_to_end import fixed_network_shape
from cgan_export.graph.precision import emulate_half
from cgan_runtime.backends.base import Backend
from cgan_runtime.backends.registry import open_backend, usable_backends
from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ParityError
from cgan_runtime.manifest import Manifest, sha256_of
from cgan_train.data.sources import Image
from cgan_train.evaluation.agreement import Agreement, agreement, image_agreement
from cgan_train.evaluation.comparison_photos import lightness_of
from cgan_train.evaluation.metrics import Array

EMULATED = "half arithmetic"
"""Name of the finding for a half-precision network whose every result is rounded to half precision."""

EMULATOR = "onnxruntime"
"""Runs such a network: it keeps a rounding that the graph asks for, which OpenVINO folds away."""

_WIDE_IMAGES = 2  # for a free size: how many are compared as one batch, wider than high, as well
_ODD_SIZES = ((403, 611), (97, 41))  # height and width of two grays that are compared as well


@dataclass(frozen=True)
class Tolerance:
    """How far a form may be from PyTorch in float32.

    Attributes:
        largest: Largest absolute difference of (a*, b*)/110; of whole images, of their codes 0 to 255.
        mean: Mean absolute difference of the same.
        ciede2000: Mean color difference of the colored images.
        mend: What to do where it is farther.
    """

    largest: float
    mean: float
    ciede2000: float
    mend: str

    def fits(self, found: Agreement) -> bool:
        """Whether a finding is within it."""
        return found.largest <= self.largest and found.mean <= self.mean and found.ciede2000 <= self.ciede2000


_REPORT = "export again, and report it with the checkpoint if it stays"
_HALF = "export float32 (--fp32), or look for layers whose values pass 65,504"
_QUANTIZED = "give more photos like those that it will see (--calibration), or export --fp16"

TOLERANCES = {
    "fp32": Tolerance(1e-4, 1e-5, 0.01, _REPORT),
    "fp16-weights": Tolerance(5e-3, 5e-4, 0.1, "keep the weights in float32 (--weights fp32)"),
    "fp16": Tolerance(2e-2, 1e-3, 0.2, _HALF),
    "int8": Tolerance(0.5, 2e-2, 1.0, _QUANTIZED),
    "fp32 image": Tolerance(2, 0.01, 0.01, _REPORT),
    "fp16-weights image": Tolerance(4, 0.1, 0.1, "keep the weights in float32 (--weights fp32)"),
    "fp16 image": Tolerance(12, 0.25, 0.2, _HALF),
    "int8 image": Tolerance(150, 2.0, 1.0, _QUANTIZED),
    # A GPU sums in another order than a CPU; on an H200 fp16 differed by 1.3e-2 at 256 px, by 3.3e-2 at 512.
    "fp32 engine": Tolerance(1e-3, 1e-4, 0.05, "build it with another version of TensorRT"),
    "fp16-weights engine": Tolerance(6e-3, 6e-4, 0.15, "build that of the file made with --weights fp32"),
    "fp16 engine": Tolerance(5e-2, 2e-3, 0.3, "build it with --fp32"),
    "int8 engine": Tolerance(0.5, 2e-2, 1.0, "build it with --fp16"),
}
"""By form, `image` standing for those made by --end-to-end. On the model that ships fp32 differs by 2e-6,
fp16-weights by 4e-3 and fp16 by 1e-2 at most."""


def tolerance_of(manifest: Manifest) -> str:
    """The name in `TOLERANCES` of what a manifest describes."""
    form: str = manifest.precision
    if form == "fp32" and manifest.weights == "fp16":
        form = "fp16-weights"
    if manifest.engine:
        return f"{form} engine"
    return f"{form} image" if manifest.kind == "image" else form


def compare(model: Path, reference: Backend, images: Sequence[Image]) -> dict[str, Agreement]:
    """Run an exported model in every back end that works here and compare it with a reference.

    Args:
        model: The ONNX file, its manifest beside it. One of half precision is also compared in emulated half
            arithmetic, which no CPU engine does.
        reference: What it was exported from.
        images: Photographs, of any size.

    Returns:
        For each back end its agreement over all images.

    Raises:
        BackendUnavailable: No back end works here.
    """
    names = usable_backends()
    if not names:
        raise BackendUnavailable(
            "no engine is installed to compare the export with; "
            'run: pip install "cgan[cpu]", or give --no-verify'
        )
    manifest = Manifest.load(model)
    if manifest.kind == "image":
        engines = [name for name in names if name in ENGINES]
        if not engines:
            raise BackendUnavailable(
                f"whole-image models are compared in {' or '.join(ENGINES)}, and neither is installed; "
                'run: pip install "cgan[cpu]", or give --no-verify'
            )
        return _compare_images(model, manifest, reference, images, engines)
    answers = _Answers(reference, manifest, images)
    findings = {name: answers.agreement_of(model, name) for name in names}
    if manifest.precision == "fp16" and EMULATOR in names:
        with tempfile.TemporaryDirectory() as folder:
            emulated = write_emulated(model, manifest, Path(folder))
            findings[EMULATED] = answers.agreement_of(emulated, EMULATOR)
    return findings


def agreement_of(model: Path, backend: str, reference: Backend, images: Sequence[Image]) -> Agreement:
    """Run a network in one back end and compare it with a reference."""
    return _Answers(reference, Manifest.load(model), images).agreement_of(model, backend)


def check(findings: dict[str, Agreement], form: str) -> None:
    """Hold findings against a form's tolerance.

    Raises:
        ParityError: A difference is too large.
    """
    allowed = TOLERANCES[form]
    what = form if form.endswith("engine") else f"{form} export"
    for name, found in findings.items():
        if not allowed.fits(found):
            raise ParityError(
                f"the {what} differs from PyTorch by {found.largest:.1e} at most, {found.mean:.1e} on "
                f"average and CIEDE2000 {found.ciede2000:.2f} ({name}), allowed are {allowed.largest:.0e}, "
                f"{allowed.mean:.0e} and {allowed.ciede2000:g}; nothing was written: {allowed.mend}"
            )


def report_of(findings: dict[str, Agreement], form: str, source: str) -> dict[str, Any]:
    """What a manifest says of a comparison: the worst of each figure, what is allowed, and every finding."""
    allowed, worst = asdict(TOLERANCES[form]), asdict(worst_of(findings.values()))
    del worst["images"]
    return {
        "verified": True,
        "photographs": source,
        **{name: _rounded(value) for name, value in worst.items()},
        "allowed": {name: allowed[name] for name in worst if name in allowed},
        "findings": {
            name: {key: _rounded(value) for key, value in asdict(each).items()}
            for name, each in findings.items()
        },
    }


def worst_of(findings: Collection[Agreement]) -> Agreement:
    """The worst of each figure."""
    return Agreement(
        max(each.images for each in findings),
        max(each.largest for each in findings),
        max(each.mean for each in findings),
        min(each.psnr_db for each in findings),
        max(each.ciede2000 for each in findings),
    )


def _rounded(value: float) -> float:
    """To three digits that count; whole numbers as they are."""
    return value if isinstance(value, int) else float(f"{value:.3g}")


class _Answers:
    """A reference's answers to images, in the sizes and batches that a model takes."""

    def __init__(self, reference: Backend, manifest: Manifest, images: Sequence[Image]) -> None:
        self._asked = list(batches(manifest, images))
        self._expected = [reference.chroma(lightness).copy() for lightness in self._asked]

    def agreement_of(self, model: Path, backend: str) -> Agreement:
        """How far a model is from them in a back end."""
        with open_backend(model, backend) as opened:
            # An answer is valid until the next call, and is compared before that.
            pairs = zip(self._asked, self._expected, strict=True)
            return agreement((given, wanted, opened.chroma(given)) for given, wanted in pairs)


def batches(manifest: Manifest, images: Sequence[Image]) -> Iterator[Array]:
    """The images as inputs of the sizes and batches that a model takes."""
    batch, _, height, width = manifest.input.shape
    free = not isinstance(height, int) or not isinstance(width, int)
    side = manifest.size
    planes = lightness_of(images, side, side) if free else lightness_of(images, int(height), int(width))
    count = batch if isinstance(batch, int) else 1
    for first in range(0, len(planes), count):
        yield np.take(planes, range(first, first + count), axis=0, mode="wrap")
    if free:
        yield lightness_of(images[:_WIDE_IMAGES], side, side + manifest.size_multiple)


def write_emulated(model: Path, manifest: Manifest, folder: Path) -> Path:
    """Write a half-precision model in emulated half arithmetic, and its manifest, into a folder."""
    path = folder / model.name
    onnx.save(emulate_half(onnx.load(model)), path)
    replace(manifest, sha256=sha256_of(path)).save(path)
    return path


def _compare_images(
    model: Path, manifest: Manifest, reference: Backend, images: Sequence[Image], engines: Sequence[str]
) -> dict[str, Agreement]:
    """Compare a whole-image model with what the runtime makes of the same images by the reference."""
    grays = list(grays_of(images))
    with seeing(reference, fixed_network_shape(onnx.load(model))):
        colorizer = Colorizer(reference, size=None if reference.manifest.fixed_size else manifest.size)
        expected = [colorizer.image(gray) for gray in grays]

    def agreement_in(name: str, file: Path = model) -> Agreement:
        run = open_image_model(file, name)
        return image_agreement((wanted, run(gray)) for gray, wanted in zip(grays, expected, strict=True))

    findings = {name: agreement_in(name) for name in engines}
    if manifest.precision == "fp16" and EMULATOR in engines:
        with tempfile.TemporaryDirectory() as folder:
            findings[EMULATED] = agreement_in(EMULATOR, write_emulated(model, manifest, Path(folder)))
    return findings


@contextmanager
def seeing(reference: Backend, shape: tuple[int, int] | None) -> Iterator[None]:
    """Have a reference of free size see every image in one shape, where a shape is given."""
    before = reference.manifest
    if shape is not None:
        fixed = tuple(replace(each, shape=("n", each.shape[1], *shape)) for each in before.inputs)
        reference.manifest = replace(before, inputs=fixed, size=before.size_multiple)
    try:
        yield
    finally:
        reference.manifest = before


def grays_of(images: Sequence[Image]) -> Iterator[Plane]:
    """Photographs as gray images, and two of them in odd sizes."""
    for image in images:
        yield cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for image, size in zip(images, _ODD_SIZES, strict=False):
        yield cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size[::-1], interpolation=cv2.INTER_AREA)
