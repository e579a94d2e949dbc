"""Results as JSON documents: the head that all of them share, writing, and reading those of cgan-bench."""

from __future__ import annotations

import datetime
import json
import math
import re
from pathlib import Path
from typing import Any

from cgan_runtime import __version__
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.json_file import read_json

FORMAT, FORMAT_VERSION = "cgan-bench", 2

Document = dict[str, Any]

_NUMBERS = re.compile(r"\[\s+([-\d.eE+,\s]+?)\s+\]")


def new_document(name: str, version: int, machine: Document | None = None, **values: Any) -> Document:
    """A result with the head that all share; infinite and undefined numbers become None."""
    head = {"format": name, "format_version": version, "version": __version__, "date": now()}
    if machine is not None:
        head["machine"] = machine
    finite: Document = _finite(head | values)
    return finite


def now() -> str:
    """The date and time, ISO 8601, UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def write_document(document: Document, path: Path | None) -> None:
    """Write JSON with lists of numbers on one line, if there is a path; errors as of `write_text`."""
    if path is not None:
        text = json.dumps(document, indent=2, allow_nan=False)
        write_text(_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n", path, "--json")
        Console().note(f"all figures are in {path}")


def write_text(text: str, path: Path, option: str) -> None:
    """Write a file that an option names, complete or not at all, or raise ConfigError."""
    try:
        write_file(path, text)
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}); give another {option}") from error


def read_document(path: Path) -> Document:
    """Read a result of cgan-bench; ConfigError where it is missing, no such result, or of another version."""
    try:
        document = read_json(path)
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); make it with cgan-bench --json") from error
    except ValueError as error:
        raise ConfigError(
            f"{path} is no JSON that can be read ({error}); make it with cgan-bench --json {path}"
        ) from error
    name = document.get("format") if isinstance(document, dict) else None
    if name == "cgan-video":
        raise ConfigError(f"{path} is a result of videos, which have no rows to compare; give two of cgan-bench")
    if name != FORMAT:
        raise ConfigError(f"{path} is no result of cgan-bench; make it with cgan-bench --json {path}")
    again = f"measure again with cgan-bench --json {path}"
    if (version := document.get("format_version")) != FORMAT_VERSION:
        raise ConfigError(f"{path} is of format {version}, this cgan-bench reads {FORMAT_VERSION}; {again}")
    if (damage := _damage(document)) is not None:
        raise ConfigError(f"{path} is damaged ({damage}); {again}")
    return document  # type: ignore[no-any-return]


def _damage(document: Document) -> str | None:
    """What a document lacks of that which is compared; None where all is there."""
    machine, rows = document.get("machine"), document.get("rows")
    for key in ("scenario", "recipe", "size"):
        if key not in document:
            return f"no {key}"
    for key in ("cpu", "cores", "threads", "system"):
        if not isinstance(machine, dict) or key not in machine:
            return f"no {key} of its machine"
    if not isinstance(rows, list):
        return "no rows"
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("batch"), int):
            return f"row {number} has no batch"
        if not all(isinstance(row.get(key), str) for key in ("model", "backend", "reference")):
            return f"row {number} does not say what it is of"
        for key, interval in (("p50_ms", "p50_interval_ms"), ("speedup", "speedup_interval")):
            ends = row.get(interval)
            figures = [row.get(key), *(ends if isinstance(ends, list) else [])]
            if len(figures) != 3 or not all(map(_positive, figures)):
                return f"row {number} has no {key} with an interval"
    return None


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
