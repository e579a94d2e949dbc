"""Kinds of option values of `cgan-bench`, and checks that its commands share."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    _NumbersBase = click.ParamType[tuple[int, ...]]
    _NamesBase = click.ParamType[tuple[str, ...]]
    _PercentBase = click.ParamType[float]
else:
    _NumbersBase = _NamesBase = _PercentBase = click.ParamType

PATH = click.Path(path_type=Path)
_NEEDED = ("torch", "safetensors")


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
        if file is not None and not file.parent.is_dir():
            raise ConfigError(f"there is no folder {file.parent} for {file.name}; make it first")
        if file is not None and file.is_dir():
            raise ConfigError(f"cannot write {file}, which is a folder; give a file's name")
