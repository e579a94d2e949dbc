"""`cgan-export`: a checkpoint to ONNX, proven equal to the PyTorch model.

cgan-export -o exported                          # the model that ships
cgan-export runs/edge -o exported --fp16
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime import __version__
from cgan_runtime.console import Console, guard, size_text
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.options import BatchType, SizeType

if TYPE_CHECKING:
    from cgan_export.export import Exported, Plan
    from cgan_export.precision import Form
    from cgan_export.to_engine import EngineOptions

_NEEDED = ("torch", "safetensors", "onnx", "onnxscript")
_MIB = 1 << 20
_MOST_BATCH = 8  # of the engine in the hint for trtexec


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("exported"), help="Folder for the files."
)
@click.option(
    "--fp32",
    is_flag=True,
    help="Write NAME.onnx, which computes in float32. This is done unless --fp16 is given.",
)
@click.option(
    "--fp16",
    is_flag=True,
    help="Write NAME-fp16.onnx, which computes in half precision throughout, for GPUs; goes with --fp32 too.",
)
@click.option("--all", "every", is_flag=True, help="Write every form: fp32, fp32 with fp16 weights, fp16.")
@click.option(
    "--weights",
    type=click.Choice(["fp32", "fp16"]),
    show_default=False,
    help="How a float32 network's weights are stored; fp16 halves the file, not the speed.  [default: fp32]",
)
@click.option(
    "--size", type=SizeType(), help="Size in pixels.  [default: the checkpoint's]", show_default=False
)
@click.option(
    "--dynamic/--fixed",
    default=True,
    help="Leave batch, height and width free, which costs no speed, or fix them.",
)
@click.option(
    "--batch",
    type=BatchType(),
    show_default=False,
    help="Pictures at once: a number with --fixed; of a dynamic engine smallest:best:largest.  "
    "[default: 1, of an engine 1:1:4]",
)
@click.option(
    "--engine/--no-engine",
    default=None,
    help="Build TensorRT engines too.  [default: with --fp16, where TensorRT and a GPU are]",
    show_default=False,
)
@click.option(
    "--target",
    type=click.Choice(["tensorrt", "tensorrt-rtx"]),
    default="tensorrt",
    help="What engines are for: this machine's GPU, or any RTX card, ahead of time.",
)
@click.option(
    "--workspace",
    type=click.IntRange(min=1),
    default=1024,
    metavar="MIB",
    help="GPU memory that an engine's layer may use beside its tensors.",
)
@click.option("--hardware-compatible", is_flag=True, help="An engine for all GPUs from Ampere on.")
@click.option(
    "--version-compatible",
    is_flag=True,
    help="An engine that later TensorRT versions of the same major load too.",
)
@click.option("--name", default="", help="Name of the files.  [default: the recipe's]", show_default=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    show_default=False,
    help="Folder or tar of photos to compare on.  [default: eight that come with cgan]",
)
@click.option("--no-verify", is_flag=True, help="Do not compare with PyTorch; the manifest will say so.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.version_option(__version__, prog_name="cgan-export")
def main(
    checkpoint: Path | None,
    output: Path,
    fp32: bool,
    fp16: bool,
    every: bool,
    weights: str | None,
    size: tuple[int, int] | None,
    dynamic: bool,
    batch: tuple[int, int, int] | None,
    engine: bool | None,
    target: str,
    workspace: int,
    hardware_compatible: bool,
    version_compatible: bool,
    name: str,
    data: Path | None,
    no_verify: bool,
    quiet: bool,
) -> None:
    """Turn CHECKPOINT (a folder, or a run of cgan-train) into ONNX files with their manifests.

    Without CHECKPOINT the model that ships is exported. Every file is run on real photographs and compared
    with the PyTorch model before it appears.
    """
    if batch is not None and not dynamic and len(set(batch)) > 1:
        raise click.UsageError("--batch smallest:best:largest is for a dynamic engine; give one number")
    if batch is not None and dynamic and not (fp16 if engine is None else engine):
        raise click.UsageError("--batch goes with --fixed or an engine; a dynamic model takes any batch")
    if weights is not None and (every or (fp16 and not fp32)):
        raise click.UsageError("--weights is for a float32 network alone; leave it out with --all or --fp16")
    if no_verify and data is not None:
        raise click.UsageError("--data says what to compare on, --no-verify not to compare; give one of them")
    _require_packages()
    from cgan_export.export import Plan

    forms = _forms(fp32, fp16, every, weights)
    plan = Plan(forms=forms, name=name, size=size, batch=(batch or (1,))[0], dynamic=dynamic)
    console = Console(quiet=quiet)
    with _Exporting(checkpoint, data, compared=not no_verify, quiet=quiet) as exporting:
        exported = exporting.export(output, plan)
        _print_results(exported, console)
        wanted = fp16 if engine is None else engine
        if wanted:
            options = _engine_options(target, size, batch, workspace, hardware_compatible, version_compatible)
            exporting.build_engines(exported, options, console, required=engine is True)


def _engine_options(
    target: str, size: tuple[int, int] | None, batch: tuple[int, int, int] | None, workspace: int,
    hardware_compatible: bool, version_compatible: bool,
) -> EngineOptions:  # fmt: skip
    from cgan_export.to_engine import EngineOptions
    from cgan_runtime.backends.trt.build import BuildOptions

    build = BuildOptions(workspace * _MIB, hardware_compatible, version_compatible)
    return EngineOptions(target, size, batch or (1, 1, 4), build)


def _require_packages() -> None:
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise ConfigError(f'exporting needs {", ".join(missing)}; run: pip install "cgan[export,cpu]"')


def _forms(fp32: bool, fp16: bool, every: bool, weights: str | None) -> tuple[Form, ...]:
    from cgan_export.precision import FORMS

    if every:
        return tuple(FORMS.values())
    forms = [FORMS["fp16-weights" if weights == "fp16" else "fp32"]] if fp32 or not fp16 else []
    return (*forms, *([FORMS["fp16"]] if fp16 else []))


class _Exporting:
    """An export with what it needs loaded, told on the terminal."""

    def __init__(self, checkpoint: Path | None, data: Path | None, *, compared: bool, quiet: bool) -> None:
        import rich.console

        self._status = rich.console.Console(stderr=True, quiet=quiet).status("loading PyTorch")
        self._checkpoint, self._data, self._compared = checkpoint, data, compared

    def __enter__(self) -> _Exporting:
        with self._status:
            from cgan_train.checkpoint import SHIPPED, load_checkpoint
            from cgan_train.data.bundled import comparison_photos

            self._pictures = comparison_photos(self._data) if self._compared else []
            self._loaded = load_checkpoint(self._checkpoint or SHIPPED)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def export(self, output: Path, plan: Plan) -> list[Exported]:
        from cgan_export.export import export_checkpoint

        count = len(self._pictures)
        source = f"{count} of {self._data.name}" if self._data else f"{count} that come with cgan"
        with self._status as status:
            return export_checkpoint(
                self._loaded, output, plan, pictures=self._pictures, source=source, report=status.update
            )

    def build_engines(
        self, exported: list[Exported], options: EngineOptions, console: Console, *, required: bool
    ) -> None:
        """Build an engine of each file, or say what is missing."""
        from cgan_export.to_engine import build, why_no_engine

        if missing := why_no_engine(options.target):
            if required:
                raise BackendUnavailable(f"no engine can be built here: {missing}")
            console.note(f"no TensorRT engine was built, only ONNX: {missing}")
            for one in exported:
                if one.manifest.precision == "fp16":
                    console.note(f"build it where it will run, by cgan-export --engine or: {_trtexec(one)}")
            return
        for one in exported:
            with self._status as status:
                status.update(f"building the engine of {one.path.name}")
                built = build(
                    one, options, generator=self._loaded.generator, pictures=self._pictures,
                    report=lambda phase, part: status.update(f"{phase}: {part:.0%}"),
                )  # fmt: skip
            manifest = built.manifest
            size = size_text(built.path.stat().st_size)
            made = f"{manifest.engine['library']} {manifest.engine['version']}"
            console.result(f"{built.path}: {size}, {manifest.precision}, {made}")
            if manifest.parity["verified"]:
                largest, mean = manifest.parity["largest"], manifest.parity["mean"]
                console.result(f"  {'tensorrt':<16} largest {largest:.1e}  mean {mean:.1e}")
            else:
                console.result("  not run here, so not compared with PyTorch")


def _print_results(exported: list[Exported], console: Console) -> None:
    """A heading for each file, and how far it is from PyTorch in each engine."""
    for one in exported:
        size = size_text(one.path.stat().st_size)
        console.result(f"{one.path}: {size}, {one.operators} operators, operator set {one.manifest.opset}")
        for engine, found in one.findings.items():
            console.result(
                f"  {engine:<16} largest {found.largest:.1e}  mean {found.mean:.1e}  "
                f"PSNR {found.psnr_db:3.0f} dB  CIEDE2000 {found.ciede2000:.3f}"
            )
        if not one.findings:
            console.result("  not compared with PyTorch")
    if any(one.findings for one in exported):
        console.result("Differences of (a*, b*)/110 from PyTorch in float32, on real photographs.")


def _trtexec(one: Exported) -> str:
    """The command that builds an engine from a half-precision file (TensorRT 10)."""
    manifest = one.manifest
    command = f"trtexec --onnx={one.path} --saveEngine={one.path.with_suffix('.engine')} --stronglyTyped"
    if all(isinstance(axis, int) for axis in manifest.input.shape):
        return command
    plane = f"1x{manifest.size}x{manifest.size}"
    shapes = {"min": 1, "opt": 1, "max": _MOST_BATCH}
    return " ".join([command, *(f"--{k}Shapes={manifest.input.name}:{n}x{plane}" for k, n in shapes.items())])


if __name__ == "__main__":
    main()
