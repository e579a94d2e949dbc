"""Recipes changed from the command line and from a TOML file.

    changed(recipe("paper"), {"phases.0.lr": "1e-4", "generator.channels": "ab"})

A field is named by its path in `TrainConfig`, the phases by their number from 0 or by their name.
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


def changed(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """A config with some fields replaced; text is read as TOML would read it.

    Raises:
        ConfigError: A field that there is not, or a value that it cannot have.
    """
    values = config.to_json()
    for path, value in changes.items():
        _put(values, path, _read(value) if isinstance(value, str) else value)
    return TrainConfig.from_json(values)


def read_changes(path: Path) -> dict[str, Any]:
    """The fields that a TOML file sets, by their path; its tables are parts of the config.

    Raises:
        ConfigError: The file cannot be read as TOML.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML ({error})") from error
    return _flat(document)


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{before}{name}"
        flat |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _read(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word


def _put(values: Any, path: str, value: Any) -> None:
    """Replace one field in the JSON form of a config; its kind stays."""
    *parents, last = path.split(".")
    for part in parents:
        values = values[_key(values, part, path)]
    key = _key(values, last, path)
    old = values[key]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    kinds = (list, tuple) if isinstance(old, (list, tuple)) else type(old)
    if (
        isinstance(old, dict)
        or not isinstance(value, kinds)
        or isinstance(value, bool) != isinstance(old, bool)
    ):
        raise ConfigError(f"{path} cannot be {value!r}; it is {old!r} in the recipe")
    values[key] = value


def _key(values: Any, part: str, path: str) -> Any:
    if isinstance(values, (list, tuple)) and all(isinstance(value, dict) for value in values):
        names = [str(value.get("name")) for value in values]
        if part in names:
            return names.index(part)
        if part.isdigit() and int(part) < len(values):
            return int(part)
        raise ConfigError(f"no phase {part!r} for {path}; there are {', '.join(names)}")
    if isinstance(values, dict) and part in values:
        return part
    known = ", ".join(values) if isinstance(values, dict) else "nothing below it"
    raise ConfigError(f"no setting {path!r}; where {part!r} stands there are {known}")
