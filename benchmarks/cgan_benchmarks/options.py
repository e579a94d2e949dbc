"""Kinds of option values of `cgan-bench`, and checks that its commands share."""

from __future__ import annotations

import math
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    _NumbersBase = click.ParamType[tuple[int, ...]]
    _NamesBase = click.ParamType[tuple[str, ...]]
    _PercentBase = click.ParamType[float]
else:
    _NumbersBase = _NamesBase = _PercentBase = click.ParamType

PATH = click.Path(path_type=Path)
_NEEDED = ("torch", "safetensors")
_MOST_SECONDS = 86_400.0  # of measuring one thing


class NumbersType(_NumbersBase):
    """Numbers from 1 on with commas between, as `1,4,16`."""

    name = "N[,N...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read what a person typed."""
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9]\d{0,3}(,[1-9]\d{0,3})*", str(value)):
            self.fail(f"{value!r} is no list of numbers; give 1, or 1,4,16", param, ctx)
        return tuple(map(int, str(value).split(",")))


class NamesType(_NamesBase):
    """Names with commas between."""

    name = "NAME[,NAME...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read what a person typed."""
        return tuple(name.strip() for name in str(value).split(","))


class PercentType(_PercentBase):
    """A part, as `10%` or `10`; becomes 0.1."""

    name = "PERCENT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what a person typed."""
        if not re.fullmatch(r"\d{1,4}(\.\d+)?%?", str(value)):
            self.fail(f"{value!r} is no percentage; give 10%", param, ctx)
        return float(str(value).rstrip("%")) / 100


def check_needs(*files: Path | None) -> None:
    """Say what is missing before anything is measured: packages, and folders of files to write."""
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f'measuring against PyTorch needs {", ".join(missing)}; run: pip install "cgan[bench,cpu]"'
        )
    for file in files:
        check_writable(file)


def check_writable(file: Path | None) -> None:
    """Say now, rather than after all is measured, that a file cannot be written.

    Raises:
        ConfigError: Its folder is missing or cannot be written to, or it is a folder itself.
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise ConfigError(f"there is no folder {file.parent} for {file.name}; make it first")
    if file.is_dir():
        raise ConfigError(f"cannot write {file}, which is a folder; give a file's name")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise ConfigError(f"cannot write to {file.parent} ({error.strerror}); give another folder") from error


class SecondsType(click.FloatRange):
    """Seconds above 0, or from 0 on; not without end."""

    name = "SECONDS"

    def __init__(self, *, zero: bool = False) -> None:
        """Allow what can be waited for."""
        super().__init__(min=0, min_open=not zero, max=_MOST_SECONDS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what a person typed; what is no number would pass every comparison."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds; give 2.4", param, ctx)
        return seconds


def given(context: click.Context) -> list[str]:
    """The options that stand on the command line, not those left to their defaults."""
    return [
        max(option.opts, key=len)
        for option in context.command.params
        if option.name and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    ]
