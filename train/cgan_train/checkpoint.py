"""Checkpoints: folders with `generator.safetensors`, `config.json`, and in a run `state.pt` to resume from.

    checkpoint = load_checkpoint(Path("runs/x"))
    chroma = checkpoint.generator(lightness)

A run keeps its checkpoints in folders `epoch-NNNN`; the run's folder stands for the newest one. Nothing that
is loaded can run code: `state.pt` (optimizers, discriminator, random state) is read with `weights_only=True`, and
an own generator's file runs only if the caller names it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.manifest import sha256_of
from cgan_train.config.schema import GeneratorConfig, TrainConfig, generator_from_json
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.models.own import load_own
from cgan_train.shipped import mend_of, shipped_checkpoint, shipped_checkpoints

FORMAT = "cgan-checkpoint"
FORMAT_VERSION = 1
WEIGHTS = "generator.safetensors"
CONFIG = "config.json"
STATE = "state.pt"
UNFINISHED = "unfinished"
"""Folder in a run: the state within an epoch."""

_REPLACED = ".{}.old"  # name of a checkpoint while another takes its place
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
_FIELDS = {"generator": dict, "weights_sha256": str, "recipe": str, "training": dict, "metrics": dict}


@dataclass(frozen=True)
class Checkpoint:
    """A trained generator and its origin.

    Attributes:
        generator: In evaluation mode, float32, on the CPU.
        config: What it is built from.
        recipe: Name of the recipe.
        sha256: Of the weights' file.
        path: The checkpoint's folder.
        training: Data, epochs and the whole training config.
        metrics: Measured quality, name to value.
    """

    generator: Generator
    config: GeneratorConfig
    recipe: str
    sha256: str
    path: Path
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name for files: the recipe's, or that of an own generator."""
        return self.config.name if self.config.file else self.recipe


def save_checkpoint(
    folder: Path, weights: dict[str, Tensor], config: GeneratorConfig, recipe: str,
    training: dict[str, Any], metrics: dict[str, float], state: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write a checkpoint; its folder appears under its name only when complete.

    A checkpoint that it replaces stays until then, at last under a hidden name (see `newest_state`). Weights
    keep their dtype: in half precision the file has half the size.

    Raises:
        ModelFileError: It cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft, old = folder.with_name(f".{folder.name}.part"), folder.with_name(_REPLACED.format(folder.name))
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    path = draft / WEIGHTS
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, path)
        path.chmod((draft.stat().st_mode & 0o666) or 0o644)  # safetensors lets only the owner read it
        document = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "recipe": recipe,
            "generator": dataclasses.asdict(config),
            "weights_sha256": sha256_of(path),
            "training": training,
            "metrics": metrics,
        }
        (draft / CONFIG).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        if state is not None:
            torch.save(state, draft / STATE)
        if folder.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            folder.replace(old)
        draft.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise ModelFileError(
            f"{folder} cannot be written ({_first_line(error)}); free some space, then go on with --resume"
        ) from error


def load_checkpoint(path: Path, generator: str = "") -> Checkpoint:
    """Load a checkpoint's folder, or the newest checkpoint of a run.

    Args:
        path: The folder, or the name of a checkpoint that ships.
        generator: `FILE.py:NAME` of the checkpoint's own generator. The file is run: name only files that you
            trust.

    Raises:
        ModelFileError: A file is missing or damaged, or the weights do not fit the config.
        ConfigError: The config names a generator or values that do not exist, or an own generator whose file
            was not named.
    """
    folder = find_checkpoint(path)
    if generator:
        load_own(generator)
    document = _read_document(folder)
    config = generator_from_json(document["generator"])
    network = build_generator(config)
    weights_path = folder / WEIGHTS
    if not weights_path.is_file():
        raise ModelFileError(f"{folder} has no {WEIGHTS}; train again or copy the whole checkpoint folder")
    sha256 = sha256_of(weights_path)
    if sha256 != document["weights_sha256"]:
        raise ModelFileError(f"{weights_path} does not match its {CONFIG} (sha256); copy the checkpoint again")
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(weights_path).items()})
    except (SafetensorError, RuntimeError, *_DAMAGE) as error:
        reason = _first_line(error)
        raise ModelFileError(f"the weights in {folder} do not fit its {CONFIG} ({reason})") from error
    origin = {name: document[name] for name in ("recipe", "training", "metrics")}
    return Checkpoint(network.eval(), config, sha256=sha256, path=folder, **origin)


def half_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Kernels in half precision; other tensors are small, and running variances may not fit."""
    return {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in weights.items()}


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        ModelFileError: It cannot be read as safetensors.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} cannot be read as safetensors ({_first_line(error)})") from error


def find_checkpoint(path: Path) -> Path:
    """Find the checkpoint's folder for a path: itself, the newest `epoch-NNNN` below it, or what ships by this name.

    Raises:
        ModelFileError: There is none.
    """
    path = shipped_checkpoint(path)
    if (path / CONFIG).is_file():
        return path
    if epochs := epochs_in(path):
        return epochs[-1]
    raise ModelFileError(_what_it_is(path))


def _what_it_is(path: Path) -> str:
    """What a path is that is no checkpoint, and what to do with it."""
    if path.suffix in (".pt", ".pth", ".ckpt") or (path.is_file() and path.suffix == ".safetensors"):
        return f"{path} holds weights alone; export their network with cgan-export my_net.py:Net --weights {path}"
    if path.suffix == ".onnx":
        return f"{path} is an exported model, not a checkpoint; color with it by cgan-run --model {path}"
    if (path / WEIGHTS).is_file():
        return f"{path} has no {CONFIG}, which belongs to its {WEIGHTS}; copy the whole folder"
    if models := sorted(path.glob("*.onnx")):
        return f"{path} holds exported models, no checkpoint; color with one by cgan-run --model {models[0]}"
    if any((unfinished / CONFIG).is_file() for unfinished in _unfinished(path)):
        return f"the run in {path} has finished no epoch yet; go on with cgan-train --resume --out {path}"
    shipped = f", or {' or '.join(shipped_checkpoints())}, which ship" if path == Path(path.name) else ""
    expected = f"expected a folder with {CONFIG} and {WEIGHTS}, or a run{shipped}"
    return f"no checkpoint at {path}; {expected if path.exists() else mend_of(path, expected)}"


def newest_state(run: Path) -> Path:
    """Find the checkpoint that a run resumes from: the newest epoch's, or that of the unfinished epoch.

    If the run was killed while it replaced the latter, that one has a hidden name.

    Raises:
        ModelFileError: There is none.
    """
    for unfinished in _unfinished(run):
        if all((unfinished / name).is_file() for name in (CONFIG, WEIGHTS, STATE)):
            epochs = epochs_in(run)
            done = _number(epochs[-1]) if epochs else 0
            begun = _epochs_done(_read_document(unfinished), unfinished)
            return unfinished if begun >= done else epochs[-1]
    return find_checkpoint(run)


def has_state(run: Path) -> bool:
    """Whether there is a checkpoint to resume from."""
    try:
        return bool(newest_state(run))
    except (ModelFileError, ConfigError):
        return False


def keep_one_state(run: Path, kept: Path) -> None:
    """Remove what other checkpoints of a run resume from, which is most of their size."""
    for folder in (*epochs_in(run), run / UNFINISHED):
        if folder != kept:
            (folder / STATE).unlink(missing_ok=True)


def drop_unfinished(run: Path) -> None:
    """Remove the state within an epoch, after a later one was kept."""
    for folder in _unfinished(run):
        shutil.rmtree(folder, ignore_errors=True)


def _unfinished(run: Path) -> tuple[Path, Path]:
    return run / UNFINISHED, run / _REPLACED.format(UNFINISHED)


def epochs_in(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    folders = [path for path in run.glob("epoch-*") if path.name[6:].isdecimal()] if run.is_dir() else []
    return sorted(folders, key=_number)


def _number(epoch: Path) -> int:
    return int(epoch.name[6:])


def read_training(folder: Path) -> dict[str, Any]:
    """How a checkpoint was trained, from its config; errors as of `load_checkpoint`."""
    training: dict[str, Any] = _read_document(folder)["training"]
    return training


def load_state(folder: Path) -> tuple[TrainConfig, dict[str, Any], dict[str, Any]]:
    """Load what training resumes from: the config, the state, and the checkpoint's `training`.

    Raises:
        ModelFileError: The state is missing or damaged.
        ConfigError: The config cannot be used.
    """
    document = _read_document(folder)
    if not (folder / STATE).is_file():
        raise ModelFileError(f"{folder} has no {STATE}: it can be exported, but not trained on; use --init")
    try:
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive or pickle raises
        raise ModelFileError(
            f"{folder / STATE} cannot be read ({_first_line(error)}); begin a new run from these weights with "
            f"--init {folder}"
        ) from error
    training = document["training"]
    _epochs_done(document, folder)
    numbers = [training.get("steps_done", 0), training.get("seconds", 0)]
    if not all(isinstance(number, int | float) and 0 <= number < math.inf for number in numbers):
        raise ConfigError(f"{folder / CONFIG} has no usable 'steps_done' or 'seconds'; restore the file")
    if not (isinstance(training.get("before", {}), dict) and isinstance(training.get("config"), dict)):
        raise ConfigError(f"{folder / CONFIG} has no usable 'before' or 'config'; restore the file")
    return TrainConfig.from_json(training["config"]), state, training


def _epochs_done(document: dict[str, Any], folder: Path) -> int:
    done = document["training"].get("epochs_done")
    if not isinstance(done, int) or done < 0:
        raise ConfigError(f"{folder / CONFIG} has no usable 'epochs_done'; restore the file")
    return done


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be read as JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelFileError(f"{path} is not the config of a cgan checkpoint")
    if (version := document.get("version")) != FORMAT_VERSION:
        raise ModelFileError(f"{path} has version {version}; this cgan reads {FORMAT_VERSION}")
    for name, kind in _FIELDS.items():
        if not isinstance(document.get(name), kind):
            raise ConfigError(f"{path} has no usable {name!r}; train again or restore the file")
    return document
