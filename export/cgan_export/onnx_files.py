"""A checkpoint to ONNX files with manifests, each compared with PyTorch before it gets its name.

    (model,) = export("runs/edge", "exported")                          # exported/edge.onnx
    models = Exporter(checkpoint, photos).export(folder, [FORMS["fp16"]])

All files are written to a hidden folder inside the target, and moved to their names when all of them are
complete. So a failure leaves what was there before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx

from cgan_export.graph.end_to_end import end_to_end
from cgan_export.graph.half_range import keep_in_float32, operators_beyond_half, operators_spoiled_by_half
from cgan_export.graph.precision import FORMS, Form
from cgan_export.graph.trace import describe, opset_of, tensor_of, to_onnx
from cgan_export.parity.against_pytorch import (
    TOLERANCES,
    check_findings,
    compare,
    engines_for,
    parity_report,
    tolerance_of,
)
from cgan_export.requirements import check_room, require_packages
from cgan_export.source import ModelSource
from cgan_runtime.callbacks import StatusCallback
from cgan_runtime.errors import ConfigError, ParityError
from cgan_runtime.files.staging import publish, remove_abandoned, staging_folder
from cgan_runtime.manifest import MAX_AXIS, MAX_SIZE, Manifest, sha256_of
from cgan_train.checkpoint import Checkpoint
from cgan_train.data.sources import Image
from cgan_train.evaluation.agreement import Agreement
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of
from cgan_train.torch_backend import TorchBackend

INT8 = "int8"  # name of the form that needs photographs to be made (`graph.quantize`)
_ROOM = 3  # times the weights: the file, its draft, and a form of it in another precision
_HIDDEN = ".cgan-export-"  # prefix of the hidden folders
_NOT_IN_A_NAME = {*'/\\:*?"<>|', *map(chr, range(32)), *map(chr, range(0xD800, 0xE000))}  # with surrogates


@dataclass(frozen=True)
class ExportSettings:
    """Names of the files, inputs of the models, and what else they come from.

    With `dynamic` only the area of `size` counts: the size that the model is meant for.
    """

    name: str = ""  # of the files, without suffix; empty for the recipe's or own generator's
    size: tuple[int, int] | None = None  # height and width in pixels; None for the generator's own
    batch: int = 1  # images at once where not `dynamic`
    dynamic: bool = True  # leave batch, height and width free
    end_to_end: bool = False  # wrap for other programs: a gray image in, the colored image out
    overwrite: bool = False  # replace files that exist
    generator: str = ""  # FILE.py:NAME of a checkpoint's own generator; the file is run
    weights: str | Path | None = None  # state dict, if FILE.py:NAME is exported in place of a checkpoint


@dataclass(frozen=True)
class Exported:
    """A model file that was written."""

    path: Path  # the ONNX file; its manifest lies beside it
    manifest: Manifest
    operators: int  # how many nodes run for an image
    findings: dict[str, Agreement] = field(default_factory=dict)  # difference from PyTorch, by back end


def export(
    checkpoint: str | Path | None,
    output: str | Path,
    *,
    forms: Sequence[str] = ("fp32",),
    settings: ExportSettings = ExportSettings(),
    photos: str | Path | None = None,
    calibration: str | Path | None = None,
    verify: bool = True,
    progress: StatusCallback = lambda _: None,
) -> list[Exported]:
    """Export a checkpoint to ONNX files.

    Args:
        checkpoint: A folder, a run of `cgan-train`, or `FILE.py:NAME` of any torch module that takes
            lightness and returns chroma, whose file is run; None for the checkpoint that ships with cgan.
        output: Folder for the files; made if it is missing.
        forms: `fp32`, `fp16-weights`, `fp16` or `int8`, one file each (`cgan_export.graph.precision`).
        settings: Names and sizes.
        photos: Folder or tar of photographs to compare on; None for the eight that come with cgan.
        calibration: The same for the ranges of `int8`.
        verify: Compare each file with PyTorch.
        progress: Called with what is being done.

    Raises:
        ConfigError: A form, size, name or folder cannot be used, the generator cannot be exported so, or a
            package is missing.
        ModelFileError: The checkpoint is missing or damaged.
        DataError: The photographs cannot be read.
        ParityError: An exported file differs too much from the PyTorch model; nothing was written.
        BackendUnavailable: There is no engine to compare in.
    """
    require_packages(*(["onnxruntime"] if INT8 in forms else []))
    if strange := [form for form in forms if form not in (*FORMS, INT8)]:
        raise ConfigError(f"no form is called {strange[0]!r}; take {', '.join((*FORMS, INT8))}")
    source = ModelSource(checkpoint, settings.generator, settings.weights)
    exporter = Exporter.load(source, photos, verify=verify, size=settings.size, progress=progress)
    exporter.check_targets(Path(output), forms, settings)
    made = [exporter.int8_form(settings.size, calibration) if form == INT8 else FORMS[form] for form in forms]
    return exporter.export(Path(output), made, settings)


class Exporter:
    """Exports one checkpoint; `progress` is called with what is being done."""

    def __init__(
        self, checkpoint: Checkpoint, images: Sequence[Image] = (), source: str = "",
        progress: StatusCallback = lambda _: None,
    ) -> None:  # fmt: skip
        """Take a checkpoint, photographs to compare on (none: compare nothing), and their source's name."""
        self.checkpoint, self.images = checkpoint, images
        self._source, self._progress = source, progress

    @classmethod
    def load(
        cls, source: ModelSource, photos: str | Path | None, *, verify: bool,
        size: tuple[int, int] | None = None, progress: StatusCallback = lambda _: None,
    ) -> Exporter:  # fmt: skip
        """Load what is exported, and photographs; arguments and errors as of `export`."""
        images = comparison_photos(None if photos is None else Path(photos)) if verify else []
        whose = "that come with cgan" if photos is None else f"of {Path(photos).name}"
        return cls(source.load(size), images, f"{len(images)} {whose}", progress)

    def check_targets(self, folder: Path, forms: Sequence[str], settings: ExportSettings) -> None:
        """See that the files of these forms can be written and compared, before the minutes of work.

        Raises:
            ConfigError: One exists and may not be replaced, or there is no room for them.
            BackendUnavailable: There is no engine to compare them in.
        """
        if self.images:
            engines_for("image" if settings.end_to_end else "network")
        names = _file_names(settings.name or self.checkpoint.name, forms, end_to_end=settings.end_to_end)
        paths = [folder / name for name in names]
        remove_abandoned(folder, _HIDDEN)  # a run that was killed may have taken old files away
        if not settings.overwrite:
            for file in (each for path in paths for each in (path, Manifest.path_for(path))):
                if file.exists():
                    raise ConfigError(f"{file} exists; give --overwrite to replace it, or another --name or -o")
        weights = sum(
            tensor.numel() * tensor.element_size() for tensor in self.checkpoint.generator.state_dict().values()
        )
        check_room(folder, _ROOM * weights * len(paths))

    def int8_form(self, size: tuple[int, int] | None, calibration: str | Path | None) -> Form:
        """The form `int8`, calibrated on a folder or tar of photographs; arguments as of `export`."""
        from cgan_export.graph.quantize import int8_form  # needs ONNX Runtime

        photos = comparison_photos(None if calibration is None else Path(calibration))
        return int8_form(lightness_of(photos, *usable_size(self.checkpoint, size)), self._progress)

    def export(
        self, folder: Path, forms: Sequence[Form], settings: ExportSettings = ExportSettings()
    ) -> list[Exported]:
        """Write one file of each form; errors as of `export`."""
        checkpoint, size = self.checkpoint, usable_size(self.checkpoint, settings.size)
        _check_name(settings.name or checkpoint.name)
        self.check_targets(folder, [form.name for form in forms], settings)
        with _hidden_folder(folder) as hidden:
            self._progress("tracing the generator")
            model = to_onnx(
                checkpoint.generator, size=size, batch=settings.batch, dynamic=settings.dynamic,
                guided=not settings.end_to_end,
            )  # fmt: skip
            describe(model, {"recipe": checkpoint.recipe, "checkpoint_sha256": checkpoint.sha256})
            drafts = []
            names = _file_names(
                settings.name or checkpoint.name, [form.name for form in forms], end_to_end=settings.end_to_end
            )
            for form, name in zip(forms, names, strict=True):
                path = hidden / name
                draft = self._write(path, form, model, settings)
                if self.images:
                    self._progress(f"comparing {path.name} with PyTorch")
                    draft = self._compared(draft, form, model, settings)
                drafts.append(draft)
            publish([file for one in drafts for file in (one.path, Manifest.path_for(one.path))], folder)
            return [replace(draft, path=folder / draft.path.name) for draft in drafts]

    def _write(self, path: Path, form: Form, model: onnx.ModelProto, settings: ExportSettings) -> Exported:
        """Write one form and its manifest, not compared yet."""
        checkpoint = self.checkpoint
        height, width = usable_size(checkpoint, settings.size)
        multiple = checkpoint.generator.size_multiple
        side = max(1, round(math.sqrt(height * width) / multiple)) * multiple
        converted = form.convert(model)
        if settings.end_to_end:
            converted = end_to_end(converted, side=side, multiple=multiple)
        path.write_bytes(converted.SerializeToString(deterministic=True))
        graph = converted.graph
        manifest = Manifest(
            name=path.stem, file=path.name, sha256=sha256_of(path), precision=form.precision,
            weights=form.weights, opset=opset_of(converted), size=side, size_multiple=multiple,
            inputs=tuple(map(tensor_of, graph.input)), outputs=tuple(map(tensor_of, graph.output)),
            recipe=checkpoint.recipe, checkpoint_sha256=checkpoint.sha256, metrics=checkpoint.metrics,
            parity={"verified": False},
            kind="image" if settings.end_to_end else "network",
        )  # fmt: skip
        manifest.save(path)
        return Exported(path, manifest, _operators(graph))

    def _compared(self, draft: Exported, form: Form, model: onnx.ModelProto, settings: ExportSettings) -> Exported:
        """Compare a draft with PyTorch; if one in half precision fails, try again with a part in float32."""
        try:
            return self._verified(draft)
        except ParityError:
            if form.precision != "fp16":
                raise
            lightness = lightness_of(self.images, *usable_size(self.checkpoint, settings.size))
            self._progress(f"looking for what half precision spoils in {draft.path.name}")
            kept = {
                *operators_beyond_half(model, lightness),
                *operators_spoiled_by_half(model, lightness, TOLERANCES["fp16"].largest / 4),
            }
            if not kept:
                raise
        self._progress(f"leaving {len(kept)} operators of {draft.path.name} in float32")
        mixed = replace(form, convert=lambda given: keep_in_float32(form.convert(given), given, kept))
        again = self._write(draft.path, mixed, model, settings)
        wide = sum("Conv" in node.op_type for node in model.graph.node if node.name in kept)
        return self._verified(replace(again, manifest=replace(again.manifest, float32_convolutions=wide)))

    def _verified(self, draft: Exported) -> Exported:
        """Compare a draft with PyTorch and write the findings into its manifest."""
        form = tolerance_of(draft.manifest)
        with TorchBackend(self.checkpoint) as reference:
            findings = compare(draft.path, reference, self.images)
        check_findings(findings, form)
        manifest = replace(draft.manifest, parity=parity_report(findings, form, self._source))
        manifest.save(draft.path)
        return replace(draft, manifest=manifest, findings=findings)


def _file_names(stem: str, forms: Sequence[str], *, end_to_end: bool) -> list[str]:
    """STEM.onnx for float32, with a suffix where forms would collide."""
    plain = "fp16-weights" not in forms or "fp32" not in forms
    suffixes = {"fp32": "", "fp16-weights": "" if plain else "-fp16-weights"}
    whole = "-end-to-end" if end_to_end else ""
    return [f"{stem}{suffixes.get(form, f'-{form}')}{whole}.onnx" for form in forms]


def usable_size(checkpoint: Checkpoint, size: tuple[int, int] | None) -> tuple[int, int]:
    """A size that suits the generator, its own by default; raises ConfigError for any other."""
    multiple = checkpoint.generator.size_multiple
    size = size or (checkpoint.config.size, checkpoint.config.size)
    if any(side % multiple or side < multiple for side in size):
        lower = [max(multiple, side // multiple * multiple) for side in size]
        upper = [-(-side // multiple) * multiple for side in size]
        good = " or ".join(dict.fromkeys(("x".join(map(str, lower)), "x".join(map(str, upper)))))
        raise ConfigError(
            f"size {'x'.join(map(str, size))} does not suit the generator; it takes multiples of {multiple}, "
            f"the nearest are {good}"
        )
    if max(size) > MAX_AXIS or size[0] * size[1] > MAX_SIZE**2:
        raise ConfigError(
            f"size {'x'.join(map(str, size))} is too large; take sides of at most {MAX_AXIS}, and no more "
            f"pixels than {MAX_SIZE}x{MAX_SIZE} has"
        )
    return size


@contextmanager
def _hidden_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder inside another for unfinished files; it is removed with all that is still in it."""
    try:
        with staging_folder(folder, _HIDDEN) as hidden:
            yield hidden
    except OSError as error:
        raise ConfigError(
            f"cannot write to {folder} ({error.strerror or error}); free some space, or give another folder with -o"
        ) from error


def _operators(graph: onnx.GraphProto) -> int:
    """Number of nodes that run for an image: the Casts of stored weights are folded by the engines."""
    constant = {tensor.name for tensor in graph.initializer}
    return sum(not set(node.input) <= constant for node in graph.node)


def _check_name(name: str) -> None:
    if name in ("", ".", "..") or _NOT_IN_A_NAME & set(name):
        raise ConfigError(f"{name!r} cannot be the name of a file; give another with --name, such as edge")
