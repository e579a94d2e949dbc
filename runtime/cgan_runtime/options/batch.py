"""The options of `cgan-run` for archives: where their work is done, and what is told of it.

@archive_options
def main(..., archive: ArchiveOptions) -> int: ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cgan_runtime.options.groups import PlaceType, option_group

AUTO = "auto"
"""`--cluster` without an address: the cluster that this machine belongs to, or one of this machine alone."""

DEFAULT_TRIES = 3


@dataclass(frozen=True)
class ArchiveOptions:
    """How a folder's videos and images are shared out among workers."""

    recursive: bool = False
    jobs: int | None = None
    cluster: str | None = None
    cpus_per_task: int = 1
    gpus_per_task: float = 0.0
    tries: int = DEFAULT_TRIES
    report: Path | None = None


archive_options = option_group(
    "archive",
    ArchiveOptions,
    "Many videos (--input-dir)",
    click.option("--recursive", is_flag=True, help="Look into subfolders too; the output has the same."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Worker processes. Default: one for every two cores, with --cluster as many as it has room for.",
    ),
    click.option(
        "--cluster",
        is_flag=False,
        flag_value=AUTO,
        metavar="[ADDRESS]",
        help="Share the work out with Ray: ray://HOST:PORT, HOST:PORT, or nothing for the cluster that this "
        "machine belongs to, else this machine alone.",
    ),
    click.option(
        "--cpus-per-task",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Cores of the cluster for each worker.",
    ),
    click.option(
        "--gpus-per-task",
        type=click.FloatRange(min=0),
        default=0.0,
        show_default=True,
        metavar="X",
        help="GPUs of the cluster for each worker, or a share of one: 0.25 lets four workers use it.",
    ),
    click.option(
        "--tries",
        type=click.IntRange(min=1),
        default=DEFAULT_TRIES,
        show_default=True,
        metavar="N",
        help="Give a video up after it has cost so many workers.",
    ),
    click.option(
        "--report",
        type=PlaceType(),
        metavar="FILE",
        help="What became of each video, as JSON. Default: cgan-report.json in the output folder.",
    ),
)
