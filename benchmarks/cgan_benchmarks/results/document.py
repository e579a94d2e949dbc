"""TODO."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:
    pass

FORMAT = "cgan-bench"


FORMAT_VERSION = 2


_NUMBERS = re.compile(r"\[\s+([-\d.eE+,\s]+?)\s+\]")


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write JSON, lists of numbers on one line; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False)
    write_text(_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n", path, "--json")


def write_text(text: str, path: Path, option: str) -> None:
    """Write a file; it appears under its name only when complete.

    Raises:
        ConfigError: The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # names of files may be any bytes
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"cannot write {path} ({error.strerror}); give another file with {option}"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        ConfigError: The file is missing, no such document, or of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); make it with cgan-bench --json") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON; make it with cgan-bench --json {path}") from error
    if isinstance(document, dict) and document.get("format") == "cgan-video":
        raise ConfigError(
            f"{path} is a result of videos, which have no rows to compare; give two of cgan-bench"
        )
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigError(f"{path} is no result of cgan-bench; make it with cgan-bench --json {path}")
    if document.get("format_version") != FORMAT_VERSION:
        raise ConfigError(
            f"{path} is of format {document.get('format_version')}, this cgan-bench reads {FORMAT_VERSION}; "
            f"measure again with cgan-bench --json {path}"
        )
    if (lacks := _damage(document)) is not None:
        raise ConfigError(f"{path} is damaged ({lacks}); measure again with cgan-bench --json {path}")
    return document


def _damage(document: dict[str, Any]) -> str | None:
    """What a document lacks of that which is compared; None where all is there."""
    machine, rows = document.get("machine"), document.get("rows")
    for what in ("scenario", "recipe", "size"):
        if what not in document:
            return f"no {what}"
    for what in ("cpu", "cores", "threads", "system"):
        if not isinstance(machine, dict) or what not in machine:
            return f"no {what} of its machine"
    if not isinstance(rows, list):
        return "no rows"
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("batch"), int):
            return f"row {number} has no batch"
        if not all(isinstance(row.get(what), str) for what in ("model", "backend", "reference")):
            return f"row {number} does not say what it is of"
        for what, interval in (("p50_ms", "p50_interval_ms"), ("speedup", "speedup_interval")):
            ends = row.get(interval)
            figures = [row.get(what), *(ends if isinstance(ends, list) else [])]
            if len(figures) != 3 or not all(map(_positive, figures)):
                return f"row {number} has no {what} with an interval"
    return None


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _finite(value: Any) -> Any:
    """JSON knows no infinity: null stands for a difference that is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
