"""What pools of workers share: they replace workers that die or hang, and stop when none can start."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cgan_runtime.batch.tasks import Answer, Event, Finished, Progressed, Task
from cgan_runtime.errors import BackendUnavailable, CganError

HUNG_SECONDS = 900.0  # a worker without a sign of progress for so long counts as dead, and is ended
_MAX_FAILED_STARTS = 3  # workers in a row that die before they have loaded a model


@dataclass(kw_only=True)
class WorkerState:
    """A worker as its pool sees it."""

    ready: bool = False  # it has loaded a model
    task: Task | None = None
    heard: float = 0.0  # when it last gave a sign of progress, `time.monotonic`


StateType = TypeVar("StateType", bound=WorkerState)


class Watchdog:
    """Finds workers that hang."""

    def __init__(self) -> None:
        self._looked = time.monotonic()

    def hung(self, workers: Sequence[StateType]) -> list[StateType]:
        """Workers without a sign of progress for too long; to be called again and again."""
        now = time.monotonic()
        if now - self._looked > HUNG_SECONDS / 2:  # this process itself was stopped, by Ctrl-Z for example
            for each in workers:
                each.heard = now
        self._looked = now
        return [each for each in workers if each.task is not None and now - each.heard > HUNG_SECONDS]


class WorkerPool(ABC, Generic[StateType]):
    """A pool of workers outside of this process; see `schedule.Pool`."""

    start_error = "workers die while they load the model ({reason})"

    def __init__(self, count: int) -> None:
        self.description, self.count, self.lost = "", count, 0
        self._failed_starts = 0
        self._watchdog = Watchdog()
        self._workers = [self._start() for _ in range(count)]

    def idle(self) -> int:
        """Workers that have a model and no task."""
        return sum(each.ready and each.task is None for each in self._workers)

    @abstractmethod
    def _start(self) -> StateType:
        """Start a worker."""

    @abstractmethod
    def _end(self, worker: StateType) -> None:
        """End a worker that is dead or hangs."""

    def _assign(self, task: Task) -> StateType:
        """The worker that is to do a task."""
        worker = next(each for each in self._workers if each.ready and each.task is None)
        worker.task, worker.heard = task, time.monotonic()
        return worker

    def _handle(self, worker: StateType, message: object) -> list[Event]:
        """Take a message of a worker: a description, an error, an answer, or (done, total)."""
        if isinstance(message, CganError):  # it cannot load the model, so none can
            raise message
        if isinstance(message, str):
            self.description, worker.ready, self._failed_starts = message, True, 0
        elif isinstance(message, Answer) and worker.task is not None:
            task, worker.task = worker.task, None
            return [Finished(task, message)]
        elif isinstance(message, tuple) and worker.task is not None:
            return [Progressed(worker.task, *message)]
        return []

    def _replace(self, worker: StateType, reason: str) -> list[Event]:
        """Replace a worker that has died, for a reason such as "was killed"; its task has failed."""
        self._end(worker)
        self.lost += 1
        self._failed_starts += not worker.ready
        if self._failed_starts >= _MAX_FAILED_STARTS:
            raise BackendUnavailable(self.start_error.format(reason=reason))
        self._workers[self._workers.index(worker)] = self._start()
        return [] if worker.task is None else [Finished(worker.task, Answer(error=f"its worker {reason}"))]

    def _replace_hung(self) -> list[Event]:
        reason = f"hung: it made no progress for {HUNG_SECONDS / 60:g} minutes"
        return [event for worker in self._watchdog.hung(self._workers) for event in self._replace(worker, reason)]
