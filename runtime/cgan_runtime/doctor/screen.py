"""Shows findings: as a screen for people, as JSON, as commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import click

from cgan_runtime import __version__
from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding

FORMAT, FORMAT_VERSION = "cgan-doctor", 1

_MARKS = {OK: ("\u2713", "+"), MISSING: ("\u00b7", "-"), PROBLEM: ("\u2717", "x")}  # and where there is only ASCII
_STYLES = {OK: "green", MISSING: "dim", PROBLEM: "bold red"}
_MAX_WIDTH = 100  # columns; longer lines are hard to read


@contextmanager
def status() -> Iterator[Callable[[str], object]]:
    """Show on a terminal what is looked at, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _title: None
        return
    import rich.console

    with rich.console.Console(stderr=True).status("") as line:
        yield lambda title: line.update(f"looking at: {title}")


def print_screen(findings: Sequence[Finding]) -> None:
    """Print one line or a few for each finding, and a summary."""
    import rich.console
    from rich.table import Table
    from rich.text import Text

    console = rich.console.Console(highlight=False, soft_wrap=False)
    width = min(console.width, _MAX_WIDTH)
    plain = not _can_print("".join(mark for mark, _ in _MARKS.values()), sys.stdout.encoding)
    names = max(len(finding.name) for finding in findings)
    for group, members in groupby(findings, key=lambda finding: finding.group):
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=names)
        table.add_column(overflow="fold")
        for finding in members:
            mark, style = _MARKS[finding.state][plain], _STYLES[finding.state]
            text = Text(finding.text)
            if finding.state == PROBLEM and finding.advice:
                text.append(f"\n{finding.advice}", "bold")
            table.add_row(Text(mark, style), Text(finding.name), text)
        console.print(Text(group, "bold"))
        console.print(table, width=width)
    console.print()
    for line in summary(findings, _MARKS[MISSING][plain]):
        console.print(Text(line), width=width)


def summary(findings: Sequence[Finding], mark: str) -> list[str]:
    """What the screen comes to, in one to three sentences; `mark` stands for what is missing."""
    problems = [finding for finding in findings if finding.state == PROBLEM]
    missing = [finding for finding in findings if finding.state == MISSING]
    lines = []
    if problems:
        names = ", ".join(dict.fromkeys(finding.name for finding in problems))
        lines.append(f"To mend: {names}.")
    else:
        lines.append("All that cgan-run needs works here.")
    if missing and not problems:
        lines[0] += f" Few people need what is marked {mark}, which is missing."
    if any(finding.commands for finding in findings):
        lines.append("cgan-doctor --fix prints the commands that mend and add.")
    return lines


def print_commands(findings: Sequence[Finding]) -> None:
    """Print the commands of all findings, each with a comment that says what it is for."""
    found = [finding for finding in findings if finding.commands]
    if not found:
        click.echo("# There is nothing that a command could mend or add here.")
    for finding in sorted(found, key=lambda finding: finding.state != PROBLEM):
        click.echo(f"# {finding.name}: {finding.advice or finding.text}")
        for command in finding.commands:
            click.echo(command)


def print_json(findings: Sequence[Finding]) -> None:
    """Print a document with all findings."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "findings": [finding.to_json() for finding in findings],
    }
    click.echo(json.dumps(document, indent=2))


def _can_print(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
