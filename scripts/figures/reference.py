"""The tables of docs/reference/, read from the code: options of the commands, settings and recipes."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import click

from figures import ROOT, block, plain_table

_COMMANDS = ("cgan-run", "cgan-doctor", "cgan-train", "cgan-export", "cgan-bench")
_PACKAGES = ("runtime", "train", "export", "benchmarks")
_ATTRIBUTE = re.compile(r"^ {8}(\w+): (.*)$")


class _Sections(click.HelpFormatter):
    """Collects the sections of a command's help instead of laying them out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []

    def write_heading(self, heading: str) -> None:
        """Begin a section."""
        self.found.append((heading, []))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Take the rows of the section that was begun last."""
        del col_max, col_spacing
        self.found[-1][1].extend(rows)


def options(program: str) -> str:
    """One table for each group of a command's options; subcommands follow."""
    command = _command(program)
    context = command.make_context(program, [], resilient_parsing=True)
    parts = [*_tables(command, context)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            if sub is not None and not sub.hidden:
                inner = sub.make_context(name, [], context, resilient_parsing=True)
                usage = " ".join(sub.collect_usage_pieces(inner))
                parts += [f"## `{program} {name}`", f"`{program} {name} {usage}`", _prose(sub.help)]
                parts += _tables(sub, inner, level=3)
    return "\n\n".join(parts)


for _program in _COMMANDS:
    block(f"options-{_program}")(partial(options, _program))


def _command(program: str) -> click.Command:
    """The click command inside the `main` of a program's `cli` module."""
    (entry,) = entry_points(group="console_scripts", name=program)
    main = importlib.import_module(f"{entry.module.removesuffix('.__main__')}.cli").main
    inside = inspect.getclosurevars(main).nonlocals.values()  # see cgan_runtime.console.guard
    return next(value for value in inside if isinstance(value, click.Command))


def _tables(command: click.Command, context: click.Context, level: int = 2) -> Iterator[str]:
    formatter = _Sections()
    command.format_options(context, formatter)
    for heading, rows in formatter.found:
        if heading != "Commands":
            yield f"{'#' * level} {heading}"
            yield plain_table([{"option": f"`{_choices(row[0])}`", "what it does": _cell(row[1])} for row in rows])


def _choices(text: str) -> str:
    """`[a|b]` as `{a,b}`: a pipe in code in a table is shown differently by each viewer of Markdown."""
    found = re.sub(r"\[([^][ ]*\|[^][ ]*)\]", lambda found: f"{{{found[1].replace('|', ',')}}}", text)
    return " ".join(found.split())


def _cell(text: str) -> str:
    """Markdown that shows a text as it is in a table; backticks keep what is between them."""
    text = " ".join(text.split()).replace("|", r"\|")
    return re.sub(r"`[^`]*`|[*_<]", lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", text)


def _prose(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").replace("\b", "").split("\n\n"))


@block("modules")
def modules() -> str:
    """One table for each folder of the four packages: its files and the first line of their docstrings."""
    parts = []
    for package in _PACKAGES:
        root = ROOT / package / f"cgan_{package}"
        for folder in sorted({path.parent for path in root.rglob("*.py")}):
            rows = [
                {"file": f"`{path.name}`", "what it is": _cell(_summary(path))}
                for path in sorted(folder.glob("*.py"))
                if path.stem != "__init__"
            ]
            if rows:
                parts += [f"## `{folder.relative_to(ROOT)}/`", plain_table(rows)]
    return "\n\n".join(parts)


def _summary(path: Path) -> str:
    """The first paragraph of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n\n")[0]


@block("settings")
def settings() -> str:
    """Every field of a training config: its type, its default, and what its class says of it."""
    schema = importlib.import_module("cgan_train.config.schema")
    parts = []
    for prefix, config in (
        ("", schema.TrainConfig),
        ("generator.", schema.GeneratorConfig),
        ("discriminator.", schema.DiscriminatorConfig),
        ("augmentation.", schema.Augmentation),
        ("phases.NAME.", schema.Phase),
    ):
        meanings = _attributes(config.__doc__ or "")
        rows = [
            {
                "setting": f"`{prefix}{field.name}`",
                "type": f"`{str(field.type).replace('|', 'or')}`",
                "default": _default(field),
                "meaning": _cell(meanings.get(field.name, "")),
            }
            for field in dataclasses.fields(config)
            if not dataclasses.is_dataclass(field.default) and field.name not in ("generator", "discriminator")
        ]
        parts += [f"## `{prefix.rstrip('.')}`" if prefix else "## The run", plain_table(rows)]
    return "\n\n".join(parts)


@block("recipes")
def recipes() -> str:
    """What the recipes set, one column each."""
    found = importlib.import_module("cgan_train.config.recipes").RECIPES
    flat = {name: _flat(config.to_json()) for name, config in found.items()}
    names = [
        key
        for key in next(iter(flat.values()))
        if not key.startswith(("recipe", "phases")) and any(values[key] != "" for values in flat.values())
    ]
    rows = [
        {"setting": f"`{key}`"} | {f"`{name}`": _value(values.get(key)) for name, values in flat.items()}
        for key in names
    ]
    return plain_table(rows)


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _default(field: dataclasses.Field[object]) -> str:
    if field.default is dataclasses.MISSING:
        return "the recipe's"
    return f"`{field.default}`" if field.default != "" else ""


def _attributes(docstring: str) -> dict[str, str]:
    """What the Attributes section of a docstring says, by name."""
    found: dict[str, str] = {}
    name = ""
    for line in docstring.partition("Attributes:\n")[2].splitlines():
        if match := _ATTRIBUTE.match(line):
            name = match[1]
            found[name] = match[2]
        elif name and line.startswith(" " * 12):
            found[name] += f" {line.strip()}"
        else:
            name = ""
    return found
