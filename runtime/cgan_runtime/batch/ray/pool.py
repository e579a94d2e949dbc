"""Workers on a cluster, by Ray: actors with a model each, wherever there is room.

with ray_pool(options, batch_options, work=1000) as pool: ...

Every machine of the cluster has cgan installed and reaches the videos and results by the same path or URL.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # else Ray starts a cluster when the old one is gone

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from cgan_runtime.batch.pool import WorkerPool, WorkerState
from cgan_runtime.batch.ray.cluster import joined, remove_scratch, room
from cgan_runtime.batch.scratch import PREFIX, claim
from cgan_runtime.batch.tasks import Answer, Event, Task
from cgan_runtime.batch.worker import Worker
from cgan_runtime.console import one_line
from cgan_runtime.errors import BackendUnavailable, CganError
from cgan_runtime.files.storage import is_remote
from cgan_runtime.options.batch import AUTO, BatchOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.parts import MAX_PARTS

_ASK_SECONDS = 1.0  # least time between two questions to a worker about its progress
_ASKED_PER_SECOND = 100  # workers that one driver asks at most


class Actor:
    """A worker as a Ray actor; its model lives in the one thread that works."""

    def __init__(self, options: RunOptions, scratch: str) -> None:
        self._scratch = Path(tempfile.gettempdir()) / scratch
        self._worker, self._claimed = Worker(options, self._scratch), False
        self._progress: tuple[int, int | None] = 0, None
        self._signs = 0

    @ray.method(concurrency_group="work")
    def open(self) -> str | CganError:
        """Load the model; returns what runs it, or an error: Ray prints raised ones that nobody reads."""
        try:
            return self._worker.open()
        except CganError as error:
            return error

    @ray.method(concurrency_group="work")
    def run(self, task: Task) -> Answer:
        """Do a task."""
        if is_remote(task.target) and not self._claimed:
            claim(self._scratch)
            self._claimed = True
        try:
            return self._worker.run(task, self._note)
        finally:
            self._progress = 0, None  # later questions are about the next task

    def progress(self) -> tuple[int, int, int | None]:
        """Number of signs of progress so far, and the progress of the task."""
        return self._signs, *self._progress

    def _note(self, done: int, total: int | None) -> None:
        self._progress = done, total
        self._signs += 1


@dataclass
class _ActorState(WorkerState):
    actor: Any
    answer: Any  # reference to the result of `open` or `run`; None while it waits for a task
    progress: Any = None  # reference to the result of `progress`
    asked: float = 0.0
    signs: int = 0  # of progress that it has given


@contextmanager
def _cluster_errors() -> Iterator[None]:
    """Turn the many errors that Ray and gRPC raise without a cluster into `BackendUnavailable`."""
    try:
        yield
    except CganError:
        raise
    except Exception as error:
        raise BackendUnavailable(
            f"the Ray cluster is gone ({type(error).__name__}); the same command with --resume goes on"
        ) from error


class RayPool(WorkerPool[_ActorState]):
    """A pool of Ray actors; made by `ray_pool`."""

    start_error = (
        "workers of the cluster end while they load the model: the last {reason}; "
        "is cgan installed on every machine of it?"
    )

    def __init__(self, options: RunOptions, batch: BatchOptions, count: int, scratch: str) -> None:
        self._uses_scratch = False  # results were made in local files first
        self._options, self._scratch = options, scratch
        remote: Any = ray.remote  # its types know no concurrency groups
        resources = {"num_cpus": batch.cpus_per_task, "num_gpus": batch.gpus_per_task}
        self._class = remote(**resources, max_restarts=0, concurrency_groups={"work": 1})(Actor)
        super().__init__(count)

    @_cluster_errors()
    def give(self, task: Task) -> None:
        """Send a task to a worker."""
        task = replace(task, source=_absolute(task.source), target=_absolute(task.target))
        worker = self._assign(task)
        worker.answer = worker.actor.run.remote(task)
        self._uses_scratch |= is_remote(task.target)

    def close(self) -> None:
        """Stop all workers, and remove what killed ones may have left."""
        for worker in self._workers:
            with suppress(Exception):  # Ray raises any class: the cluster may be gone
                ray.kill(worker.actor)
        if self._uses_scratch:
            remove_scratch(self._scratch)

    @_cluster_errors()
    def events(self, timeout: float) -> list[Event]:
        """The messages of the workers, and the end of tasks whose workers died; see `schedule.Pool`."""
        by_answer = {each.answer: each for each in self._workers if each.answer is not None}
        over, _ = ray.wait(list(by_answer), timeout=timeout) if by_answer else ([], [])
        found: list[Event] = []
        for answer in over:
            worker = by_answer[answer]
            try:
                message = ray.get(answer)
            except RayActorError as error:
                found += self._replace(worker, f"died ({one_line(str(error)).partition('.')[0]})")
            except RayTaskError as error:  # only `open` raises, where cgan itself is broken
                raise BackendUnavailable(f"a worker cannot begin ({one_line(str(error.cause))})") from None
            else:
                worker.answer, worker.progress = None, None
                found += self._handle(worker, message)
        found += self._ask_progress()
        return found + self._replace_hung()

    def _start(self) -> _ActorState:
        actor = self._class.remote(self._options, self._scratch)
        return _ActorState(actor, actor.open.remote())

    def _end(self, worker: _ActorState) -> None:
        with suppress(RayError):
            ray.kill(worker.actor)

    def _ask_progress(self) -> list[Event]:
        """The progress that workers have reported; asks them again."""
        now, found = time.monotonic(), list[Event]()
        pause = max(_ASK_SECONDS, self.count / _ASKED_PER_SECOND)
        for worker in self._workers:
            if worker.task is None:
                continue
            if worker.progress is None and now - worker.asked >= pause:
                worker.progress, worker.asked = worker.actor.progress.remote(), now
            elif worker.progress is not None and ray.wait([worker.progress], timeout=0)[0]:
                with suppress(RayError):  # it has died, which its answer will show
                    signs, *progress = ray.get(worker.progress)
                    found += self._handle(worker, tuple(progress))
                    if signs != worker.signs:
                        worker.signs, worker.heard = signs, now
                worker.progress = None
        return found


@contextmanager
def ray_pool(options: RunOptions, batch: BatchOptions, work: int) -> Iterator[RayPool]:
    """Workers on the cluster of the options; everything that was started has ended after the block.

    A ConfigError says that there is no such cluster, or that no machine of it has room for a worker.
    """
    scratch = f"{PREFIX}{os.getpid()}-{time.time_ns():x}"
    model = replace(options.model, threads=options.model.threads or batch.cpus_per_task)
    if model.model is not None:
        model = replace(model, model=_absolute(model.model))
    with joined(batch.cluster or AUTO) as alone:
        if not alone and model.precision == "auto":  # all machines must compute alike
            model = replace(model, precision="fp32")
        count = min(batch.jobs or room(batch), work * MAX_PARTS)
        with closing(RayPool(replace(options, model=model), batch, count, scratch)) as pool:
            yield pool


def _absolute(path: Path) -> Path:
    """The path from any folder."""
    return path if is_remote(path) else path.absolute()
