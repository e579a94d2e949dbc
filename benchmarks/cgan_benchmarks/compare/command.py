"""`cgan-bench compare`: what got slower or faster between two results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_benchmarks.options import PATH, PercentType

if TYPE_CHECKING:
    from cgan_benchmarks.compare.compare import Change

_WIDTH = 100  # columns


@click.command(
    context_settings={"show_default": True}, short_help="What got slower or faster between two results."
)
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@click.option(
    "--fail-over",
    type=PercentType(),
    help="Leave with 1 where a row is gone, or slower by more than this beyond noise.  [default: never]",
    show_default=False,
)
@click.option(
    "--relative",
    is_flag=True,
    help="Compare times PyTorch rather than milliseconds, as for results of different machines.",
)
def compare(old: Path, new: Path, fail_over: float | None, relative: bool) -> int:
    """Say what got slower or faster from OLD to NEW, two files of --json, beyond noise.

    A change counts where the interval of new time by old time does not hold 1.
    """
    from cgan_benchmarks.compare.compare import compare as compare_documents
    from cgan_benchmarks.results.document import read_document
    from cgan_runtime.console import Console

    found = compare_documents(read_document(old), read_document(new), relative=relative)
    _print(
        found.changes, "times PyTorch" if relative else "p50 ms", len({c.batch for c in found.changes}) > 1
    )
    console = Console()
    for words, rows in (("only in the old result", found.gone), ("only in the new result", found.come)):
        if rows:
            console.result(f"{words}: {', '.join(rows)}")
    failed = [] if fail_over is None else [change for change in found.changes if change.fails(fail_over)]
    if failed:
        names = ", ".join(f"{change.model} / {change.backend}" for change in failed)
        console.result(f"slower by more than {fail_over:.0%}: {names}")
    return 1 if failed or (fail_over is not None and found.gone) else 0


def _print(changes: Sequence[Change], unit: str, batches: bool) -> None:
    import rich.console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for title in ("model", "run by", *(["batch"] if batches else [])):
        table.add_column(title, no_wrap=True)
    for title in (f"old {unit}", "new", "change", "interval"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for change in changes:
        low, high = (f"{end - 1:+.1%}" for end in change.interval)
        table.add_row(
            change.model, change.backend, *([str(change.batch)] if batches else []),
            f"{change.old:.2f}", f"{change.new:.2f}", f"{change.slower - 1:+.1%}", f"{low} to {high}",
            change.verdict,
        )  # fmt: skip
    console = rich.console.Console(highlight=False)
    console.width = max(_WIDTH, console.width)
    console.print(table, markup=False)
