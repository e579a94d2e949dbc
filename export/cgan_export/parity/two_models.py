"""Compares any two models on photographs.

    found, form = compare_models(Path("runs/edge"), Path("edge-fp16.onnx"), comparison_photos())

Each is a checkpoint, an ONNX file or an engine with its manifest. Networks are compared by their chroma; if
one of the two takes whole images, both are compared by the images that they make. A half-precision file is
also compared in emulated half arithmetic, which no CPU engine uses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from cgan_export.graph.cpu_engines import ENGINES, ColorImage, open_image_model
from cgan_export.graph.end_to_end import fixed_network_shape
from cgan_export.parity.against_pytorch import (
    EMULATOR,
    TOLERANCES,
    gray_images,
    input_batches,
    network_shape_fixed,
    tolerance_of,
    worst_of,
    write_emulated,
)
from cgan_runtime.backends.base import Backend
from cgan_runtime.backends.registry import open_backend, usable_backends
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, InputShapeError
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import load_checkpoint
from cgan_train.data.sources import Image
from cgan_train.evaluation.agreement import Agreement, agreement, image_agreement
from cgan_train.torch_backend import TorchBackend


@dataclass(frozen=True)
class _Model:
    """A loaded model; a whole-image model has no back end, and runs in one of `engines`."""

    path: Path
    manifest: Manifest
    backend: Backend | None
    engines: Sequence[str] = tuple(ENGINES)

    @property
    def fixed(self) -> tuple[int, int] | None:
        """The only height and width that its network takes; None where they are free."""
        if self.backend is None:
            return fixed_network_shape(onnx.load(self.path))
        return self.manifest.fixed_size


def compare_models(first: Path, second: Path, images: Sequence[Image]) -> tuple[Agreement, str]:
    """The largest difference of two models on photographs, and the key in `TOLERANCES` of the laxer form.

    Raises:
        ModelFileError: One is not a model of cgan, or is damaged.
        BackendUnavailable: Nothing here runs one of them.
        InputShapeError: There is no size that both take.
    """
    with ExitStack() as stack:
        models = [_open(path, stack) for path in (first, second)]
        _check_common(*models)
        forms = [tolerance_of(model.manifest) for model in models]
        form = max(forms, key=lambda form: TOLERANCES[form].ciede2000)
        if any(model.backend is None for model in models) and not form.endswith("image"):
            form = f"{form.removesuffix(' engine')} image"
        emulated = [_emulated(model, stack) for model in models]
        pairs = [models] if emulated == models else [models, emulated]
        return worst_of([_agreement(one, other, images) for one, other in pairs]), form


def _check_common(*models: _Model) -> None:
    """See that there is a size and batch that both models take."""
    whole = any(model.backend is None for model in models)
    axes: list[tuple[int | str, ...]] = []
    for model in models:
        shape = model.manifest.input.shape
        # Where whole images are compared, a model gets one at a time.
        axes.append((1 if model.backend is None else shape[0], *(model.fixed or ())) if whole else shape)
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(*axes, strict=False)):
        shapes = " and ".join(f"({', '.join(map(str, shape))})" for shape in axes)
        raise InputShapeError(
            f"there is no size that both take: {' and '.join(str(model.path) for model in models)} take "
            f"{shapes}; compare each with the checkpoint that it came from"
        )


def _emulated(model: _Model, stack: ExitStack) -> _Model:
    """A half-precision file in emulated half arithmetic, if it can be run; any other model as it is."""
    manifest = model.manifest
    if manifest.precision != "fp16" or manifest.engine or EMULATOR not in usable_backends():
        return model
    path = write_emulated(model.path, manifest, stack.enter_context(temporary_folder()))
    backend = None if model.backend is None else stack.enter_context(open_backend(path, EMULATOR))
    return _Model(path, Manifest.load(path), backend, (EMULATOR,))


def _open(path: Path, stack: ExitStack) -> _Model:
    if path.is_file():
        manifest = Manifest.load(path)
        if manifest.kind == "image":
            return _Model(path, manifest, None)
        backend = stack.enter_context(open_backend(path))
    else:
        backend = stack.enter_context(TorchBackend(load_checkpoint(path)))
    return _Model(path, backend.manifest, backend)


def _agreement(first: _Model, second: _Model, images: Sequence[Image]) -> Agreement:
    one, other = first.backend, second.backend
    if one is not None and other is not None:
        multiple = math.lcm(first.manifest.size_multiple, second.manifest.size_multiple)
        wanted = second.manifest if second.fixed or not first.fixed else first.manifest
        size = -(-wanted.size // multiple) * multiple
        batches = input_batches(replace(wanted, size=size, size_multiple=multiple), images)
        # An output is valid until the next call of its own back end.
        return agreement((each, one.chroma(each), other.chroma(each)) for each in batches)
    shape, side = second.fixed or first.fixed, (second if other is None else first).manifest.size
    with ExitStack() as stack:
        color, color_other = (_runner(model, shape, side, stack) for model in (first, second))
        return image_agreement((color(gray), color_other(gray)) for gray in gray_images(images))


def _runner(model: _Model, shape: tuple[int, int] | None, side: int, stack: ExitStack) -> ColorImage:
    """A function that colors a gray image with a model, as the runtime does or as the model itself does."""
    if model.backend is not None:
        stack.enter_context(network_shape_fixed(model.backend, shape))
        return Colorizer(model.backend, size=None if shape else side).image
    for name in usable_backends():
        if name in model.engines:
            return open_image_model(model.path, name)
    raise BackendUnavailable(f'nothing here runs {model.path}; run: pip install "cgan[cpu]"')
