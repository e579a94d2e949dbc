"""Color every image and video of a folder, or several files, with one worker or many.

exit_code = run_folder(Path("photos"), options, batch_options, console)
exit_code = run_files(["a.mp4", "b.jpg"], options, batch_options, console)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from cgan_runtime.batch.inputs import (
    find_sources,
    items_of,
    linked_folders,
    make_items,
    output_folder,
    pass_over_colored,
)
from cgan_runtime.batch.process_pool import ProcessPool, in_process_pool
from cgan_runtime.batch.report import REPORT_NAME, make_report, summary_line, write_report
from cgan_runtime.batch.report_page import ReportPage
from cgan_runtime.batch.schedule import Item, Pool, Schedule
from cgan_runtime.batch.scratch import PREFIX, claim
from cgan_runtime.callbacks import FractionCallback
from cgan_runtime.commands.single import resume_command, with_usable_encoder
from cgan_runtime.commands.summary import print_image, print_video, write_video_stats
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.storage import INSTALL, is_remote
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.options.batch import BatchOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.progress import rate_text
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.system.exit_codes import EXIT_ERROR

CORES_PER_WORKER = 2  # one decodes, colors and encodes at the same time, so more cores gain little
IMAGES_PER_WORKER = 8  # at least; an image has no stages, so each core gets a worker where that pays for its start


def run_folder(folder: Path, options: RunOptions, batch: BatchOptions, console: Console) -> int:
    """Color everything that can be colored; a failure is reported and does not stop the rest.

    Returns the exit code, 0 if nothing failed. A CganError ends all: a folder cannot be read or made, or
    there are no workers.
    """
    results = output_folder(folder, options.files.output)
    sources = find_sources(folder, results, recursive=batch.recursive)
    if batch.recursive:
        _say_linked(folder, console)
    items = make_items(sources, folder, results, options)
    return _run(items, results, options, replace(batch, report=batch.report or results / REPORT_NAME), console)


def run_files(places: Sequence[str], options: RunOptions, batch: BatchOptions, console: Console) -> int:
    """Color several files and folders; exit code and errors as of `run_folder`."""
    items = items_of(places, options, recursive=batch.recursive)
    for place in places if batch.recursive else ():
        if Path(place).is_dir():
            _say_linked(Path(place), console)
    return _run(items, options.files.output, options, batch, console)


def _say_linked(folder: Path, console: Console) -> None:
    if linked := linked_folders(folder):
        others = f" and {len(linked) - 1} more" if len(linked) > 1 else ""
        console.note(f"linked folders are passed over: {linked[0]}{others}; give them as inputs of their own")


def _run(items: list[Item], results: Path | None, options: RunOptions, batch: BatchOptions, console: Console) -> int:
    if batch.cluster is None:  # on a cluster the workers' hardware counts
        options = with_usable_encoder(options, console)
    if batch.only_gray:
        pass_over_colored(items)
    waiting = [item for item in items if item.state == "waiting"]
    page = ReportPage(batch.report.with_suffix(".html")) if batch.report and not is_remote(batch.report) else None
    reporter = _Reporter(items, page, console)
    schedule = reporter.schedule = Schedule(
        items, reporter, tries=batch.tries, overwrite=options.files.overwrite, resume=options.files.resume
    )
    pool: Pool | None = None
    try:
        if waiting:
            with (
                _open_pool(waiting, options, batch, schedule, console) as pool,
                console.fraction("coloring") as reporter.move_bar,
            ):
                schedule.run(pool)
    except (KeyboardInterrupt, SystemExit):
        left = sum(item.state == "waiting" for item in items)
        command = resume_command(dropped=("--resume", "--overwrite"))
        console.warn(f"stopped with {left} of {len(items)} to be done; go on with: {command}")
        raise
    finally:
        if batch.report is not None:
            write_report(batch.report, make_report(items, reporter.seconds, pool))
        if page is not None:
            page.write(items, summary_line(items, results))
        failed = [item for item in items if item.state == "failed"]
        for item in failed:
            tries = f" (given up after {item.tries} tries)" if item.tries > 1 else ""
            named = item.error if item.name in item.error else f"{item.name}: {item.error}"
            console.error(named + tries)
    write_video_stats(options, [item.result for item in items if isinstance(item.result, VideoResult)])
    if pool is not None:
        console.result(f"back end: {pool.description}")
    console.result(summary_line(items, results))
    return EXIT_ERROR if failed else 0


class _Reporter:
    """Moves the bar, and prints the result of each item."""

    schedule: Schedule

    def __init__(self, items: list[Item], page: ReportPage | None, console: Console) -> None:
        self.move_bar: FractionCallback = lambda fraction, text: None
        self._page, self._console = page, console
        self._work = [item for item in items if item.state == "waiting"]
        self._size = sum(item.size for item in self._work) or 1
        self._began = time.monotonic()
        for item in items:
            if page is not None and item.state == "skipped":
                page.add_sheet(item)

    @property
    def seconds(self) -> float:
        """Since the work began."""
        return time.monotonic() - self._began

    def __call__(self, item: Item | None) -> None:
        """Print an item that has ended; None means that time has passed. Errors are told at the end."""
        if item is not None and isinstance(item.result, VideoResult):
            print_video(item.source, item.result, self._console, one_of_many=True)
        elif item is not None and isinstance(item.result, ImageResult):
            print_image(item.result, self._console, one_of_many=True)
        if item is not None and self._page is not None:
            self._page.add_sheet(item)
        ended = [each.state for each in self._work if each.state != "waiting"]
        rate = self.schedule.frames / self.seconds
        size = sum(each.size * (1 if each.state != "waiting" else each.fraction) for each in self._work)
        failed = f", {ended.count('failed')} failed" if "failed" in ended else ""
        text = f"{len(ended)} of {len(self._work)} done{failed}, {rate_text(rate)}"
        self.move_bar(size / self._size, text)


def workers_for(work: list[Item], cores: int) -> int:
    """How many workers make sense for these items on so many cores."""
    if all(item.image for item in work):
        return max(1, min(cores, len(work) // IMAGES_PER_WORKER))
    return max(1, cores // CORES_PER_WORKER)


@contextmanager
def _open_pool(
    work: list[Item], options: RunOptions, batch: BatchOptions, schedule: Schedule, console: Console
) -> Iterator[Pool]:
    """As many workers as the options say, or as make sense for so many items."""
    with ExitStack() as stack:
        if batch.cluster is not None:
            try:
                from cgan_runtime.batch.ray.pool import ray_pool
            except ImportError as error:
                raise ConfigError(f"--cluster needs Ray ({error}): {INSTALL}") from None
            yield stack.enter_context(ray_pool(options, batch, len(work)))
            return
        scratch = claim(stack.enter_context(temporary_folder(PREFIX)))
        cores = usable_cores()
        count = min(len(work), batch.jobs or workers_for(work, cores))
        if count == 1:
            on_build = stack.enter_context(console.building())
            yield stack.enter_context(in_process_pool(options, scratch, schedule.handle, on_build))
        else:
            threads = options.model.threads or max(1, cores // count)
            each = replace(options, model=replace(options.model, threads=threads))
            yield stack.enter_context(closing(ProcessPool(each, scratch, count)))
