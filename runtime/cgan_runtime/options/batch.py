"""The options of `cgan-run --input-dir`: how many workers color a batch of files, and where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from cgan_runtime.files.output import check_json
from cgan_runtime.options.groups import PlaceType, option_group
from cgan_runtime.options.run import FileOptions

AUTO = "auto"  # `--cluster` without an address: the cluster of this machine, or one of it alone

DEFAULT_TRIES = 3


@dataclass(frozen=True)
class BatchOptions:
    """How the videos and images of a folder are distributed among workers."""

    recursive: bool = False
    only_gray: bool = False
    jobs: int | None = None
    cluster: str | None = None
    cpus_per_task: int = 1
    gpus_per_task: float = 0.0
    tries: int = DEFAULT_TRIES
    report: Path | None = None

    def check(self, files: FileOptions) -> None:
        """Refuse options that do not go with the input or each other, and a report that cannot be written."""
        if not files.many and self != BatchOptions():
            raise click.UsageError("options for many videos go with a folder or several inputs")
        if self.cluster is None and replace(self, cpus_per_task=1, gpus_per_task=0.0) != self:
            raise click.UsageError("--cpus-per-task and --gpus-per-task go with --cluster")
        if self.report is not None:
            check_json(self.report, "--report")


batch_options = option_group(
    "batch",
    BatchOptions,
    "Many videos (a folder, or several inputs)",
    click.option("--recursive", is_flag=True, help="Look into subfolders too; the output has the same."),
    click.option("--only-gray", is_flag=True, help="Pass over videos and images that have colors already."),
    click.option(
        "--jobs", type=click.IntRange(min=1), metavar="N",
        help="Worker processes. Default: one for two cores, with --cluster as many as it has room for."),
    click.option(
        "--cluster", is_flag=False, flag_value=AUTO, metavar="[ADDRESS]",
        help="Distribute the work with Ray: ray://HOST:PORT, HOST:PORT, or nothing for the cluster that this "
        "machine belongs to, else this machine alone."),
    click.option(
        "--cpus-per-task", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
        help="Cores of the cluster for each worker."),
    click.option(
        "--gpus-per-task", type=click.FloatRange(min=0), default=0.0, show_default=True, metavar="X",
        help="GPUs of the cluster for each worker, or a share of one: 0.25 lets four workers use it."),
    click.option(
        "--tries", type=click.IntRange(min=1), default=DEFAULT_TRIES, show_default=True, metavar="N",
        help="Give up on a video after that many workers have died while they colored it."),
    click.option(
        "--report", type=PlaceType(), metavar="FILE",
        help="Write the result of each video as JSON. Default: cgan-report.json in the output folder, with "
        "cgan-report.html to look at."),
)  # fmt: skip
