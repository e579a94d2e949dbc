"""Tables and text in the terminal: a table that is too wide goes on below, and no word is broken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_MIN_WIDTH = 100  # columns
Columns = tuple[Sequence[str], Sequence[Sequence[str]], Collection[str]]
"""Titles, rows, and the titles of the columns with names."""


def wide_console(min_width: int = _MIN_WIDTH) -> Console:
    """A console on stdout, as wide as the terminal; a file or pipe is at least `min_width` wide."""
    import rich.console

    console = rich.console.Console(highlight=False)
    if not console.is_terminal:
        console.width = max(min_width, console.width)
    return console


def print_columns(
    console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()
) -> None:
    """Print a table; where it is wider than the console, its further columns follow below, with the names again.

    Names are the first column and those in `left`, which are aligned left.
    """
    names = [index for index, title in enumerate(titles) if index == 0 or title in left]
    figures = [index for index in range(len(titles)) if index not in names]
    widths = [max(len(title), *(len(row[index]) for row in rows), 0) + 1 for index, title in enumerate(titles)]
    room = console.width - sum(widths[index] for index in names) + 1
    while True:
        taken: list[int] = []
        while figures and (not taken or sum(widths[index] for index in (*taken, figures[0])) <= room):
            taken.append(figures.pop(0))
        chosen = sorted(names + taken)
        table = make_table(
            [titles[index] for index in chosen], [[row[index] for index in chosen] for row in rows], left
        )
        console.print(table, markup=False, soft_wrap=not console.is_terminal)
        if not figures:
            return
        console.print()


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print text, broken between words on a terminal."""
    for line in lines:
        console.print(line, soft_wrap=not console.is_terminal, markup=False)


def make_table(
    titles: Iterable[str], rows: Iterable[Sequence[str]], left: Collection[str] = (), min_width: int = 0
) -> Table:
    """A table without lines; the first column, of `min_width`, and those in `left` are aligned left."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for number, title in enumerate(titles):
        justify: Literal["left", "right"] = "left" if number == 0 or title in left else "right"
        table.add_column(title, no_wrap=True, justify=justify, min_width=None if number else min_width)
    for row in rows:
        table.add_row(*row)
    return table


def print_table(titles: Iterable[str], rows: Iterable[Sequence[str]], left: Collection[str] = ()) -> None:
    """Print a table without lines, and an empty line."""
    console = wide_console()
    print_columns(console, list(titles), list(rows), left)
    console.print()
