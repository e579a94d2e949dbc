"""What `cgan-run --input-dir` does: every image and video of a folder, by one worker or by many.

exit_code = run_folder(Path("photos"), options, archive_options, console)
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from cgan_runtime.batch.inputs import find_sources, items_of, make_folder, output_folder
from cgan_runtime.batch.process_pool import one_worker, processes
from cgan_runtime.batch.report import REPORT_NAME, report_of, summary_of, write_report
from cgan_runtime.batch.schedule import Item, Pool, Schedule
from cgan_runtime.batch.scratch import PREFIX, claim
from cgan_runtime.commands.single import with_usable_encoder
from cgan_runtime.commands.summary import report_image, report_video, write_video_stats
from cgan_runtime.console import Console, Share, print_error
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.storage import INSTALL
from cgan_runtime.options.batch import BatchOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.system.exit_codes import EXIT_ERROR

CORES_PER_WORKER = 2
"""A worker decodes, colors and encodes at the same time: see docs/scale.md for what more of them bring."""


def run_folder(folder: Path, options: RunOptions, archive: BatchOptions, console: Console) -> int:
    """Color all that can be colored; a failure is told and does not stop the rest.

    Returns:
        The exit code: 0 if nothing failed.

    Raises:
        CganError: The folder cannot be read, the one for the results not be made, or there are no workers.
    """
    if archive.cluster is None:  # else it is the workers' hardware that counts
        options = with_usable_encoder(options, console)
    results = output_folder(folder, options.files.output)
    sources = find_sources(folder, results, recursive=archive.recursive)
    make_folder(results)
    items = items_of(sources, folder, results, options)
    work = sum(item.state == "waiting" for item in items)
    telling = _Telling(items, console)
    schedule = telling.schedule = Schedule(
        items,
        telling,
        tries=archive.tries,
        overwrite=options.files.overwrite,
        resume=options.files.resume,
    )
    pool: Pool | None = None
    try:
        if work:
            with (
                _workers(work, options, archive, schedule, console) as pool,
                console.share(f"{work} of {len(items)}") as telling.move,
            ):
                schedule.run(pool)
    except (KeyboardInterrupt, SystemExit):
        _tell_how_to_go_on(items, console)
        raise
    finally:
        write_report(archive.report or results / REPORT_NAME, report_of(items, telling.seconds, pool))
    write_video_stats(options, [item.result for item in items if isinstance(item.result, VideoResult)])
    if pool is not None:
        console.result(f"back end: {pool.description}")
    for item in items:
        if item.state == "failed":
            console.result(f"failed: {item.name}: {item.error}")
    console.result(summary_of(items, results))
    return EXIT_ERROR if any(item.state == "failed" for item in items) else 0


class _Telling:
    """Moves the bar, and says what became of each item."""

    schedule: Schedule

    def __init__(self, items: list[Item], console: Console) -> None:
        self.move: Share = lambda part, text: None
        self._console = console
        self._work = [item for item in items if item.state == "waiting"]
        self._size = sum(item.size for item in self._work) or 1
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the work began."""
        return time.monotonic() - self._began

    def __call__(self, item: Item | None) -> None:
        """Take note of an item that is over, or with None that time has passed."""
        if item is not None and item.state == "failed":
            tries = f" (given up after {item.tries} tries)" if item.tries > 1 else ""
            print_error(f"{item.name}: {item.error}{tries}" if tries else item.error)
        elif item is not None and isinstance(item.result, VideoResult):
            report_video(item.source, item.result, self._console)
        elif item is not None and isinstance(item.result, ImageResult):
            report_image(item.result, self._console)
        done = sum(each.state != "waiting" for each in self._work)
        rate = self.schedule.frames / self.seconds
        share = sum(each.size * (1 if each.state != "waiting" else each.part) for each in self._work)
        self.move(share / self._size, f"{done} done · {rate:.1f} frames/s")


@contextmanager
def _workers(
    work: int, options: RunOptions, archive: BatchOptions, schedule: Schedule, console: Console
) -> Iterator[Pool]:
    """As many workers as are asked for, or as make sense for so much work."""
    with ExitStack() as stack:
        if archive.cluster is not None:
            try:
                from cgan_runtime.batch.ray.pool import cluster
            except ImportError as error:
                raise ConfigError(f"--cluster needs Ray ({error}): {INSTALL}") from None
            yield stack.enter_context(cluster(options, archive, work))
            return
        scratch = claim(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX))))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        count = min(work, archive.jobs or max(1, cores // CORES_PER_WORKER))
        if count == 1:
            report = stack.enter_context(console.building())
            yield stack.enter_context(one_worker(options, scratch, schedule.hear, report))
        else:
            threads = options.model.threads or max(1, cores // count)
            each = replace(options, model=replace(options.model, threads=threads))
            yield stack.enter_context(processes(each, scratch, count))


def _tell_how_to_go_on(items: list[Item], console: Console) -> None:
    given = [word for word in sys.argv[1:] if word not in ("--resume", "--overwrite")]
    command = shlex.join(["cgan-run", *given, "--resume"])
    left = sum(item.state == "waiting" for item in items)
    console.warn(f"stopped with {left} of {len(items)} to be done; go on with: {command}")
