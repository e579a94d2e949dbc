"""Tables in the terminal, without lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_MIN_WIDTH = 100  # columns


def wide_console(min_width: int = _MIN_WIDTH) -> Console:
    """A console on stdout. A narrower terminal breaks lines, but no figure is cut short."""
    import rich.console

    console = rich.console.Console(highlight=False)
    console.width = max(min_width, console.width)
    return console


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
    console.print(make_table(titles, rows, left), markup=False)
    console.print()
