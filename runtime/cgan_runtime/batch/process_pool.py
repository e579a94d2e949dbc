"""Workers on this machine: one in this process, or several in processes of their own.

with in_process_pool(options, scratch, handle) as pool: ...
with closing(ProcessPool(options, scratch, count=4)) as pool: ...
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from cgan_runtime.batch.pool import WorkerPool, WorkerState
from cgan_runtime.batch.tasks import Event, Finished, Progressed, Task
from cgan_runtime.batch.worker import Worker
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import CganError
from cgan_runtime.options.run import RunOptions

_REPORT_SECONDS = 0.2  # least time between two reports of progress by a worker
_STOP_SECONDS = 10.0  # time for workers to clean up when they are stopped


class InProcessPool:
    """A pool of one worker in this process: it does its task while the caller waits for events."""

    def __init__(self, worker: Worker, handle: Callable[[Event], None], on_build: BuildCallback | None) -> None:
        self.description, self.count, self.lost = worker.open(on_build), 1, 0
        self._worker, self._handle = worker, handle
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
        answer = self._worker.run(task, lambda done, total: self._handle(Progressed(task, done, total)))
        return [Finished(task, answer)]


@dataclass
class _ProcessState(WorkerState):
    process: BaseProcess
    connection: Connection


class ProcessPool(WorkerPool[_ProcessState]):
    """A pool of processes."""

    start_error = f"{WorkerPool.start_error}; try --jobs 1"

    def __init__(self, options: RunOptions, scratch: Path, count: int) -> None:
        self._options, self._scratch = options, scratch
        self._context = multiprocessing.get_context("spawn")  # threads of engines do not survive a fork
        super().__init__(count)

    def give(self, task: Task) -> None:
        """Send a task to a worker."""
        with suppress(OSError):  # it has just died, which `events` will notice
            self._assign(task).connection.send(task)

    def events(self, timeout: float) -> list[Event]:
        """The messages of the workers, and the end of tasks whose workers died; see `schedule.Pool`."""
        by_handle = {each.connection: each for each in self._workers}
        found: list[Event] = []
        for handle in wait(list(by_handle), timeout):
            worker = by_handle[handle]  # type: ignore[index]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                found += self._replace(worker, cause_of_death(worker.process.exitcode))
            else:
                worker.heard = time.monotonic()
                found += self._handle(worker, message)
        return found + self._replace_hung()

    def close(self) -> None:
        """Stop all workers; they clean up what they have open."""
        for worker in self._workers:
            worker.process.terminate()
        last = time.monotonic() + _STOP_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, last - time.monotonic()))
            self._end(worker)

    def _start(self) -> _ProcessState:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._options, self._scratch), daemon=True)
        with _ctrl_c_is_ours():
            process.start()
        theirs.close()
        return _ProcessState(process, ours)

    def _end(self, worker: _ProcessState) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()


@contextmanager
def in_process_pool(
    options: RunOptions, scratch: Path, handle: Callable[[Event], None], on_build: BuildCallback | None = None
) -> Iterator[InProcessPool]:
    """A pool of one worker in this process; `handle` is called with its progress."""
    with closing(Worker(options, scratch)) as worker:
        yield InProcessPool(worker, handle, on_build)


@contextmanager
def _ctrl_c_is_ours() -> Iterator[None]:
    """Let processes that start meanwhile never see Ctrl-C, which would end their imports with traces."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def cause_of_death(code: int | None) -> str:
    """How a process ended, from its exit code."""
    if code is not None and code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            return f"was killed by {name}" + (", as a system out of memory does" if name == "SIGKILL" else "")
    return f"ended with exit code {code}"


def _serve(connection: Connection, options: RunOptions, scratch: Path) -> None:
    """The main function of a worker process: answers tasks until it is stopped or its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which stops the workers
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    reported = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal reported
        if (now := time.monotonic()) - reported >= _REPORT_SECONDS:
            reported = now
            connection.send((done, total))

    with closing(Worker(options, scratch)) as worker:
        try:
            connection.send(worker.open())
        except CganError as error:
            connection.send(error)
            return
        with suppress(EOFError):
            while True:
                connection.send(worker.run(connection.recv(), progress))


def _end_with_parent() -> None:
    """End this process when its parent is killed."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
