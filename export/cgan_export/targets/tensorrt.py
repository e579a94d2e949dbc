"""From ONNX files to TensorRT engines, each compared with PyTorch where it can run.

    engine = build(exported, EngineOptions(), images=images, checkpoint=checkpoint)

The runtime (`cgan_runtime.backends.tensorrt`) does the building, because edge devices build engines without
PyTorch. For `tensorrt` an engine is built on its own GPU, run, and compared; for `tensorrt-rtx` it is built
ahead of time, on any machine, and not run there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cgan_export.onnx_files import Exported
from cgan_export.parity.against_pytorch import agreement_of, check_findings, parity_report, tolerance_of
from cgan_runtime.backends.tensorrt.build import BuildOptions, Profile
from cgan_runtime.backends.tensorrt.device import Gpu, Identity
from cgan_runtime.backends.tensorrt.engines import SUFFIX, EngineBuild, engine_draft, profile_for
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint
from cgan_train.data.sources import Image
from cgan_train.torch_backend import TorchBackend

_BATCH = (1, 1, 4)
# Height and width of the smallest, usual and largest image of an engine of a whole-image model.
_IMAGES = ((32, 32), (1080, 1920), (2160, 3840))


@dataclass(frozen=True)
class EngineOptions:
    """Which engine to build.

    `batch` is the smallest, best and largest number of images at once; None stands for 1 to 4, or for 1 of
    whole images, which take much memory.
    """

    target: str = "tensorrt"  # or "tensorrt-rtx"
    size: tuple[int, int] | None = None  # height and width that it is fastest for; None for the model's own
    batch: tuple[int, int, int] | None = None
    build: BuildOptions = field(default_factory=BuildOptions)  # workspace and compatibility


@dataclass(frozen=True)
class BuiltEngine:
    """An engine that was written, and what it says of itself."""

    path: Path
    manifest: Manifest


def why_no_engine(target: str) -> str | None:
    """What is missing for building engines here; None if nothing is."""
    try:
        load_library(target)
        if target == "tensorrt":
            Gpu().close()
    except BackendUnavailable as error:
        return str(error)
    return None


def build(
    exported: Exported, options: EngineOptions, *, checkpoint: Checkpoint, images: Sequence[Image] = (),
    progress: BuildCallback = lambda _phase, _part: None,
) -> BuiltEngine:  # fmt: skip
    """Build the engine of an exported file beside it, and compare it with PyTorch on the images, if any.

    Raises:
        BackendUnavailable: TensorRT, or a GPU to build on, is missing, the build failed, or the folder cannot
            be written.
        ModelFileError: TensorRT cannot read the file.
        ConfigError: This version cannot build this model's engine as it should be.
        ParityError: The engine differs too much from PyTorch; it is not kept.
    """
    library = load_library(options.target)
    manifest = exported.manifest
    if manifest.kind == "image" and manifest.precision == "fp16" and not library.strongly_typed:
        raise ConfigError(
            f"{library.target} {library.version} would compute colors in half precision too; build "
            "engines of whole-image models with 10.12 or newer, or with --fp32"
        )
    path = exported.path.with_suffix(SUFFIX)
    # The comparison of the ONNX file is not one of the engine.
    source = replace(manifest, parity={"verified": False, "onnx": manifest.parity})
    with _gpu_to_build_on(options.target) as gpu:
        work = EngineBuild(source, library, profile_of_file(manifest, options), gpu, options.build)
        engine = work.run(exported.path.read_bytes(), progress)
    with engine_draft(path) as draft:
        saved = work.write(engine, draft)
        if gpu is not None and images and manifest.kind == "network":
            saved = _verified(draft, saved, checkpoint, images)
            saved.save(draft)
    return BuiltEngine(path, saved)


@contextmanager
def _gpu_to_build_on(target: str) -> Iterator[Identity | None]:
    """The GPU of this machine, in use; None for a target that is built for ahead of time."""
    if target != "tensorrt":
        yield None
        return
    with Gpu() as gpu, gpu.current():
        yield gpu.identity


def profile_of_file(manifest: Manifest, options: EngineOptions) -> Profile:
    """The shapes for an engine of an ONNX file."""
    if manifest.kind == "image":
        fixed = manifest.input.shape[0]
        batch = (fixed,) * 3 if isinstance(fixed, int) else options.batch or (1, 1, 1)
        return Profile(*((count, *size) for count, size in zip(batch, _IMAGES, strict=True)))
    if all(isinstance(axis, int) for axis in manifest.input.shape):
        return profile_for(manifest)
    size = options.size or (manifest.size, manifest.size)
    return Profile.around(size, manifest.size_multiple, options.batch or _BATCH)


def _verified(path: Path, manifest: Manifest, checkpoint: Checkpoint, images: Sequence[Image]) -> Manifest:
    form = tolerance_of(manifest)
    with TorchBackend(checkpoint) as reference:
        findings = {"tensorrt": agreement_of(path, "tensorrt", reference, images)}
    check_findings(findings, form)
    report = parity_report(findings, form, f"{len(images)} photographs")
    return replace(manifest, parity=report | {"onnx": manifest.parity.get("onnx", {})})
