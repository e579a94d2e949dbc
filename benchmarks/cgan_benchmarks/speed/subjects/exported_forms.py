"""The exported forms of a checkpoint: exported now, or given as files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.errors import ModelFileError
from cgan_runtime.manifest import Manifest

if TYPE_CHECKING:
    from cgan_train.checkpoint import Checkpoint

SHIPPED = "as shipped"
NOT_EXPORTED = {"int8": "its export takes a minute; ask for it, as with --precision fp32,int8"}
"""Forms that are exported on request only."""


def forms_of(checkpoint: Checkpoint, folder: Path, *, int8: bool = False) -> dict[str, Path]:
    """Export every form. The bundled model replaces its own form where it has the same weights."""
    forms = export_forms(checkpoint.path, folder, int8=int8)
    if (shipped := _shipped(checkpoint)) is not None:
        own = label_of(Manifest.load(shipped))
        forms = {SHIPPED if label == own else label: path for label, path in forms.items()}
        forms[SHIPPED] = shipped
    return forms


def export_forms(checkpoint: Path, folder: Path, *, int8: bool = False) -> dict[str, Path]:
    """Export every form by `cgan-export` in a process of its own; ModelFileError where that fails."""
    forms = ["--all", *(["--int8"] if int8 else [])]
    command = [sys.executable, "-m", "cgan_export.cli", str(checkpoint), "-o", str(folder), *forms]
    done = subprocess.run([*command, "--no-verify", "--quiet"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("error: ")
        raise ModelFileError(f"{checkpoint} could not be exported: {reason}")
    models = [(Manifest.load(path), path) for path in folder.glob("*.onnx")]
    return {label_of(manifest): path for manifest, path in sorted(models, key=lambda model: _rank(model[0]))}


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
