"""Compares an exported file with the model that it came from, on photographs, in every engine that is here.

    findings = compare(path, reference, comparison_photos())
    check_findings(findings, "fp16")

`TOLERANCES` says how far each form may be from its source.
"""

from __future__ import annotations

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
from cgan_export.graph.guides import guided_inputs, plain_inputs
from cgan_export.graph.precision import emulate_half
from cgan_runtime.backends.base import Arrays, Backend
from cgan_runtime.backends.registry import open_backend, usable_backends
from cgan_runtime.color.encoding import Plane
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ParityError
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.manifest import Kind, Manifest, sha256_of
from cgan_train.data.sources import Image
from cgan_train.evaluation.agreement import Agreement, agreement, image_agreement
from cgan_train.evaluation.comparison_photos import lightness_of
from cgan_train.evaluation.metrics import Array

EMULATED = "half arithmetic"  # the finding for a network with every result rounded to half precision
EMULATOR = "onnxruntime"  # it keeps these roundings in the graph, which OpenVINO folds away

_KEYS = "keys"  # output of a guided network
_BATCHED_IMAGES = 2  # for a free size: how many are also compared as one batch, wider than high
_ODD_SIZES = ((403, 611), (97, 41))  # height and width of two gray images that are also compared


@dataclass(frozen=True)
class Tolerance:
    """How far a form may be from PyTorch in float32."""

    largest: float  # absolute difference of (a*, b*)/110; of whole images, of their codes 0 to 255
    mean: float  # of the same
    ciede2000: float  # mean color difference of the colored images
    advice: str  # what to do if the difference is larger

    def allows(self, found: Agreement) -> bool:
        """Whether a finding is within the tolerance."""
        return found.largest <= self.largest and found.mean <= self.mean and found.ciede2000 <= self.ciede2000


_REPORT = "export again, and report it with the checkpoint if it happens again"
_HALF = "export float32 (--fp32), or look for layers with values above 65,504"
_QUANTIZED = "give more photos like those it will color (--calibration), or export --fp16"

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
"""By form; "image" are models made by --end-to-end. The model that ships differs by 2e-6 in fp32, 4e-3 in
fp16-weights and 1e-2 in fp16 at most, with some of its first convolutions in float32."""


def tolerance_of(manifest: Manifest) -> str:
    """The key in `TOLERANCES` for the model that a manifest describes."""
    form: str = manifest.precision
    if form == "fp32" and manifest.weights == "fp16":
        form = "fp16-weights"
    if manifest.engine:
        return f"{form} engine"
    return f"{form} image" if manifest.kind == "image" else form


def compare(model: Path, reference: Backend, images: Sequence[Image]) -> dict[str, Agreement]:
    """Compare an exported model with a reference on photographs, in every back end that works here.

    A half-precision file is also compared in emulated half arithmetic, which no CPU engine uses.

    Raises:
        BackendUnavailable: No back end works here.
    """
    manifest = Manifest.load(model)
    names = engines_for(manifest.kind)
    comparison: _NetworkComparison | _ImageComparison
    if manifest.kind == "network":
        comparison = _NetworkComparison(reference, manifest, images)
    else:
        comparison = _ImageComparison(reference, manifest, images, fixed_network_shape(onnx.load(model)))
    findings = {name: comparison.agreement_of(model, name) for name in names}
    if manifest.precision == "fp16" and EMULATOR in names:
        with temporary_folder() as folder:
            emulated = write_emulated(model, manifest, folder)
            findings[EMULATED] = comparison.agreement_of(emulated, EMULATOR)
    return findings


def engines_for(kind: Kind) -> list[str]:
    """The back ends that work here and run models of a kind; BackendUnavailable if none does."""
    names = [name for name in usable_backends() if kind == "network" or name in ENGINES]
    if not names:
        wanted = "no engine is" if kind == "network" else f"neither {' nor '.join(ENGINES)} is"
        raise BackendUnavailable(
            f'{wanted} installed to compare the export in; run: pip install "cgan[cpu]", or give --no-verify'
        )
    return names


def agreement_of(model: Path, backend: str, reference: Backend, images: Sequence[Image]) -> Agreement:
    """Run a network in one back end and compare it with a reference."""
    return _NetworkComparison(reference, Manifest.load(model), images).agreement_of(model, backend)


def check_findings(findings: dict[str, Agreement], form: str) -> None:
    """Raise ParityError if a difference is larger than a form's tolerance."""
    allowed = TOLERANCES[form]
    what = form if form.endswith("engine") else f"{form} export"
    for name, found in findings.items():
        if not allowed.allows(found):
            raise ParityError(
                f"the {what} differs from PyTorch by {found.largest:.1e} at most, {found.mean:.1e} on "
                f"average and CIEDE2000 {found.ciede2000:.2f} ({name}), allowed are {allowed.largest:.0e}, "
                f"{allowed.mean:.0e} and {allowed.ciede2000:g}; nothing was written: {allowed.advice}"
            )


def parity_report(findings: dict[str, Agreement], form: str, source: str) -> dict[str, Any]:
    """A comparison for the manifest: the worst of each figure, the tolerance, and every finding."""
    allowed, worst = asdict(TOLERANCES[form]), _figures(worst_of(findings.values()))
    del worst["images"]
    return {
        "verified": True,
        "photographs": source,
        **worst,
        "allowed": {name: allowed[name] for name in worst if name in allowed},
        "findings": {name: _figures(each) for name, each in findings.items()},
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


def _figures(found: Agreement) -> dict[str, float]:
    """The numbers of a finding by name, to three significant digits; integers stay as they are."""
    return {name: each if isinstance(each, int) else float(f"{each:.3g}") for name, each in asdict(found).items()}


class _NetworkComparison:
    """A reference's chroma for images, in the sizes and batches that a network takes."""

    def __init__(self, reference: Backend, manifest: Manifest, images: Sequence[Image]) -> None:
        self._inputs: list[dict[str, Array]] = []
        self._expected: list[Array] = []
        for lightness in input_batches(manifest, images):
            plain = plain_inputs(manifest.inputs, lightness)
            found = self._expect(reference, plain)
            if len(plain) > 1 and len(found) > 1:  # a guided network, and one to compare it with
                self._expect(reference, guided_inputs(manifest.inputs, lightness, found[_KEYS].copy()))

    def agreement_of(self, model: Path, backend: str) -> Agreement:
        """Compare a network in a back end with the reference."""
        with open_backend(model, backend) as opened:
            lightness, chroma = opened.manifest.input.name, opened.manifest.output.name
            # `agreement` uses each array before it asks for the next, which overwrites it.
            return agreement(
                (inputs[lightness], expected, opened.infer(inputs)[chroma])
                for inputs, expected in zip(self._inputs, self._expected, strict=True)
            )

    def _expect(self, reference: Backend, inputs: dict[str, Array]) -> Arrays:
        """Keep inputs and what the reference makes of them, and return all its outputs."""
        known = {tensor.name for tensor in reference.manifest.inputs}
        found = reference.infer({name: array for name, array in inputs.items() if name in known})
        self._inputs.append(inputs)
        self._expected.append(found[reference.manifest.output.name].copy())
        return found


class _ImageComparison:
    """The images that the runtime makes of gray images with a reference, as a whole-image model should."""

    def __init__(
        self, reference: Backend, manifest: Manifest, images: Sequence[Image], shape: tuple[int, int] | None
    ) -> None:
        """Color the images; `shape` is the only one that the model's network sees, if there is one."""
        self._grays = list(gray_images(images))
        with network_shape_fixed(reference, shape):
            size = None if reference.manifest.fixed_size else manifest.size
            colorizer = Colorizer(reference, size=size)
            self._expected = [colorizer.image(gray) for gray in self._grays]

    def agreement_of(self, model: Path, engine: str) -> Agreement:
        """Compare a whole-image model in an engine with the reference."""
        color = open_image_model(model, engine)
        pairs = zip(self._grays, self._expected, strict=True)
        return image_agreement((expected, color(gray)) for gray, expected in pairs)


def input_batches(manifest: Manifest, images: Sequence[Image]) -> Iterator[Array]:
    """The images as lightness (N, 1, H, W), in the sizes and batches that a network takes."""
    batch, side = manifest.input.shape[0], manifest.size
    planes = lightness_of(images, *(manifest.fixed_size or (side, side)))
    count = batch if isinstance(batch, int) else 1
    for first in range(0, len(planes), count):
        yield np.take(planes, range(first, first + count), axis=0, mode="wrap")
    if not manifest.fixed_size:
        yield lightness_of(images[:_BATCHED_IMAGES], side, side + manifest.size_multiple)


def write_emulated(model: Path, manifest: Manifest, folder: Path) -> Path:
    """Write a half-precision model in emulated half arithmetic, and its manifest, into a folder."""
    path = folder / model.name
    onnx.save(emulate_half(onnx.load(model)), path)
    replace(manifest, sha256=sha256_of(path)).save(path)
    return path


@contextmanager
def network_shape_fixed(backend: Backend, shape: tuple[int, int] | None) -> Iterator[None]:
    """Have a back end of free size take one height and width only, if `shape` is given."""
    before = backend.manifest
    if shape is not None:
        fixed = tuple(replace(each, shape=("n", each.shape[1], *shape)) for each in before.inputs)
        backend.manifest = replace(before, inputs=fixed, size=before.size_multiple)
    try:
        yield
    finally:
        backend.manifest = before


def gray_images(images: Sequence[Image]) -> Iterator[Plane]:
    """Photographs as gray images, uint8 (H, W), and two of them again in odd sizes."""
    for image in images:
        yield cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for image, size in zip(images, _ODD_SIZES, strict=False):
        yield cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size[::-1], interpolation=cv2.INTER_AREA)
