"""Workers on a cluster, by Ray: actors with a model each, wherever there is room.

with cluster(options, archive_options, work=1000) as pool: ...

Every machine of the cluster has cgan installed and reaches the videos and results by the same path or URL.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault(
    "RAY_ENABLE_AUTO_CONNECT", "0"
)  # else it starts a Ray of its own when the cluster is gone

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from cgan_runtime.batch.process_pool import Watch, Watched, how_long_it_hung
from cgan_runtime.batch.ray.cluster import joined, room, sweep
from cgan_runtime.batch.scratch import PREFIX, claim
from cgan_runtime.batch.tasks import Answer, Ended, Event, Moved, Task
from cgan_runtime.batch.worker import Worker
from cgan_runtime.console import one_line
from cgan_runtime.errors import BackendUnavailable, CganError
from cgan_runtime.files.storage import is_remote
from cgan_runtime.options.batch import AUTO, BatchOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.parts import MAX_PARTS

_ASK_SECONDS = 1.0  # between two questions to a worker on how far it is, at least
_ASKED_PER_SECOND = 100  # workers, at most: one driver has to hear them all
_STILLBORN = 3  # workers in a row that die before they have a model; then there is no point in more


class Actor:
    """A worker as Ray runs it; its model lives in the one thread that works."""

    def __init__(self, options: RunOptions, scratch: str) -> None:
        self._scratch = Path(tempfile.gettempdir()) / scratch
        self._worker, self._claimed = Worker(options, self._scratch), False
        self._moved: tuple[int, int | None] = 0, None
        self._signs = 0

    @ray.method(concurrency_group="work")
    def open(self) -> str | CganError:
        """Load the model; what runs it, or why nothing can.

        It is not raised: Ray prints an error that nobody has asked for when the pool has ended by another's.
        """
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
            return self._worker.run(task, self._move)
        finally:
            self._moved = 0, None  # whoever asks next means the next task

    def moved(self) -> tuple[int, int, int | None]:
        """How often there was a sign of getting on, and how far the task is."""
        return self._signs, *self._moved

    def _move(self, done: int, total: int | None) -> None:
        self._moved = done, total
        self._signs += 1


@dataclass
class _Handle(Watched):
    actor: Any
    answer: Any  # reference to what `open` or `run` will return; None while it waits for a task
    moved: Any = None  # reference to what `moved` will return
    asked: float = 0.0
    signs: int = 0  # of getting on, that it has given


class Actors:
    """A pool of Ray actors.

    Attributes:
        description: What runs the model, once a worker has it.
        count: Of workers.
        lost: Workers that have died.
        uses_scratch: Something was made locally first; a killed worker may have left it.
    """

    def __init__(self, options: RunOptions, archive: BatchOptions, count: int, scratch: str) -> None:
        """Ask for them; use `cluster`."""
        self.description, self.count, self.lost = "", count, 0
        self.uses_scratch = False
        self._stillborn, self._watch = 0, Watch()
        self._options, self._scratch = options, scratch
        remote: Any = ray.remote  # its types know no concurrency groups
        self._class = remote(
            num_cpus=archive.cpus_per_task,
            num_gpus=archive.gpus_per_task,
            max_restarts=0,
            concurrency_groups={"work": 1},
        )(Actor)
        self._workers = [self._start() for _ in range(count)]

    def idle(self) -> int:
        """Workers that have a model and no task."""
        return sum(each.answer is None for each in self._workers)

    def give(self, task: Task) -> None:
        """Send a task to a worker."""
        worker = next(each for each in self._workers if each.answer is None)
        task = replace(task, source=_everywhere(task.source), target=_everywhere(task.target))
        with _annotate_if_gone():
            worker.task, worker.answer, worker.heard = task, worker.actor.run.remote(task), time.monotonic()
        self.uses_scratch |= is_remote(task.target)

    def events(self, timeout: float) -> list[Event]:
        """What the workers say, the dead included.

        Raises:
            CganError: No worker can load the model, or the cluster is gone.
        """
        with _annotate_if_gone():
            return self._events(timeout)

    def close(self) -> None:
        """Stop all of them."""
        for worker in self._workers:
            with suppress(Exception):  # whatever Ray raises: the cluster may be gone
                ray.kill(worker.actor)

    def _events(self, timeout: float) -> list[Event]:
        by_answer = {each.answer: each for each in self._workers if each.answer is not None}
        over, _ = ray.wait(list(by_answer), timeout=timeout) if by_answer else ([], [])
        found: list[Event] = []
        for answer in over:
            worker = by_answer[answer]
            try:
                found += self._heard(worker, ray.get(answer))
            except RayActorError as error:
                found += self._dead(worker, f"died ({one_line(str(error)).partition('.')[0]})")
            except RayTaskError as error:  # only `open` raises, where cgan itself is broken
                raise BackendUnavailable(f"a worker cannot begin ({one_line(str(error.cause))})") from None
        found += self._moves()
        for worker in self._watch.hung(self._workers):
            found += self._dead(worker, how_long_it_hung())
        return found

    def _start(self) -> _Handle:
        actor = self._class.remote(self._options, self._scratch)
        return _Handle(actor, actor.open.remote())

    def _heard(self, worker: _Handle, said: str | CganError | Answer) -> list[Event]:
        if isinstance(said, CganError):
            raise said
        worker.answer, worker.moved = None, None
        if isinstance(said, str):
            self.description, self._stillborn = said, 0
            return []
        assert worker.task is not None
        task, worker.task = worker.task, None
        return [Ended(task, said)]

    def _dead(self, worker: _Handle, how: str) -> list[Event]:
        self.lost += 1
        self._stillborn += worker.task is None
        if self._stillborn >= _STILLBORN:
            raise BackendUnavailable(
                f"workers of the cluster end while they load the model: the last {how}; "
                "is cgan installed on every machine of it?"
            )
        with suppress(RayError):
            ray.kill(worker.actor)
        self._workers[self._workers.index(worker)] = self._start()
        return [] if worker.task is None else [Ended(worker.task, Answer(error=f"its worker {how}"))]

    def _moves(self) -> list[Event]:
        """How far the tasks are, as far as workers have said by now."""
        now, found = time.monotonic(), list[Event]()
        pause = max(_ASK_SECONDS, self.count / _ASKED_PER_SECOND)
        for worker in self._workers:
            if worker.task is None:
                continue
            if worker.moved is None and now - worker.asked >= pause:
                worker.moved, worker.asked = worker.actor.moved.remote(), now
            elif worker.moved is not None and ray.wait([worker.moved], timeout=0)[0]:
                with suppress(RayError):  # it has died, which its answer will show
                    signs, *moved = ray.get(worker.moved)
                    found.append(Moved(worker.task, *moved))
                    if signs != worker.signs:
                        worker.signs, worker.heard = signs, now
                worker.moved = None
        return found


@contextmanager
def _annotate_if_gone() -> Iterator[None]:
    """Make one error of the many that Ray and gRPC raise when there is no cluster any more."""
    try:
        yield
    except CganError:
        raise
    except Exception as error:
        raise BackendUnavailable(
            f"the Ray cluster is gone ({type(error).__name__}); the same command with --resume goes on"
        ) from error


@contextmanager
def cluster(options: RunOptions, archive: BatchOptions, work: int) -> Iterator[Actors]:
    """Workers on the cluster that is asked for; what was started here has ended when this ends.

    Raises:
        ConfigError: There is no such cluster, or no machine of it has room for a worker.
    """
    scratch = f"{PREFIX}{os.getpid()}-{time.time_ns():x}"
    threads = options.model.threads or archive.cpus_per_task
    model = replace(options.model, threads=threads)
    if model.model is not None:
        model = replace(model, model=_everywhere(model.model))
    with joined(archive.cluster or AUTO) as alone:
        if not alone and model.precision == "auto":  # machines compute alike, whatever each could do
            model = replace(model, precision="fp32")
        count = min(archive.jobs or room(archive), work * MAX_PARTS)
        pool = Actors(replace(options, model=model), archive, count, scratch)
        try:
            yield pool
        finally:
            pool.close()
            if pool.uses_scratch:
                sweep(scratch)


def _everywhere(path: Path) -> Path:
    """The path from whatever folder one stands in."""
    return path if is_remote(path) else path.absolute()
