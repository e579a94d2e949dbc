"""Engine files: what they were built for, whether they fit this machine, and the cache of those built here.

    path, manifest = cached_engine(Path("edge-fp16.onnx"), manifest, gpu, library, progress)

An engine runs on the GPU model and TensorRT version that it was built with. Both stand in its manifest, with
the file's sha256, and are compared before the library sees a byte of it: a foreign or damaged engine may
crash it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cgan_runtime.backends.tensorrt.build import BuildOptions, Profile, build_engine
from cgan_runtime.backends.tensorrt.device import Identity
from cgan_runtime.backends.tensorrt.inspector import check_half, check_int8, convolution_precisions
from cgan_runtime.backends.tensorrt.library import Library
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import BackendUnavailable, ModelFileError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.cache import cache_folder
from cgan_runtime.files.staging import publish, staging_folder
from cgan_runtime.manifest import Manifest

SUFFIX = ".engine"
_AMPERE = 8.0  # compute capability; hardware-compatible engines run from there on
_HIDDEN = ".cgan-engine-"  # prefix of the hidden folders for unfinished engines
_MIN_BYTES = 1024  # no engine is smaller


@dataclass(frozen=True)
class EngineBuild:
    """All that decides what an engine becomes."""

    source: Manifest  # of the ONNX file
    library: Library  # what builds it
    profile: Profile  # the shapes that it takes
    gpu: Identity | None  # what it is built on; None for an engine built ahead of time
    options: BuildOptions = field(default_factory=BuildOptions)  # how it is built, and where else it may run

    def run(self, onnx: bytes, progress: BuildCallback) -> bytes:
        """Build from an ONNX file's bytes with this machine's timing cache; raises as `build_engine` does.

        There is one cache for each library and kind of GPU.
        """
        library, timings = self.library, None
        if self.gpu is not None:
            kind = f"{library.target}-{library.version}-{self.gpu.compute_capability}"
            timings = cache_folder() / f"{kind}.timing"
        known = timings.read_bytes() if timings is not None and timings.is_file() else b""
        built = build_engine(
            library, onnx, self.profile, precision=self.source.precision,
            options=replace(self.options, timing_cache=known),
            float32_convolutions=self.source.float32_convolutions, progress=progress,
        )  # fmt: skip
        if timings is not None and built.timing_cache:
            with suppress(OSError):  # without the cache the next build only takes longer
                timings.parent.mkdir(parents=True, exist_ok=True)
                write_file(timings, built.timing_cache)
        return built.engine

    def write(self, engine: bytes, path: Path) -> Manifest:
        """Write an engine and its manifest; raises OSError if they cannot be written."""
        manifest = replace(
            self.source,
            name=path.stem,
            file=path.name,
            sha256=hashlib.sha256(engine).hexdigest(),
            engine={
                "library": self.library.target,
                "version": self.library.version,
                "onnx_sha256": self.source.sha256,
                "profile": asdict(self.profile),
                "gpu": asdict(self.gpu) if self.gpu else None,
                "version_compatible": self.options.version_compatible,
                "hardware_compatible": self.options.hardware_compatible,
            },
        )
        path.write_bytes(engine)
        manifest.save(path)
        return manifest


@contextmanager
def engine_draft(path: Path) -> Iterator[Path]:
    """Where to write an engine, in a hidden folder; it gets its name, with its manifest, when the block ends.

    Raises:
        BackendUnavailable: The folder cannot be written.
    """
    try:
        with staging_folder(path.parent, _HIDDEN) as hidden:
            draft = hidden / path.name
            yield draft
            publish([draft, Manifest.path_for(draft)], path.parent)
    except OSError as error:
        raise BackendUnavailable(
            f"cannot write the engine {path} ({error.strerror or error}); free some space or take another folder"
        ) from error


def profile_of(manifest: Manifest) -> Profile:
    """The shapes that an engine takes; raises ModelFileError if its manifest does not say."""
    try:
        shapes = manifest.engine["profile"]
        names = ("smallest", "optimum", "largest")
        return Profile(*((int(n), int(h), int(w)) for n, h, w in (shapes[name] for name in names)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(
            f"the manifest of {manifest.file} does not say which shapes it takes; build it again"
        ) from error


def check_fits(path: Path, manifest: Manifest, library: Library, gpu: Identity) -> None:
    """Compare an engine's manifest with this machine, before the engine is loaded.

    Raises:
        ModelFileError: It was built for another GPU, version or library, or is not an engine.
    """
    made = manifest.engine
    advice = f"build it here: cgan-export CHECKPOINT --{manifest.precision} --engine"
    if not made or path.stat().st_size < _MIN_BYTES:
        raise ModelFileError(f"{path} is not an engine that cgan built; {advice}")
    version, built_on = made.get("version"), made.get("gpu")
    here: list[tuple[str, Any, Any]] = [("library", made.get("library"), library.target)]
    if not (made.get("version_compatible") and _later(library.version, version)):
        here.append(("version", version, library.version))
    from_ampere_on = float(gpu.compute_capability) >= _AMPERE
    if isinstance(built_on, dict) and not (made.get("hardware_compatible") and from_ampere_on):
        here.append(("GPU", built_on.get("gpu"), gpu.gpu))
        here.append(("compute capability", built_on.get("compute_capability"), gpu.compute_capability))
    for what, built, found in here:
        if built != found:
            raise ModelFileError(f"{path} was built for {what} {built}, here is {found}; {advice}")


def _later(here: str, built: object) -> bool:
    """Whether a version loads version-compatible engines of another: the same major, not older."""
    numbers = [[int(part) for part in re.findall(r"\d+", str(version))] for version in (here, built)]
    return all(numbers) and numbers[0][0] == numbers[1][0] and numbers[0] >= numbers[1]


def check_precision(library: Library, engine: Any, manifest: Manifest) -> None:
    """Ask an engine's inspector for its precision; raises BackendUnavailable if it is not the manifest's."""
    if manifest.precision == "fp32":
        return
    inspector = engine.create_engine_inspector()
    information = inspector.get_engine_information(library.module.LayerInformationFormat.JSON)
    found = convolution_precisions(information)
    if manifest.precision == "fp16":
        check_half(found, manifest.float32_convolutions)
    else:
        check_int8(found)


def cached_engine(
    model: Path, manifest: Manifest, gpu: Identity, library: Library, progress: BuildCallback
) -> tuple[Path, Manifest]:
    """The engine of an ONNX file for this machine, and its manifest: built at its first use, and kept.

    Raises:
        ModelFileError: TensorRT cannot read the file.
        BackendUnavailable: The build failed, or the cache cannot be written.
    """
    build = EngineBuild(manifest, library, profile_for(manifest), gpu)
    key = {
        "onnx": manifest.sha256, "profile": asdict(build.profile), "precision": manifest.precision,
        "library": library.target, "version": library.version, "gpu": asdict(gpu),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / "engines" / f"{model.stem}-{digest[:16]}{SUFFIX}"
    try:
        return path, Manifest.load(path)
    except ModelFileError:
        pass  # not built yet, or damaged: it is built again
    engine = build.run(model.read_bytes(), progress)
    with engine_draft(path) as draft:
        manifest = build.write(engine, draft)
    return path, manifest


def profile_for(manifest: Manifest) -> Profile:
    """The shapes for an engine of an ONNX file: the file's own where it has fixed them."""
    batch, _, height, width = manifest.input.shape
    if isinstance(batch, int) and isinstance(height, int) and isinstance(width, int):
        return Profile.exactly(batch, height, width)
    return Profile.around((manifest.size, manifest.size), manifest.size_multiple)
