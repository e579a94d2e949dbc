"""From ONNX files to TensorRT engines, each compared with PyTorch where it can run.

    engine = build(exported, EngineOptions(), images=images, checkpoint=checkpoint)

The building itself is the runtime's (`cgan_runtime.backends.tensorrt`): an edge device builds engines without
PyTorch. With `tensorrt` an engine is built on the GPU that it is for, run, and compared; with `tensorrt-rtx`
it is built ahead of time, on any machine, and not run there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cgan_export.onnx_files import Exported
from cgan_export.parity.against_pytorch import agreement_of, check_findings, parity_report, tolerance_of
from cgan_runtime.backends.tensorrt.build import BuildOptions, Profile, build_engine
from cgan_runtime.backends.tensorrt.device import Gpu
from cgan_runtime.backends.tensorrt.engines import (
    SUFFIX,
    engine_draft,
    keep_timings,
    profile_for,
    save_engine,
    timing_cache,
    write_engine,
)
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import BackendUnavailable, ConfigError
from cgan_runtime.files.staging import publish
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint
from cgan_train.data.sources import Image
from cgan_train.torch_backend import TorchBackend

_BATCH = (1, 1, 4)
_IMAGES = ((32, 32), (1080, 1920), (2160, 3840))
"""Height and width of the smallest, usual and largest image of an engine of a whole-image model."""


@dataclass(frozen=True)
class EngineOptions:
    """Which engine to build.

    Attributes:
        target: `tensorrt` or `tensorrt-rtx`.
        size: Height and width that it is made fastest for; None for the model's own.
        batch: Smallest, best and largest number of images at once; None for up to four, of whole images,
            which take much memory, one.
        build: Workspace and compatibility.
    """

    target: str = "tensorrt"
    size: tuple[int, int] | None = None
    batch: tuple[int, int, int] | None = None
    build: BuildOptions = field(default_factory=BuildOptions)


@dataclass(frozen=True)
class BuiltEngine:
    """An engine that was written, and what it says of itself."""

    path: Path
    manifest: Manifest


def why_no_engine(target: str) -> str | None:
    """What is missing for building engines here; None where nothing is."""
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
    """Build the engine of an exported file beside it, and compare it with PyTorch.

    Raises:
        BackendUnavailable: TensorRT, or a GPU to build on, is missing, the build failed, or the folder cannot
            be written.
        ModelFileError: TensorRT cannot read the file.
        ConfigError: This version cannot build this model's engine as it should be.
        ParityError: The engine answers something else than PyTorch; it is not kept.
    """
    library = load_library(options.target)
    manifest = exported.manifest
    if manifest.kind == "image" and manifest.precision == "fp16" and not library.strongly_typed:
        raise ConfigError(
            f"{library.target} {library.version} would compute colors in half precision too; build "
            "engines of whole-image models with 10.12 or newer, or with --fp32"
        )
    profile = profile_of_file(manifest, options)
    path = exported.path.with_suffix(SUFFIX)
    if options.target != "tensorrt":
        built = build_engine(
            library, exported.path.read_bytes(), profile, precision=manifest.precision, options=options.build,
            float32_convolutions=manifest.float32_convolutions, progress=progress,
        )  # fmt: skip
        return BuiltEngine(
            path, save_engine(built, path, _unrun(manifest), library, profile, None, options.build)
        )
    with Gpu() as gpu, gpu.current():
        identity = gpu.identity
        timings = timing_cache(library, identity)
        known = timings.read_bytes() if timings.is_file() else b""
        built = build_engine(
            library, exported.path.read_bytes(), profile, precision=manifest.precision,
            options=replace(options.build, timing_cache=known),
            float32_convolutions=manifest.float32_convolutions, progress=progress,
        )  # fmt: skip
        keep_timings(timings, built.timing_cache)
    with engine_draft(path) as draft:
        saved = write_engine(built, draft, _unrun(manifest), library, profile, identity, options.build)
        if images and manifest.kind == "network":
            saved = _verified(draft, saved, checkpoint, images)
            saved.save(draft)
        publish([draft, Manifest.path_for(draft)], path.parent)
    return BuiltEngine(path, saved)


def profile_of_file(manifest: Manifest, options: EngineOptions) -> Profile:
    """The shapes that an engine of an ONNX file is to take."""
    if manifest.kind == "image":
        fixed = manifest.input.shape[0]
        batch = (fixed,) * 3 if isinstance(fixed, int) else options.batch or (1, 1, 1)
        return Profile(*((count, *size) for count, size in zip(batch, _IMAGES, strict=True)))
    if all(isinstance(axis, int) for axis in manifest.input.shape):
        return profile_for(manifest)
    size = options.size or (manifest.size, manifest.size)
    return Profile.around(size, manifest.size_multiple, options.batch or _BATCH)


def _unrun(manifest: Manifest) -> Manifest:
    """The ONNX file's comparison is not the engine's."""
    return replace(manifest, parity={"verified": False, "onnx": manifest.parity})


def _verified(path: Path, manifest: Manifest, checkpoint: Checkpoint, images: Sequence[Image]) -> Manifest:
    form = tolerance_of(manifest)
    with TorchBackend(checkpoint) as reference:
        findings = {"tensorrt": agreement_of(path, "tensorrt", reference, images)}
    check_findings(findings, form)
    report = parity_report(findings, form, f"{len(images)} photographs")
    return replace(manifest, parity=report | {"onnx": manifest.parity.get("onnx", {})})
