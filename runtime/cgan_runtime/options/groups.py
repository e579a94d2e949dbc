"""What the command lines share: groups of options, sections of the help, and types of option values.

@dataclass(frozen=True)
class ModelOptions:
    size: int | None = None

model_options = option_group("model", ModelOptions, "Model", click.option("--size", type=int, help=...))

@click.command(cls=GroupedCommand)
@model_options
def main(model: ModelOptions) -> None: ...
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cgan_runtime.progress import size_text

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
COMMON = "Common"  # the section of the options that most people need; the help shows it first

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}  # bytes
_SECTION = "cgan_section"  # attribute of a click.Parameter: the section of the help that shows it


def section(heading: str, *options: Decorator) -> Decorator:
    """Make a decorator that adds options to a command; the help shows them under a heading."""

    def decorate(function: Function) -> Function:
        before = list(getattr(function, "__click_params__", ()))
        for option in reversed(options):
            function = option(function)
        for param in getattr(function, "__click_params__", ()):
            if param not in before and not hasattr(param, _SECTION):
                setattr(param, _SECTION, heading)
        return function

    return decorate


def given(context: click.Context) -> list[str]:
    """The options that stand on the command line or in a `--config` file, not those left to their defaults."""
    return [
        max(option.opts, key=len)
        for option in context.command.params
        if option.name and context.get_parameter_source(option.name) in _GIVEN
    ]


def option_group(name: str, settings: type[Any], heading: str, *options: Decorator) -> Decorator:
    """Make a decorator that adds options to a command and passes them to it as one argument, `name`.

    `settings` is a dataclass; the options fill its fields of their names, and a group among them fills one field.
    The help shows those without a `section` of their own under `heading`.
    """
    names = [field.name for field in fields(settings)]

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def filled(*args: Any, **values: Any) -> Any:
            own = {each: values.pop(each) for each in names if each in values}
            return function(*args, **{name: settings(**own)}, **values)

        return section(heading, *options)(filled)

    return decorate


class GroupedCommand(click.Command):
    """A command whose help shows its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of the decorators."""
        sections: dict[str, list[tuple[str, str]]] = {}
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        for param in options:
            if (record := param.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(param, _SECTION, "Other"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    SizeBase = click.ParamType[tuple[int, int]]
    _BatchBase = click.ParamType[tuple[int, int, int]]
    _PlaceBase = click.ParamType[Path]
    _BytesBase = click.ParamType[int]
else:
    SizeBase = _BatchBase = _PlaceBase = _BytesBase = click.ParamType


class PlaceType(_PlaceBase):
    """A path, or the URL of storage elsewhere; becomes what `files.storage.place` makes of it."""

    name = "PATH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Read what a person typed."""
        if isinstance(value, Path) or "://" not in str(value):
            return Path(str(value))
        from cgan_runtime.files.storage import open_location  # loads fsspec

        return open_location(str(value))


class SizeType(SizeBase):
    """A size in pixels: `256` for a square, `256x384` for height x width; becomes (height, width)."""

    name = "H[xW]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,4})(?:[xX×]([1-9]\d{0,4}))?", str(value))
        if not found:
            self.fail(f"{value!r} is no size; give 256, or height x width such as 256x384", param, ctx)
        return int(found[1]), int(found[2] or found[1])


class BatchType(_BatchBase):
    """A number of images at once: `4`, or smallest:best:largest as `1:4:16`; becomes those three."""

    name = "N[:N:N]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,3})(?::([1-9]\d{0,3}):([1-9]\d{0,3}))?", str(value))
        if not found:
            self.fail(f"{value!r} is no batch; give 4, or smallest:best:largest such as 1:4:16", param, ctx)
        smallest, best, largest = (int(found[part] or found[1]) for part in (1, 2, 3))
        if not smallest <= best <= largest:
            self.fail(f"{value!r} does not rise from smallest to largest", param, ctx)
        return smallest, best, largest


class BytesType(_BytesBase):
    """A number of bytes with its unit: `256MB`, `2 GB`, `500000B`; becomes an integer."""

    name = "SIZE"

    def __init__(self, least: int = 1000) -> None:
        """Refuse sizes below `least` bytes, which nobody means."""
        self._least = least

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read what a person typed."""
        if isinstance(value, int):  # a default
            return value
        found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?|\d+)\s*([kmg]b?|b)?", str(value).strip().lower())
        if not found:
            self.fail(f"{value!r} is no size; give one such as 256MB or 2GB", param, ctx)
        if found[2] is None:
            self.fail(f"{value!r} has no unit; give one, such as {value}MB or {value}GB", param, ctx)
        count = int(float(found[1]) * _UNITS[found[2].rstrip("b")])
        if count < self._least:
            self.fail(f"{value!r} is too small; give {size_text(self._least)} or more, such as 2GB", param, ctx)
        return count
