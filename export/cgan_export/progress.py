"""An export on a terminal: what is being done, the results, and what is missing.

work = TerminalExport(source, shape.size, checks, console)
exported = work.export(files, form, shape)
work.build_engines(exported, engines.options(shape))
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from cgan_export.onnx_files import Exported, Exporter
from cgan_export.options import CheckOptions, FormOptions, OutputOptions, ShapeOptions
from cgan_export.source import ModelSource
from cgan_export.targets.tensorrt import BuiltEngine, EngineOptions, build, profile_of_file, why_no_engine
from cgan_export.targets.triton import add_to_repository
from cgan_runtime.backends.tensorrt.build import MEMORY_ROWS, filled_axes
from cgan_runtime.backends.tensorrt.engines import SUFFIX
from cgan_runtime.console import Console
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.progress import size_text
from cgan_train.evaluation.agreement import Agreement


class TerminalExport:
    """An export that shows its progress and results."""

    def __init__(
        self, source: ModelSource, size: tuple[int, int] | None, checks: CheckOptions, console: Console, *,
        stages: Console | None = None,
    ) -> None:  # fmt: skip
        """Load what is exported, and the photographs to compare on; `stages` says what is done, None: `console`."""
        self._console, self._status = console, (stages or console).status("loading PyTorch")
        with self._status as status:
            self._exporter = Exporter.load(
                source, checks.data, verify=not checks.no_verify, size=size, progress=status.update
            )

    def export(self, files: OutputOptions, form: FormOptions, shape: ShapeOptions) -> list[Exported]:
        """Write the files that are asked for."""
        with self._status:
            settings = shape.settings(files, end_to_end=form.end_to_end)
            self._exporter.check_targets(files.output, form.names(), settings)
            forms = form.forms(self._exporter, shape.size)
            exported = self._exporter.export(files.output, forms, settings)
        _print_results(exported, self._console)
        return exported

    def build_engines(self, exported: list[Exported], options: EngineOptions) -> list[BuiltEngine]:
        """Build an engine of each file, or say what is missing."""
        console = self._console
        if missing := why_no_engine(options.target):
            console.note(f"no TensorRT engine was built, only ONNX: {missing}")
            for one in exported:
                if one.manifest.precision == "fp16":
                    command = _trtexec(one, options)
                    console.note(f"build it where it will run, by cgan-export --engine or: {command}")
            return []
        engines = []
        for one in exported:
            with self._status:
                self._status.update(f"building the engine of {one.path.name}")
                built = build(
                    one, options, checkpoint=self._exporter.checkpoint, images=self._exporter.images,
                    progress=lambda phase, part: self._status.update(f"{phase}: {part:.0%}"),
                )  # fmt: skip
            engines.append(built)
            manifest, size = built.manifest, size_text(built.path.stat().st_size)
            library = f"{manifest.engine['library']} {manifest.engine['version']}"
            console.result(f"{built.path}: {size}, {manifest.precision}, {library}")
            if manifest.parity["verified"]:
                found = Agreement(**manifest.parity["findings"]["tensorrt"])
                console.result(f"  {'tensorrt':<16} {figures(found)}")
            else:
                console.result("  not run here, so not compared with PyTorch")
        return engines


def require_engines(target: str) -> None:
    """Raise BackendUnavailable, before the work begins, if no engine can be built here."""
    if missing := why_no_engine(target):
        raise BackendUnavailable(f"no engine can be built here: {missing}")


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


def _print_results(exported: list[Exported], console: Console) -> None:
    """A heading for each file, and how far it is from PyTorch in each engine."""
    for one in exported:
        size = size_text(one.path.stat().st_size)
        console.result(f"{one.path}: {size}, {one.operators} operators, operator set {one.manifest.opset}")
        if wide := one.manifest.float32_convolutions:
            console.result(
                f"  {wide} convolutions stay in float32: half precision does not hold their values or weights"
            )
        for engine, found in one.findings.items():
            console.result(f"  {engine:<16} {figures(found)}")
        if not one.findings:
            console.result("  not compared with PyTorch")
    if any(one.findings for one in exported):
        whole = exported[0].manifest.kind == "image"
        what = "codes 0 to 255 from what cgan-run makes with" if whole else "(a*, b*)/110 from"
        console.result(f"Differences of {what} PyTorch in float32, on real photographs.")


def _trtexec(one: Exported, options: EngineOptions) -> str:
    """The command that builds an engine from a half-precision file (TensorRT 10)."""
    engine = one.path.with_suffix(SUFFIX)
    command = ["trtexec", f"--onnx={one.path}", f"--saveEngine={engine}", "--stronglyTyped"]
    inputs = one.manifest.inputs
    if any(isinstance(axis, str) for tensor in inputs for axis in tensor.shape):
        profile = profile_of_file(one.manifest, options)
        for which, shape, rows in zip(("min", "opt", "max"), profile.shapes, MEMORY_ROWS, strict=True):
            sizes = (f"{t.name}:{'x'.join(map(str, filled_axes(t.shape, shape, rows)))}" for t in inputs)
            command.append(f"--{which}Shapes={','.join(sizes)}")
    return shlex.join(command)
