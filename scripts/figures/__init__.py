"""The blocks of figures in README.md and docs/, each made from a file that a command wrote.

    from figures import block, read, table

    @block("videos")                      # fills <!-- figures: videos --> ... <!-- end of figures -->
    def videos() -> str: ...

Every file of this folder is imported; a new block is a new file (or one more function), nothing else.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
MODELS = ROOT / "runtime" / "cgan_runtime" / "models"

Document = dict[str, Any]
Make = Callable[[], str]
Columns = Mapping[str, str | Callable[[Any], str]]
"""How a cell is made of a row, by title: a function, or a template as `{p50_ms:.1f}` for dictionaries."""

_BLOCKS: dict[str, Make] = {}


def block(name: str) -> Callable[[Make], Make]:
    """Register a function that returns the Markdown of a block."""

    def register(make: Make) -> Make:
        if name in _BLOCKS:
            raise ValueError(f"two functions make the figures {name!r}")
        _BLOCKS[name] = make
        return make

    return register


def blocks() -> Mapping[str, Make]:
    """Every block by name; imports all files of this folder."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return _BLOCKS


def read(name: str) -> Document:
    """A document of benchmarks/results/, by its file name."""
    document: Document = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return document


def table(columns: Columns, rows: Iterable[Any]) -> str:
    """A Markdown table."""
    lines = [list(columns), ["---"] * len(columns)]
    lines += [
        [cell.format_map(row) if isinstance(cell, str) else cell(row) for cell in columns.values()] for row in rows
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain_table(rows: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table of rows whose keys are the titles; a row need not have all."""
    titles = dict.fromkeys(title for row in rows for title in row)
    return table({title: methodcaller("get", title, "") for title in titles}, rows)


def of_model(sha256: str, which: str = "sha256") -> str:
    """A sha256 (`which` of the manifest) for people; it says so if no model that ships has it any more."""
    shipped = [json.loads(path.read_text(encoding="utf-8")).get(which) for path in MODELS.glob("*.json")]
    return f"sha256 {sha256[:12]}{'' if sha256 in shipped else ', an earlier model'}"


def machine(report: Document) -> str:
    """The machine and date of a report."""
    found = report["machine"]
    return f"{found['cpu']}, {found['cores']} cores, {report['date'][:10]}"
