"""An export told on a terminal: what is being done, what came of it, what is missing.

with Exporting(checkpoint, None, compared=True, quiet=False) as exporting:
    print_results(exporting.export(folder, plan), console)
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import rich.console

from cgan_export.export import Exported, Plan, export_checkpoint, usable_size
from cgan_export.graph.precision import Form
from cgan_export.targets.tensorrt import BuiltEngine, EngineOptions, build, profile_of_file, why_no_engine
from cgan_export.targets.triton import add_to_repository
from cgan_runtime.backends.tensorrt.build import filled_axes
from cgan_runtime.backends.tensorrt.engines import SUFFIX
from cgan_runtime.console import Console, size_text
from cgan_runtime.errors import BackendUnavailable
from cgan_train.checkpoint import SHIPPED, load_checkpoint
from cgan_train.evaluation.agreement import Agreement
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of


class Exporting:
    """An export with what it needs loaded, told on the terminal."""

    def __init__(self, checkpoint: Path | None, data: Path | None, *, compared: bool, quiet: bool) -> None:
        self._status = rich.console.Console(stderr=True, quiet=quiet).status("loading PyTorch")
        self._checkpoint, self._data, self._compared = checkpoint, data, compared

    def __enter__(self) -> Exporting:
        with self._status:
            self._images = comparison_photos(self._data) if self._compared else []
            self._loaded = load_checkpoint(self._checkpoint or SHIPPED)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def int8_form(self, size: tuple[int, int] | None, calibration: Path | None) -> Form:
        """The form `int8`, calibrated on photographs."""
        from cgan_export.graph.quantize import int8_form

        height, width = usable_size(self._loaded, size)
        lightness = lightness_of(comparison_photos(calibration), height, width)
        return int8_form(lightness, self._status.update)

    def export(self, output: Path, plan: Plan) -> list[Exported]:
        """Write the files of a plan."""
        count = len(self._images)
        source = f"{count} of {self._data.name}" if self._data else f"{count} that come with cgan"
        with self._status as status:
            return export_checkpoint(
                self._loaded, output, plan, images=self._images, source=source, report=status.update
            )

    def build_engines(
        self, exported: list[Exported], options: EngineOptions, console: Console
    ) -> list[BuiltEngine]:
        """Build an engine of each file, or say what is missing."""
        if missing := why_no_engine(options.target):
            console.note(f"no TensorRT engine was built, only ONNX: {missing}")
            for one in exported:
                if one.manifest.precision == "fp16":
                    command = _trtexec(one, options)
                    console.note(f"build it where it will run, by cgan-export --engine or: {command}")
            return []
        engines = []
        for one in exported:
            with self._status as status:
                status.update(f"building the engine of {one.path.name}")
                built = build(
                    one, options, checkpoint=self._loaded, images=self._images,
                    progress=lambda phase, part: status.update(f"{phase}: {part:.0%}"),
                )  # fmt: skip
            manifest = built.manifest
            size = size_text(built.path.stat().st_size)
            made = f"{manifest.engine['library']} {manifest.engine['version']}"
            console.result(f"{built.path}: {size}, {manifest.precision}, {made}")
            if manifest.parity["verified"]:
                console.result(
                    f"  {'tensorrt':<16} {figures(Agreement(**manifest.parity['findings']['tensorrt']))}"
                )
            else:
                console.result("  not run here, so not compared with PyTorch")
            engines.append(built)
        return engines


def require_engines(target: str) -> None:
    """See before the work that engines can be built here.

    Raises:
        BackendUnavailable: They cannot.
    """
    if missing := why_no_engine(target):
        raise BackendUnavailable(f"no engine can be built here: {missing}")


def print_results(exported: list[Exported], console: Console) -> None:
    """A heading for each file, and how far it is from PyTorch in each engine."""
    for one in exported:
        size = size_text(one.path.stat().st_size)
        console.result(f"{one.path}: {size}, {one.operators} operators, operator set {one.manifest.opset}")
        if wide := one.manifest.float32_convolutions:
            console.result(f"  {wide} convolutions stay in float32: their values do not fit half precision")
        for engine, found in one.findings.items():
            console.result(f"  {engine:<16} {figures(found)}")
        if not one.findings:
            console.result("  not compared with PyTorch")
    if any(one.findings for one in exported):
        whole = exported[0].manifest.kind == "image"
        what = "codes 0 to 255 from what cgan-run makes with" if whole else "(a*, b*)/110 from"
        console.result(f"Differences of {what} PyTorch in float32, on real photographs.")


def add_to_triton(repository: Path, models: Sequence[Path], console: Console) -> None:
    """Add models to a repository of Triton, and say under which name each is served."""
    for model in models:
        version = add_to_repository(repository, model)
        console.result(f"{version}: for Triton, as model {version.parent.name} version {version.name}")


def figures(found: Agreement) -> str:
    """How far two models are from each other, in a line."""
    return (
        f"largest {found.largest:.1e}  mean {found.mean:.1e}  PSNR {found.psnr_db:3.0f} dB  "
        f"CIEDE2000 {found.ciede2000:.3f}"
    )


def _trtexec(one: Exported, options: EngineOptions) -> str:
    """The command that builds an engine from a half-precision file (TensorRT 10)."""
    engine = one.path.with_suffix(SUFFIX)
    command = ["trtexec", f"--onnx={one.path}", f"--saveEngine={engine}", "--stronglyTyped"]
    inputs = one.manifest.inputs
    if any(isinstance(axis, str) for tensor in inputs for axis in tensor.shape):
        profile = profile_of_file(one.manifest, options)
        for which, shape in zip(("min", "opt", "max"), profile.shapes, strict=True):
            sizes = (f"{t.name}:{'x'.join(map(str, filled_axes(t.shape, shape)))}" for t in inputs)
            command.append(f"--{which}Shapes={','.join(sizes)}")
    return shlex.join(command)
