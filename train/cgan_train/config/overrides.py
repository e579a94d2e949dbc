"""Overrides: single settings of a recipe replaced from the command line or a TOML file.

    apply_overrides(recipe("paper"), {"phases.0.lr": "1e-4", "generator.channels": "ab"})

A setting is named by its path in `TrainConfig`, a phase by its name or its number from 0.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import TrainConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_HUGE = 10**300  # no float is much larger; the range of the setting refuses it


def apply_overrides(config: TrainConfig, overrides: Mapping[str, Any]) -> TrainConfig:
    """Replace settings of a config. A value that is text is read as TOML; a bare word stays text,
    and a list needs no brackets: `16,32`.

    Raises:
        ConfigError: There is no such setting, or it cannot have the value.
    """
    values = config.to_json()
    for path, value in overrides.items():
        _put(values, path, _parse(value) if isinstance(value, str) else value)
    return TrainConfig.from_json(values)


def read_overrides(path: Path) -> dict[str, Any]:
    """Read a TOML file: path of a setting to value; a table is a part of the config.

    Raises:
        ConfigError: The file cannot be read as TOML.
    """
    try:
        return _flatten(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as TOML ({error})") from error


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        flat |= _flatten(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError):  # ValueError: a number of too many digits, too
        return text


def _put(values: Any, path: str, value: Any) -> None:
    """Replace one setting in the JSON form of a config, by a value of the same type."""
    *parents, last = path.split(".")
    for part in parents:
        values = values[_key(values, part, path)]
    key = _key(values, last, path)
    old = values[key]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(min(max(value, -_HUGE), _HUGE))
    parts = isinstance(old, (list, tuple)) and any(isinstance(each, dict) for each in old)
    if isinstance(old, (list, tuple)) and not parts and not isinstance(value, (list, tuple, dict)):
        value = [_parse(each.strip()) for each in value.split(",")] if isinstance(value, str) else [value]
    kinds = (list, tuple) if isinstance(old, (list, tuple)) else type(old)
    fits = isinstance(value, kinds) and isinstance(value, bool) == isinstance(old, bool)
    if fits and isinstance(value, (list, tuple)) and old:
        fits = all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
    if isinstance(old, dict) or parts or not fits:
        shown = "" if isinstance(old, dict) or parts else f" it is {old!r} in the recipe:"
        raise ConfigError(f"{path} cannot be {value!r};{shown} give {_form(path, old)}")
    values[key] = value


def _form(path: str, old: Any) -> str:
    """How a setting of this kind is given."""
    if isinstance(old, (list, tuple)) and old and isinstance(old[0], dict):
        return f"one of its parts, such as {path}.{old[0]['name']}.lr={old[0]['lr']}"
    if isinstance(old, dict):
        return f"one of its parts, such as {path}.{next(iter(old))}={next(iter(old.values()))}"
    if isinstance(old, (list, tuple)):
        return f"{path}={','.join(map(str, old)) or '16,32'}"
    return f"{path}={str(old).lower() if isinstance(old, bool) else old}"


def _key(values: Any, part: str, path: str) -> Any:
    if isinstance(values, (list, tuple)) and all(isinstance(value, dict) for value in values):
        names = [str(value.get("name")) for value in values]
        if part in names:
            return names.index(part)
        if part.isdecimal() and int(part) < len(values):
            return int(part)
        raise ConfigError(f"no phase {part!r} for {path}; there are {', '.join(names)}")
    if isinstance(values, dict) and part in values:
        return part
    known = ", ".join(values) if isinstance(values, dict) else "nothing below it"
    raise ConfigError(f"no setting {path!r}; in place of {part!r} there are {known}")
