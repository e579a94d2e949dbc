"""The schedule of a batch: items become tasks, answers become results or further tasks.

    schedule = Schedule(items, on_change, tries=3)
    schedule.run(pool)

It knows neither processes nor networks, only a `Pool`, and opens no video.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from cgan_runtime.batch.tasks import Answer, Event, Progressed, Task, TaskKind
from cgan_runtime.pipeline.parts import Part, PartPlan
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.video.segments import SEGMENT_FRAMES

State = Literal["waiting", "done", "skipped", "failed"]

DIVIDED_FROM = 0.5  # a video above this fraction of a worker's fair share of all bytes is divided into parts
POLL_SECONDS = 0.25  # how long to wait for an event before the bar is updated


class Pool(Protocol):
    """Workers. One that dies is replaced; its task ends with an error that is not final."""

    description: str  # what runs the model, for people; empty until a worker has loaded it
    count: int  # workers there are
    lost: int  # workers that have died

    def idle(self) -> int:
        """Number of workers that wait for a task."""

    def give(self, task: Task) -> None:
        """Give a task to a worker that waits for one."""

    def events(self, timeout: float) -> Sequence[Event]:
        """The events since the last call; waits up to `timeout` seconds for one.

        A CganError says that no worker can load the model, or that the cluster is gone.
        """


@dataclass
class Item:
    """One input of a batch, and its result."""

    name: str  # for people: the path in the input folder
    source: Path
    target: Path
    image: bool
    size: int = 0  # of the source, bytes
    state: State = "waiting"
    error: str = ""  # why it failed
    note: str = ""  # why it was skipped, if not because its result is there
    trace: str = ""  # the traceback of an unexpected error
    tries: int = 0  # of the task that was tried most often
    result: VideoResult | ImageResult | None = None
    frames: int = 0  # colored by this run
    fraction: float = 0.0  # how much of it is done, 0 to 1


ItemCallback: TypeAlias = "Callable[[Item | None], None]"  # an item that has ended; None: time has passed
_Key: TypeAlias = "tuple[int, str, Part | None]"  # of a task: item, kind, part


class Schedule:
    """The work on a batch; items that are not "waiting" are left alone."""

    def __init__(
        self, items: list[Item], on_change: ItemCallback, *, tries: int, overwrite: bool = False, resume: bool = False
    ) -> None:
        """Begin nothing yet; a video fails after `tries` workers died at a task of it without progress."""
        self.items = items
        self._on_change, self._tries, self._overwrite, self._resume = on_change, tries, overwrite, resume
        self._ready: list[tuple[int, int, Task]] = []  # a heap: priority, age
        self._count = itertools.count()
        self._running = 0
        self._began: dict[int, float] = {}  # when the work on an item began
        self._tried: Counter[_Key] = Counter()
        self._reached: dict[_Key, int] = {}  # frames of the best try
        self._missing: dict[int, int] = {}  # unfinished parts of a divided video
        self._totals: dict[int, int] = {}  # frames of a video
        self._done: dict[int, dict[Part | None, int]] = defaultdict(dict)  # frames of a video, by part

    @property
    def frames(self) -> int:
        """Frames of all videos that are colored so far."""
        return sum(sum(frames.values()) for frames in self._done.values())

    def run(self, pool: Pool) -> None:
        """Do everything that waits; errors as of `Pool.events`."""
        self._begin(pool.count)
        while self._ready or self._running:
            while self._ready and pool.idle():
                task = heapq.heappop(self._ready)[-1]
                if self.items[task.item].state == "waiting":  # else it has failed meanwhile
                    self._began.setdefault(task.item, time.monotonic())
                    self._running += 1
                    pool.give(task)
            for event in pool.events(POLL_SECONDS):
                self.handle(event)
            self._on_change(None)

    def handle(self, event: Event) -> None:
        """Take an event of a worker into account."""
        if isinstance(event, Progressed):
            self._progress(event.task, event.done, event.total)
            return
        self._running -= 1
        if self.items[event.task.item].state == "waiting":  # else its item has failed meanwhile
            self._end(event.task, event.answer)

    def _begin(self, workers: int) -> None:
        """Queue the first tasks, the largest first, since a long video must not begin last.

        Only a video that others would wait for is divided, since each part reads it once more.
        """
        waiting = [number for number, item in enumerate(self.items) if item.state == "waiting"]
        fair_share = sum(self.items[number].size for number in waiting) / workers
        if workers > 1:
            waiting.sort(key=lambda number: -self.items[number].size)
        for number in waiting:
            item = self.items[number]
            divided = workers > 1 and item.size > fair_share * DIVIDED_FROM
            kind: TaskKind = "image" if item.image else "plan" if divided else "video"
            self._add(Task(number, kind, item.source, item.target, None, self._overwrite, self._resume))

    def _add(self, task: Task, *, begun: bool = False) -> None:
        """Queue a task; tasks of videos that were begun come first."""
        heapq.heappush(self._ready, (0 if begun else 1, next(self._count), task))

    def _progress(self, task: Task, done: int, total: int | None) -> None:
        item = self.items[task.item]
        if task.kind not in ("video", "part") or (task.part is None and task.item in self._missing):
            return  # it colors no frame, or puts together a video whose frames are counted already
        frames = self._done[task.item]
        frames[task.part] = max(done, frames.get(task.part, 0))
        if total := self._totals.get(task.item) or total:
            item.fraction = max(item.fraction, min(1.0, sum(frames.values()) / total))

    def _end(self, task: Task, answer: Answer) -> None:
        item = self.items[task.item]
        if answer.error:
            self._fail(task, answer)
        elif isinstance(answer.result, PartPlan):
            self._plan(task, answer.result)
        elif isinstance(answer.result, int):
            item.frames += answer.result
            self._missing[task.item] -= 1
            if not self._missing[task.item]:
                self._add(replace(task, kind="video", part=None), begun=True)
        elif answer.result is not None:
            result = answer.result
            if isinstance(result, VideoResult):
                item.frames += result.frames - result.kept_frames
                result = replace(
                    result,
                    kept_frames=max(0, result.frames - item.frames),
                    seconds=time.monotonic() - self._began[task.item],
                )
            item.result, item.state, item.fraction = result, "done", 1.0
            self._on_change(item)

    def _plan(self, task: Task, plan: PartPlan) -> None:
        """Queue the parts of a planned video; they go on with the work that the plan has begun."""
        self._totals[task.item] = plan.frames
        if len(plan.parts) == 1:
            self._add(replace(task, kind="video", resume=True), begun=True)
            return
        self._missing[task.item] = len(plan.parts)
        for part in plan.parts:
            self._add(replace(task, kind="part", part=part, resume=True), begun=True)

    def _fail(self, task: Task, answer: Answer) -> None:
        item, key = self.items[task.item], (task.item, task.kind, task.part)
        reached = self._done[task.item].get(task.part, 0)
        if reached >= self._reached.get(key, 0) + SEGMENT_FRAMES:  # the video made progress
            self._reached[key], self._tried[key] = reached, 0
        self._tried[key] += 1
        item.tries = max(item.tries, self._tried[key])
        if answer.final or self._tried[key] >= self._tries:
            item.state, item.error, item.trace = "failed", answer.error, answer.trace
            self._on_change(item)
        else:
            self._add(replace(task, resume=True), begun=True)  # with what is kept
