"""Networks that were trained elsewhere, as checkpoints that can be exported.

    checkpoint = foreign_checkpoint("my_net.py:Net", Path("w.pt"))

The weights are read with `weights_only=True`: only the file that was named runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cgan_runtime.errors import ModelFileError
from cgan_runtime.manifest import sha256_of
from cgan_train.checkpoint import Checkpoint, read_safetensors
from cgan_train.config.schema import GeneratorConfig
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.models.own import ForeignGenerator, check_scale, load_own, size_of

_NESTED = ("state_dict", "model_state_dict", "model", "generator", "net", "weights")
"""Names under which training programs keep the weights beside other things."""
_SHOWN = 3  # names of tensors in a message


def foreign_checkpoint(spec: str, weights: Path | None, size: int | None = None) -> Checkpoint:
    """Make a checkpoint of any torch module of the contract (`cgan_train.models.own`).

    Args:
        spec: `FILE.py:NAME`; the file is run.
        weights: A state dict as .pt, .pth or .safetensors; None keeps those that the code gives the module.
        size: Side in pixels that it is made for; None for its attribute `size`, or about 256.

    Raises:
        ConfigError: The file or the module cannot be used.
        ModelFileError: The weights cannot be read, or do not fit the module.
    """
    own = load_own(spec)
    config = GeneratorConfig(own.name, size_of(own, size), (), file=own.file.name, sha256=own.sha256)
    generator = build_generator(config)
    if weights is not None:
        _load(generator, _read(weights), weights)
    check_scale(generator, spec)
    path = weights or own.file
    return Checkpoint(generator.eval(), config, own.name, sha256_of(path), path)


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name."""
    if not path.is_file():
        raise ModelFileError(f"no weights at {path}; give a state dict as .pt, .pth or .safetensors")
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive or pickle raises
        raise ModelFileError(
            f"{path} is no file of weights alone ({type(error).__name__}); save them with "
            "torch.save(net.state_dict(), 'w.pt'), since a pickled module could run code"
        ) from error
    for name in _NESTED:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not found or not all(isinstance(each, Tensor) for each in found.values()):
        raise ModelFileError(f"{path} holds no state dict; save one with torch.save(net.state_dict(), 'w.pt')")
    return found


def _load(generator: Generator, weights: dict[str, Tensor], path: Path) -> None:
    """Load weights into a module. A prefix that all names share, of DataParallel or a checkpoint, is removed."""
    network = generator.network if isinstance(generator, ForeignGenerator) else generator
    wanted = network.state_dict()
    prefix = f"{next(iter(weights)).partition('.')[0]}."
    if weights.keys() != wanted.keys() and all(name.startswith(prefix) for name in weights):
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    missing, strange = sorted(wanted.keys() - weights.keys()), sorted(weights.keys() - wanted.keys())
    if missing or strange:
        lists = (("it lacks", missing), ("the module has no", strange))
        words = [f"{text} {', '.join(names[:_SHOWN])}{'...' * (len(names) > _SHOWN)}" for text, names in lists if names]
        raise ModelFileError(f"{path} does not fit the module: {'; '.join(words)}; give the weights of this module")
    if sizes := [name for name, tensor in weights.items() if tensor.shape != wanted[name].shape]:
        name = sizes[0]
        raise ModelFileError(
            f"{path} does not fit the module: {name} is {tuple(weights[name].shape)}, expected "
            f"{tuple(wanted[name].shape)}; give the weights of this module"
        )
    network.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in weights.items()})
