"""The exported forms of a checkpoint: kept in the cache, exported now, or given as files."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime import __version__
from cgan_runtime.errors import ModelFileError
from cgan_runtime.files.cache import cache_folder
from cgan_runtime.manifest import Manifest

if TYPE_CHECKING:
    from cgan_train.checkpoint import Checkpoint

SHIPPED = "as shipped"
_KEPT = 8  # checkpoints whose exports stay in the cache
_FORMS = {"fp32": ("--fp32",), "all": ("--all",), "int8": ("--int8",)}
"""What is exported at once, each into a folder of its own, by the options of cgan-export."""


@dataclass(frozen=True)
class Wanted:
    """Which forms are measured: the one that ships or float32; or every one; and 8 bits."""

    every: bool = False
    int8: bool = False

    @property
    def missing(self) -> dict[str, str]:
        """The forms that are not measured, and how to ask for them."""
        found = {} if self.every else {"other forms": "ask for them with --all"}
        return found if self.int8 else found | {"int8": "its export takes a minute; ask for it: --precision fp32,int8"}


def forms_of(checkpoint: Checkpoint, wanted: Wanted, generator: str = "") -> dict[str, Path]:
    """The wanted forms by name, exported into the cache where they are not there yet.

    The model that ships replaces its own form where it has the same weights. Errors as of `export_forms`.
    """
    shipped = _shipped(checkpoint)
    forms: dict[str, Path] = {}
    if wanted.every or shipped is None:
        forms = _kept(checkpoint, "all" if wanted.every else "fp32", generator)
    if shipped is not None:
        own = label_of(Manifest.load(shipped))
        forms = {label: path for label, path in forms.items() if label != own} | {SHIPPED: shipped}
    return forms | (_kept(checkpoint, "int8", generator) if wanted.int8 else {})


def export_forms(
    checkpoint: Path, folder: Path, forms: Sequence[str] = ("--all",), generator: str = ""
) -> dict[str, Path]:
    """Export forms as users get them, by `cgan-export` in a process of its own; ModelFileError where that fails.

    They are compared with PyTorch there: only what differs too much in half precision is partly kept in float32.
    """
    options = [*forms, *(["--generator", generator] if generator else []), "--quiet", "--overwrite"]
    command = [sys.executable, "-m", "cgan_export.cli", str(checkpoint), "-o", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("error: ")
        raise ModelFileError(f"{checkpoint} could not be exported: {reason}")
    return _forms_in(folder)


def _forms_in(folder: Path) -> dict[str, Path]:
    """The models in a folder by their names in the table; ModelFileError where one is damaged."""
    models = [(Manifest.load(path), path) for path in folder.glob("*.onnx")]
    return {label_of(manifest): path for manifest, path in sorted(models, key=lambda model: _rank(model[0]))}


def _kept(checkpoint: Checkpoint, forms: str, generator: str) -> dict[str, Path]:
    """Forms from the cache, where they are kept by the hashes of the weights and of the exporter."""
    cache = cache_folder() / "exports"
    folder = cache / f"{checkpoint.sha256[:16]}-{_exporter()}" / forms
    try:
        if found := _forms_in(folder):
            folder.parent.touch()
            return found
    except ModelFileError:
        shutil.rmtree(folder, ignore_errors=True)
    old = sorted(cache.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]
    for each in old:
        shutil.rmtree(each, ignore_errors=True)
    return export_forms(checkpoint.path, folder, _FORMS[forms], generator)


def _exporter() -> str:
    """Hash of the code that exports: what another version of it made is not measured."""
    digest = hashlib.sha256(__version__.encode())
    spec = find_spec("cgan_export")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(root).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def name_models(models: Sequence[Path]) -> dict[str, Path]:
    """Models by the stem of their file, or by their path where two have the same stem."""
    stems = [path.stem for path in models]
    return {stem if stems.count(stem) == 1 else str(path): path for stem, path in zip(stems, models, strict=True)}


def video_form(forms: Mapping[str, Path]) -> Path:
    """The form that colors the video of --video: the one that ships, or one like it; else the first."""
    return next((forms[name] for name in (SHIPPED, "fp16 weights") if name in forms), next(iter(forms.values())))


def label_of(manifest: Manifest) -> str:
    """The name of a form in the table."""
    same = manifest.precision == manifest.weights
    return manifest.precision if same else f"{manifest.weights} weights"


def _rank(manifest: Manifest) -> tuple[int, bool]:
    """Sort key: float32, float32 with half weights, half, 8 bits."""
    return ("fp32", "fp16", "int8").index(manifest.precision), manifest.weights == "fp16"


def _shipped(checkpoint: Checkpoint) -> Path | None:
    """The bundled model; None where it has other weights."""
    from cgan_runtime.models import bundled_model

    try:
        path = bundled_model()
    except ModelFileError:
        return None
    return path if Manifest.load(path).checkpoint_sha256 == checkpoint.sha256 else None
