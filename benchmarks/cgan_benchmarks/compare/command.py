"""`cgan-bench compare`: what got slower or faster between two results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_benchmarks.options import PATH, PERCENT

if TYPE_CHECKING:
    from cgan_benchmarks.compare.compare import Change


@click.command(short_help="What got slower or faster between two results.")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@click.option(
    "--fail-over",
    type=PERCENT,
    help="Exit with 1 where a row is missing, slower by more than this beyond noise, or too noisy to judge.  "
    "[default: never]",
    show_default=False,
)
@click.option(
    "--relative",
    is_flag=True,
    help="Compare speed relative to PyTorch instead of milliseconds, for results of different machines.",
)
def compare(old: Path, new: Path, fail_over: float | None, relative: bool) -> int:
    """Report what got slower or faster from OLD to NEW, two files of --json, beyond noise.

    A change counts where the interval of new time by old time does not contain 1.
    """
    from cgan_benchmarks.compare.compare import compare as compare_documents
    from cgan_benchmarks.render.terminal import print_table
    from cgan_benchmarks.results.document import read_document
    from cgan_runtime.console import Console

    found = compare_documents(read_document(old), read_document(new), relative=relative)
    unit = "times PyTorch" if relative else "p50 ms"
    columns: dict[str, Callable[[Change], str]] = {
        "model": lambda change: change.model,
        "run by": lambda change: change.backend,
        "batch": lambda change: str(change.batch),
        f"old {unit}": lambda change: f"{change.old:.2f}",
        "new": lambda change: f"{change.new:.2f}",
        "change": lambda change: f"{change.slower - 1:+.1%}",
        "interval": lambda change: " to ".join(f"{end - 1:+.1%}" for end in change.interval),
        "": lambda change: change.verdict,
    }
    if len({change.batch for change in found.changes}) == 1:
        del columns["batch"]
    rows = [[cell(change) for cell in columns.values()] for change in found.changes]
    print_table(columns, rows, left=("run by", "batch", ""))
    console = Console()
    for difference in found.differences:
        console.warn(f"the results differ in {difference}")
    for text, keys in (("only in the old result", found.gone), ("only in the new result", found.come)):
        if keys:
            console.result(f"{text}: {', '.join(keys)}")
    for why in found.noise:
        console.result(f"too noisy to judge: {why}")
    if fail_over is None:
        return 0
    failed = [change for change in found.changes if change.fails(fail_over)]
    if failed:
        names = ", ".join(f"{change.model} / {change.backend}" for change in failed)
        console.result(f"slower by more than {fail_over:.0%}: {names}")
    if found.noise:
        console.result("not judged; measure again on a quiet machine, or longer (--duration)")
    return 1 if failed or found.gone or found.noise else 0
