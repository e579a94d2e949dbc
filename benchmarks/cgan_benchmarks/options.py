"""Option types and options that the commands of `cgan-bench` and the studies share.

@study_command
@json_option()
def main(json_file: Path | None) -> None: ...
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import click

from cgan_runtime.console import Console, guard
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.output import check_output
from cgan_runtime.options.groups import given as given
from cgan_runtime.options.groups import option_group

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    from cgan_runtime.backends.base import Backend

    _Base = click.ParamType[Any]
else:
    _Base = click.ParamType

_Param: TypeAlias = click.Parameter | None
_Context: TypeAlias = click.Context | None

PATH = click.Path(path_type=Path)
_NEEDED = ("torch", "safetensors")
_MAX_SECONDS = 86_400.0  # of measuring one thing


class TextType(_Base):
    """A value that is parsed from a text of a given pattern."""

    def __init__(self, name: str, pattern: str, parse: Callable[[str], Any], fault: str) -> None:
        self.name, self._pattern, self._parse, self._fault = name, pattern, parse, fault

    def convert(self, value: object, param: _Param, ctx: _Context) -> Any:
        """Parse the value."""
        if not re.fullmatch(self._pattern, str(value)):
            self.fail(f"{value!r} {self._fault}", param, ctx)
        return self._parse(str(value))


NUMBERS = TextType(
    "N[,N...]", r"[1-9]\d{0,3}(,[1-9]\d{0,3})*", lambda text: tuple(map(int, text.split(","))),
    "is no list of numbers; give 1, or 1,4,16",
)  # fmt: skip
"""Positive integers with commas between, as `1,4,16`."""
COUNTS = TextType(
    "N[,N...]", r"\d{1,4}(,\d{1,4})*", lambda text: tuple(map(int, text.split(","))),
    "is no list of numbers; give 0, or 0,1,10",
)  # fmt: skip
"""Numbers from 0 with commas between, as `0,1,10`."""
NAMES = TextType("NAME[,NAME...]", ".*", lambda text: tuple(name.strip() for name in text.split(",")), "")
"""Names with commas between."""
PYTHON = TextType(
    "NAME=PYTHON", "[a-z]+=.+", lambda text: tuple(text.split("=", 1)), "does not say which Python; give NAME=PYTHON"
)
"""A back end and the Python that runs it, as `tensorrt=/opt/python3.10`; becomes a pair."""
PERCENT = TextType(
    "PERCENT", r"\d{1,4}(\.\d+)?%?", lambda text: float(text.rstrip("%")) / 100, "is no percentage; give 10%"
)
"""A percentage, as `10%` or `10`; becomes 0.1."""


class SecondsType(click.FloatRange):
    """A finite number of seconds, positive or, with `zero`, not negative."""

    name = "SECONDS"

    def __init__(self, *, zero: bool = False) -> None:
        super().__init__(min=0, min_open=not zero, max=_MAX_SECONDS)

    def convert(self, value: Any, param: _Param, ctx: _Context) -> float:
        """Parse the value. NaN would pass every comparison of the range."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds; give 2.4", param, ctx)
        return seconds


class OutputFileType(click.Path):
    """A file to write. That it can be written is checked before anything is measured."""

    def convert(self, value: Any, param: _Param, ctx: _Context) -> Path:
        """Parse the value.

        Raises:
            MediaError: As of `check_output`.
        """
        file = Path(str(super().convert(value, param, ctx)))
        check_output(file, source=None, overwrite=True, option=param.opts[0] if param else self.name)
        return file


def json_option(text: str = "Write all figures there as well.") -> Callable[[Any], Any]:
    """The option `--json`, the argument `json_file`."""
    return click.option("--json", "json_file", type=OutputFileType(), help=text)


threads_option = click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")


@dataclass(frozen=True)
class ModelOptions:
    """The exported model that is measured, and what runs it."""

    model: Path | None = None
    backend: str = "auto"
    threads: int = 2

    def open(self) -> Backend:
        """Open the model, the one that ships by default. The building of an engine is shown."""
        from cgan_runtime.backends.registry import open_backend
        from cgan_runtime.models import find_model

        with Console().building() as progress:
            return open_backend(find_model(self.model), self.backend, threads=self.threads, progress=progress)


model_options = option_group(
    "model", ModelOptions, "Model",
    click.option("--model", type=PATH, help="ONNX file with its manifest.  [default: the one that ships]"),
    click.option("--backend", default="auto", help="What runs it; auto takes the best that works here."),
    threads_option,
)  # fmt: skip


def study_command(function: Callable[..., Any]) -> Callable[..., NoReturn]:
    """Make a function with click options the entry point of a study."""
    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return guard(click.command(context_settings=settings)(function))


def require_pytorch() -> None:
    """Check that the packages for measuring against PyTorch are installed.

    Raises:
        ConfigError: One is missing.
    """
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise ConfigError(f'measuring against PyTorch needs {", ".join(missing)}; run: pip install "cgan[bench,cpu]"')
