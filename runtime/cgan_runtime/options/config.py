"""`--config FILE`: options in a TOML file, by the names that they have on the command line.

    # cgan.toml
    serve = "0.0.0.0:8000"
    webcam = "rtsp://camera/stream"
    size = 192
    quiet = true

What stands on the command line or in the environment counts more than the file. An error names file, line and key.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from cgan_runtime.console import plain
from cgan_runtime.errors import ConfigError, did_you_mean
from cgan_runtime.options.groups import COMMON, section

_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*=""")
_NEVER = frozenset({"config", "help", "version"})
_NONE = object()  # false for an option that can do without a value


def read_config(path: Path, context: click.Context) -> dict[str, Any]:
    """Read a file of options, as click's `default_map`: values by the names of the command's parameters.

    Each value is converted once here, so that an error can name its line.

    Raises:
        ConfigError: The file cannot be read, is no TOML, or has an unknown key or a wrong value.
    """
    text, values = _parse(path)
    options = {
        name[2:]: option
        for option in context.command.params
        if isinstance(option, click.Option)
        for name in option.opts
        if name.startswith("--") and name[2:] not in _NEVER
    }
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if found := _KEY.match(line):
            lines.setdefault(next(filter(None, found.groups())), number)
    defaults = {}
    for key, value in values.items():
        where = f"{path}, line {lines[key]}" if key in lines else f"{path}"
        if isinstance(value, dict):
            raise ConfigError(f"{where}: [{key}] is a table; options stand by themselves, as in: size = 192")
        if key not in options:
            mend = did_you_mean(key.replace("_", "-"), options, "the keys are the long options without their --")
            raise ConfigError(f"{where}: there is no option {key}; {mend}")
        option = options[key]
        try:
            given = _as_typed(option, value)
            option.type_cast_value(context, given if given is not _NONE else None)
        except (click.BadParameter, ValueError) as error:
            message = error.message if isinstance(error, click.BadParameter) else str(error)
            raise ConfigError(f"{where}: {key}: {plain(message.rstrip('.'))}") from error
        if given is not _NONE and option.name is not None:
            defaults[option.name] = given
    return defaults


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it holds."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"--config {path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error


def _as_typed(option: click.Option, value: object) -> object:
    """What a person would have typed for a value of the file; `_NONE` if nothing."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise ValueError(f"it is a switch; give true or false, not {value!r}")
        return value
    if isinstance(value, bool):  # --webcam, --serve and the like can do without a value
        if not option._flag_needs_value:
            raise ValueError(f"it needs a value, not {str(value).lower()}")
        return option.flag_value if value else _NONE
    if isinstance(value, list):
        if not option.multiple:
            raise ValueError("it takes one value, not a list")
        return [str(each) for each in value]
    return [str(value)] if option.multiple else str(value)


def _load(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    if path is not None:
        context.default_map = {**(context.default_map or {}), **read_config(path, context)}


config_option = section(
    COMMON,
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="FILE", is_eager=True,
        expose_value=False, callback=_load,
        help="Read options from a TOML file, by their long names: size = 192. What the command line gives counts "
        "more."),
)  # fmt: skip
"""Adds `--config` to a command."""
