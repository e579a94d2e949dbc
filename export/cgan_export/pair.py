"""How far any two models lie apart on photographs.

    found, form = compare_models(Path("runs/edge"), Path("edge-fp16.onnx"), comparison_photos())

Each is a checkpoint, an ONNX file or an engine with its manifest. Networks are compared by their chroma;
where one of the two takes whole pictures, both are by the pictures that they make.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from cgan_export.parity import TOLERANCES, batches, greys_of, seeing, tolerance_of
from cgan_export.picture import fixed_network_shape
from cgan_export.run_picture import ENGINES, Run, open_picture_model
from cgan_runtime.backends.base import Backend
from cgan_runtime.backends.registry import available_backends, open_backend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.manifest import Manifest
from cgan_train.agreement import Agreement, agreement, picture_agreement
from cgan_train.checkpoint import load_checkpoint
from cgan_train.data.sources import Picture
from cgan_train.torch_backend import TorchBackend


@dataclass(frozen=True)
class _Model:
    """A model at hand; a whole-picture model has no back end."""

    path: Path
    manifest: Manifest
    backend: Backend | None

    @property
    def fixed(self) -> tuple[int, int] | None:
        """The only height and width that its network sees; None where they are free."""
        if self.backend is None:
            return fixed_network_shape(onnx.load(self.path))
        height, width = self.manifest.input.shape[2:]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def compare_models(first: Path, second: Path, pictures: Sequence[Picture]) -> tuple[Agreement, str]:
    """Compare two models on photographs.

    Returns:
        How far the second is from the first, and the name in `parity.TOLERANCES` of the looser of their
        forms.

    Raises:
        ModelFileError: One is no model of cgan's, or is damaged.
        BackendUnavailable: Nothing here runs one of them.
        InputShapeError: There is no size that both take.
    """
    with ExitStack() as stack:
        one, other = _open(first, stack), _open(second, stack)
        forms = [tolerance_of(model.manifest) for model in (one, other)]
        form = max(forms, key=lambda name: TOLERANCES[name].ciede2000)
        if one.backend is not None and other.backend is not None:
            return _chroma_agreement(one, one.backend, other, other.backend, pictures), form
        form = form if form.endswith("picture") else f"{form.removesuffix(' engine')} picture"
        return _picture_agreement(one, other, pictures), form


def _open(path: Path, stack: ExitStack) -> _Model:
    if path.is_file():
        manifest = Manifest.load(path)
        if manifest.kind == "picture":
            return _Model(path, manifest, None)
        backend = stack.enter_context(open_backend(path))
    else:
        backend = stack.enter_context(TorchBackend(load_checkpoint(path)))
    return _Model(path, backend.manifest, backend)


def _chroma_agreement(
    first: _Model, one: Backend, second: _Model, other: Backend, pictures: Sequence[Picture]
) -> Agreement:
    multiple = math.lcm(first.manifest.size_multiple, second.manifest.size_multiple)
    wanted = second.manifest if second.fixed or not first.fixed else first.manifest
    size = -(-wanted.size // multiple) * multiple
    asked = batches(replace(wanted, size=size, size_multiple=multiple), pictures)
    # An answer is valid until the next call of its own back end.
    return agreement((given, one.infer(given), other.infer(given)) for given in asked)


def _picture_agreement(first: _Model, second: _Model, pictures: Sequence[Picture]) -> Agreement:
    shape = second.fixed or first.fixed
    side = (second if second.backend is None else first).manifest.size
    with ExitStack() as stack:
        one, other = (_runner(model, shape, side, stack) for model in (first, second))
        return picture_agreement((one(grey), other(grey)) for grey in greys_of(pictures))


def _runner(model: _Model, shape: tuple[int, int] | None, side: int, stack: ExitStack) -> Run:
    """What colours a grey picture by a model, as the runtime does or the model itself."""
    if model.backend is not None:
        stack.enter_context(seeing(model.backend, shape))
        return Colorizer(model.backend, side=None if shape else side).still
    reasons = available_backends()
    for name in ENGINES:
        if reasons[name] is None:
            return open_picture_model(model.path, name)
    raise BackendUnavailable(f'nothing here runs {model.path}; run: pip install "cgan[cpu]"')
