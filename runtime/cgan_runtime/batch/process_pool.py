"""Workers on this machine: one in this process, or several in processes of their own.

with one_worker(options, scratch) as pool: ...
with processes(options, scratch, count=4) as pool: ...
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.batch.tasks import Answer, Ended, Event, Moved, Task
from cgan_runtime.batch.worker import Worker
from cgan_runtime.errors import BackendUnavailable, CganError
from cgan_runtime.options.run import RunOptions

_TELL_SECONDS = 0.2  # between two words of a worker on how far it is
_STOP_SECONDS = 10.0  # that a worker which is told to stop may take to put its things away
HUNG_SECONDS = 900.0
"""Without a sign that a worker gets on with its task; then it is ended, and counts as one that died."""

_STILLBORN = 3  # workers in a row that die before they have a model; then there is no point in more


class OneWorker:
    """A pool of one, in this very process: a task is done while events are waited for."""

    def __init__(self, worker: Worker, hear: Callable[[Event], None], report: BuildCallback | None) -> None:
        self.description, self.count, self.lost = worker.open(report), 1, 0
        self._worker, self._hear = worker, hear
        self._task: Task | None = None

    def idle(self) -> int:
        """One, unless it has a task."""
        return self._task is None

    def give(self, task: Task) -> None:
        """Take a task."""
        self._task = task

    def events(self, timeout: float) -> list[Event]:
        """Do the task."""
        task, self._task = self._task, None
        if task is None:
            return []
        return [Ended(task, self._worker.run(task, lambda *moved: self._hear(Moved(task, *moved))))]


@dataclass(kw_only=True)
class Watched:
    """A worker: its task, and when it last gave a sign of getting on with it."""

    task: Task | None = None
    heard: float = 0.0


WatchedType = TypeVar("WatchedType", bound=Watched)


class Watch:
    """Finds workers that hang."""

    def __init__(self) -> None:
        self._looked = time.monotonic()

    def hung(self, workers: Sequence[WatchedType]) -> list[WatchedType]:
        """Those that have not got on with their tasks for too long; to be asked again and again."""
        now = time.monotonic()
        if now - self._looked > HUNG_SECONDS / 2:  # it is we who stood still, by Ctrl-Z for example
            for each in workers:
                each.heard = now
        self._looked = now
        return [each for each in workers if each.task is not None and now - each.heard > HUNG_SECONDS]


@dataclass
class _Process(Watched):
    process: BaseProcess
    connection: Connection
    ready: bool = False


class Processes:
    """A pool of processes.

    Attributes:
        description: What runs the model, once a worker has it.
        count: Of workers.
        lost: Workers that have died.
    """

    def __init__(self, options: RunOptions, scratch: Path, count: int) -> None:
        """Start them; use `processes`."""
        self.description, self.count, self.lost = "", count, 0
        self._stillborn, self._watch = 0, Watch()
        self._options, self._scratch = options, scratch
        self._context = multiprocessing.get_context("spawn")  # threads of engines do not survive a fork
        self._workers = [self._start() for _ in range(count)]

    def idle(self) -> int:
        """Workers that have a model and no task."""
        return sum(each.ready and each.task is None for each in self._workers)

    def give(self, task: Task) -> None:
        """Send a task to a worker."""
        worker = next(each for each in self._workers if each.ready and each.task is None)
        worker.task, worker.heard = task, time.monotonic()
        with suppress(OSError):  # it has just died, which the next look shows
            worker.connection.send(task)

    def events(self, timeout: float) -> list[Event]:
        """What the workers say, the dead included.

        Raises:
            CganError: No worker can load the model.
        """
        by_handle = {each.connection: each for each in self._workers}
        found: list[Event] = []
        for handle in wait(list(by_handle), timeout):
            worker = by_handle[handle]  # type: ignore[index]
            try:
                found += self._heard(worker, worker.connection.recv())
            except (EOFError, OSError):
                worker.process.join()
                found += self._dead(worker, cause_of_death(worker.process.exitcode))
        for worker in self._watch.hung(self._workers):
            worker.process.kill()
            found += self._dead(worker, how_long_it_hung())
        return found

    def close(self) -> None:
        """Stop all of them: at once, but not without their putting away what they have open."""
        for worker in self._workers:
            worker.process.terminate()
        last = time.monotonic() + _STOP_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, last - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._options, self._scratch), daemon=True
        )
        process.start()
        theirs.close()
        return _Process(process, ours)

    def _heard(self, worker: _Process, said: object) -> list[Event]:
        worker.heard = time.monotonic()
        if isinstance(said, CganError):  # it cannot have the model, so none can
            raise said
        if isinstance(said, str):
            self.description, worker.ready, self._stillborn = said, True, 0
        elif isinstance(said, Answer) and worker.task is not None:
            task, worker.task = worker.task, None
            return [Ended(task, said)]
        elif isinstance(said, tuple) and worker.task is not None:
            return [Moved(worker.task, *said)]
        return []

    def _dead(self, worker: _Process, how: str) -> list[Event]:
        worker.process.join()
        worker.connection.close()
        self.lost += 1
        self._stillborn += not worker.ready
        if self._stillborn >= _STILLBORN:
            raise BackendUnavailable(f"workers die while they load the model ({how}); try --jobs 1")
        self._workers[self._workers.index(worker)] = self._start()
        return [] if worker.task is None else [Ended(worker.task, Answer(error=f"its worker {how}"))]


@contextmanager
def one_worker(
    options: RunOptions, scratch: Path, hear: Callable[[Event], None], report: BuildCallback | None = None
) -> Iterator[OneWorker]:
    """A pool of one worker in this process.

    Args:
        options: Of the command line.
        scratch: A local folder for what goes elsewhere.
        hear: Told how far each video is.
        report: Told how far an engine is that has to be built first.
    """
    with Worker(options, scratch) as worker:
        yield OneWorker(worker, hear, report)


@contextmanager
def processes(options: RunOptions, scratch: Path, count: int) -> Iterator[Processes]:
    """A pool of so many processes, all of which have ended when this ends."""
    pool = Processes(options, scratch, count)
    try:
        yield pool
    finally:
        pool.close()


def cause_of_death(code: int | None) -> str:
    """Say how a process ended, from its exit code."""
    if code is not None and code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            return f"was killed by {name}" + (", as a system out of memory does" if name == "SIGKILL" else "")
    return f"ended with exit code {code}"


def how_long_it_hung() -> str:
    """Say of a worker why it was ended."""
    return f"hung: it had not got on for {HUNG_SECONDS / 60:g} minutes"


def _serve(connection: Connection, options: RunOptions, scratch: Path) -> None:
    """Live as a worker process: answer tasks until told to stop, or until nobody is left to answer to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which then says so
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    said = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal said
        if (now := time.monotonic()) - said >= _TELL_SECONDS:
            said = now
            connection.send((done, total))

    with Worker(options, scratch) as worker:
        try:
            connection.send(worker.open())
        except CganError as error:
            connection.send(error)
            return
        with suppress(EOFError):
            while True:
                connection.send(worker.run(connection.recv(), progress))


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _end_with_parent() -> None:
    """Do not outlive a parent that was killed."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
