"""Generators of one's own, from a file that the user names: `my_net.py:Net`.

    own = load_own("my_net.py:Net")           # runs the file
    generator = build_own(config)             # of a config with own.file and own.sha256

`Net` is a class or function that makes a torch module: lightness (N, 1, H, W) in, chroma (N, 2, H, W) out, as
`Generator` has them. If it takes `widths`, it gets those of the settings. A checkpoint holds the file's name and
hash, never its code: nothing here runs a file that was not named by `load_own`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import GeneratorConfig
from cgan_train.models.base import Generator

_SPEC = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")
_CONTRACT = "a torch module that takes lightness (N, 1, H, W) and returns (a*, b*)/110, (N, 2, H, W)"
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128)  # of height and width, which are tried
_SIZE = 256  # px, by default
_LEAST_SIDE = 64  # px, of the images that are tried
_MAX_CHROMA = 2.0  # |(a*, b*)/110| is at most 1; untrained networks without a tanh reach a little more


@dataclass(frozen=True)
class OwnGenerator:
    """A generator that was loaded from a file.

    Attributes:
        file: The file.
        name: Of the class or function in it.
        sha256: Of the file, lower-case hex.
        code: The file's bytes, which were run.
    """

    file: Path
    name: str
    sha256: str
    code: bytes
    make: Callable[..., Any]
    multiples: dict[tuple[int, ...], int] = field(default_factory=dict)  # by widths

    @property
    def takes_widths(self) -> bool:
        """Whether it is called with the channels of its levels."""
        try:
            return "widths" in inspect.signature(self.make).parameters
        except (TypeError, ValueError):  # a class of C has no signature
            return False


_LOADED: dict[tuple[str, str], OwnGenerator] = {}  # by name and sha256


def parse_own(text: str) -> tuple[Path, str] | None:
    """The file and name of `FILE.py:NAME`; None where a text is not of this form."""
    found = _SPEC.fullmatch(text)
    return (Path(found["file"]), found["name"]) if found else None


def load_own(spec: str) -> OwnGenerator:
    """Run the file of `FILE.py:NAME`, so that configs that name it can be built.

    Raises:
        ConfigError: There is no such file or name in it, or the file raises an error.
    """
    parsed = parse_own(spec)
    if parsed is None:
        raise ConfigError(f"{spec} names no generator; give the file and the class in it, such as my_net.py:Net")
    path, name = parsed
    try:
        code = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); give the file of the generator") from error
    sha256 = hashlib.sha256(code).hexdigest()
    if (own := _LOADED.get((name, sha256))) is not None:
        own = _LOADED[name, sha256] = replace(own, file=path)  # the same code may have been named elsewhere
        return own
    make = getattr(_run(path, sha256), name, None)
    if not callable(make) or isinstance(make, nn.Module):
        raise ConfigError(f"{path} has no class or function {name!r}; give {path}:NAME of one that makes a module")
    own = _LOADED[name, sha256] = OwnGenerator(path, name, sha256, code, make)
    return own


def build_own(config: GeneratorConfig) -> Generator:
    """Build the own generator that a config names, with the weights that its code gives it.

    Raises:
        ConfigError: Its file was not named in this process, is another one, or does not keep the contract.
    """
    own = _LOADED.get((config.name, config.sha256))
    if own is None:
        where = f"generator {config.name!r} of {config.file} (sha256 {config.sha256[:12]})"
        others = [each for each in _LOADED.values() if (each.file.name, each.name) == (config.file, config.name)]
        if others:
            raise ConfigError(
                f"{others[-1].file} has changed: this was made with {where}; give that file, of which the run's "
                f"folder has a copy, such as --generator RUN/{config.file}:{config.name}"
            )
        raise ConfigError(
            f"this needs {where}, which is code that is run; if you trust it, name it with "
            f"--generator FILE.py:{config.name} (the run's folder has a copy, {config.file})"
        )
    network = _call(own, lambda: own.make(config.widths) if config.widths else own.make())
    if isinstance(network, Generator):
        return network
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{own.file}:{own.name} makes {type(network).__name__}; it has to make {_CONTRACT}")
    multiple = own.multiples.get(config.widths)
    if multiple is None:
        multiple = own.multiples[config.widths] = _call(own, lambda: _find_multiple(network, own))
    return ForeignGenerator(network, multiple)


def size_of(own: OwnGenerator, wanted: int | None) -> int:
    """The side in pixels that a generator without widths is made for: what is wanted, its attribute `size`, or
    the multiple of its `size_multiple` nearest to 256.
    """
    network = build_own(GeneratorConfig(own.name, _SIZE, (), file=own.file.name, sha256=own.sha256))
    stated = network.network if isinstance(network, ForeignGenerator) else network
    side = wanted or getattr(stated, "size", None)
    if isinstance(side, int) and side > 0:
        return side
    return max(1, round(_SIZE / network.size_multiple)) * network.size_multiple


class ForeignGenerator(Generator):
    """Any torch module that keeps the contract, as a generator."""

    def __init__(self, network: nn.Module, size_multiple: int) -> None:
        super().__init__(size_multiple)
        self.network = network

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma at the input's size."""
        chroma: Tensor = self.network(lightness)
        return chroma


def check_scale(generator: Generator, name: str) -> None:
    """Raise ConfigError if a trained generator's chroma is far outside of [-1, 1]."""
    side = max(_LEAST_SIDE, generator.size_multiple)
    side -= side % generator.size_multiple
    ramp = torch.linspace(-1, 1, side).expand(1, 1, side, side).contiguous()
    with torch.inference_mode():
        largest = float(generator.eval()(ramp).abs().max())
    if not largest <= _MAX_CHROMA:
        raise ConfigError(
            f"{name} returns values up to {largest:.3g}; (a*, b*)/110 lies within -1 and 1: let it divide by 110, "
            "or end with a tanh"
        )


def _run(path: Path, sha256: str) -> Any:
    """Run a file as a module, in which imports of its neighbors work."""
    name = f"cgan_own_{sha256[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for it there
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{path} cannot be run ({_reason(error)}); mend it, or install what it imports") from error
    finally:
        sys.path.remove(folder)
    return module


def _find_multiple(network: nn.Module, own: OwnGenerator) -> int:
    """The smallest multiple of height and width that a network takes; its own `size_multiple`, if it has one."""
    stated = getattr(network, "size_multiple", None)
    if isinstance(stated, int) and stated > 0:
        multiples: tuple[int, ...] = (stated,)
    else:
        multiples = _MULTIPLES
    was_training, why = network.training, ""
    try:
        network.eval()
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            for multiple in multiples:
                why = _why_not(network, multiple, fixed=multiple == stated)
                if not why:
                    return multiple
    finally:
        network.train(was_training)
    raise ConfigError(
        f"{own.file}:{own.name} {why}; it has to be {_CONTRACT}. If it takes one size only, give it an attribute "
        "size_multiple of that many pixels, and export it with --fixed"
    )


def _why_not(network: nn.Module, multiple: int, *, fixed: bool) -> str:
    """What is wrong with a network's answer to images of odd multiples; empty if nothing is."""
    odd = max(1, _LEAST_SIDE // multiple) | 1
    height, width = (multiple, multiple) if fixed else (odd * multiple, (odd + 2) * multiple)
    try:
        answer = network(torch.zeros(1, 1, height, width))
    except Exception as error:  # noqa: BLE001 (whatever the code of others raises)
        return f"fails on (1, 1, {height}, {width}) ({_reason(error)})"
    if not isinstance(answer, Tensor):
        return f"returns {type(answer).__name__} for (1, 1, {height}, {width})"
    if tuple(answer.shape) != (1, 2, height, width):
        return f"returns {tuple(answer.shape)} for (1, 1, {height}, {width})"
    return ""


def _call(own: OwnGenerator, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ConfigError:
        raise
    except Exception as error:  # whatever the code of others raises
        raise ConfigError(f"{own.file}:{own.name} cannot be made ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
