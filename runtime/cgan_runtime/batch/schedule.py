"""Who does what next: an archive's sources become tasks, answers become results or further tasks.

    schedule = Schedule(items, tries=3)
    schedule.run(pool, tell)

It knows neither processes nor networks, only a `Pool`, and touches no video.
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

from cgan_runtime.batch.tasks import Answer, Event, Kind, Moved, Task
from cgan_runtime.pipeline.parts import Part, Plan
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.video.segments import SEGMENT_FRAMES

State = Literal["waiting", "done", "skipped", "failed"]

DIVIDED_FROM = 0.5
"""Of a worker's fair share of all bytes: a video that is larger is made in parts."""

POLL_SECONDS = 0.25
"""How long to wait for something to happen before the bar moves on."""


class Pool(Protocol):
    """Workers. One that dies is replaced, and what it was doing ends with an error that is not final.

    Attributes:
        description: What runs the model, for people; empty until a worker has it.
        count: How many workers there are.
        lost: How many have died.
    """

    description: str
    count: int
    lost: int

    def idle(self) -> int:
        """How many workers wait for a task."""

    def give(self, task: Task) -> None:
        """Hand a task to a worker that waits for one."""

    def events(self, timeout: float) -> Sequence[Event]:
        """What has happened since; waits up to `timeout` seconds for something.

        Raises:
            CganError: No worker can be had.
        """


@dataclass
class Item:
    """One source of an archive, and what becomes of it.

    Attributes:
        name: For people: relative to the archive.
        source: The video or image.
        target: Its result.
        still: It is an image.
        size: Of the source, in bytes.
        state: What became of it.
        error: Why it failed.
        trace: Where, if that was not foreseen.
        tries: Of the task that was tried most often.
        result: If it is done.
        frames: Colored by this run.
        part: How much of it is done, 0 to 1.
    """

    name: str
    source: Path
    target: Path
    image: bool
    size: int = 0
    state: State = "waiting"
    error: str = ""
    trace: str = ""
    tries: int = 0
    result: VideoResult | ImageResult | None = None
    frames: int = 0
    part: float = 0.0


Tell: TypeAlias = "Callable[[Item | None], None]"
_Key: TypeAlias = "tuple[int, str, Part | None]"


class Schedule:
    """The work on an archive.

    Attributes:
        items: Its sources; what is not "waiting" is left alone.
    """

    def __init__(
        self,
        items: list[Item],
        tell: Tell,
        *,
        tries: int,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        """Begin nothing yet.

        Args:
            items: Sources.
            tell: Told of each item that is done or has failed, and with None that time has passed.
            tries: After so many workers that died over a task without getting on, its video is given up.
            overwrite: Results may exist.
            resume: Go on with what is kept.
        """
        self.items = items
        self._tell, self._tries, self._overwrite, self._resume = tell, tries, overwrite, resume
        self._ready: list[tuple[int, int, Task]] = []  # a heap: how urgent, how old
        self._count = itertools.count()
        self._running = 0
        self._began: dict[int, float] = {}  # when work on an item did
        self._tried: Counter[_Key] = Counter()
        self._reached: dict[_Key, int] = {}  # frames that the best try has come to
        self._missing: dict[int, int] = {}  # parts of a divided video that are not made yet
        self._totals: dict[int, int] = {}  # frames of a video
        self._moved: dict[int, dict[Part | None, int]] = defaultdict(dict)  # frames of a video, by part

    @property
    def frames(self) -> int:
        """Of all videos, colored so far."""
        return sum(sum(frames.values()) for frames in self._moved.values())

    def run(self, pool: Pool) -> None:
        """Do all that waits.

        Raises:
            CganError: The pool can have no workers any more.
        """
        self._begin(pool.count)
        while self._ready or self._running:
            while self._ready and pool.idle():
                task = heapq.heappop(self._ready)[-1]
                if self.items[task.item].state == "waiting":  # else it was given up meanwhile
                    self._began.setdefault(task.item, time.monotonic())
                    self._running += 1
                    pool.give(task)
            for event in pool.events(POLL_SECONDS):
                self.hear(event)
            self._tell(None)

    def hear(self, event: Event) -> None:
        """Take note of what has happened."""
        if isinstance(event, Moved):
            self._move(event.task, event.done, event.total)
            return
        self._running -= 1
        if self.items[event.task.item].state == "waiting":  # else what it was for was given up meanwhile
            self._end(event.task, event.answer)

    def _begin(self, workers: int) -> None:
        """Line up the first tasks, the longest first: what is long must not begin last.

        A video is divided where it is so long that others would wait for it: dividing costs readings.
        """
        waiting = [number for number, item in enumerate(self.items) if item.state == "waiting"]
        fair_share = sum(self.items[number].size for number in waiting) / workers
        if workers > 1:
            waiting.sort(key=lambda number: -self.items[number].size)
        for number in waiting:
            item = self.items[number]
            divided = workers > 1 and item.size > fair_share * DIVIDED_FROM
            kind: Kind = "still" if item.image else "plan" if divided else "video"
            self._add(
                Task(
                    number,
                    kind,
                    item.source,
                    item.target,
                    overwrite=self._overwrite,
                    resume=self._resume,
                )
            )

    def _add(self, task: Task, *, begun: bool = False) -> None:
        """Let a task wait its turn: a video that was begun is brought to its end first."""
        heapq.heappush(self._ready, (0 if begun else 1, next(self._count), task))

    def _move(self, task: Task, done: int, total: int | None) -> None:
        item = self.items[task.item]
        if task.kind not in ("video", "part") or (task.part is None and task.item in self._missing):
            return  # colors no frame, or puts together a video whose frames are counted already
        frames = self._moved[task.item]
        frames[task.part] = max(done, frames.get(task.part, 0))
        if total := self._totals.get(task.item) or total:
            item.part = max(item.part, min(1.0, sum(frames.values()) / total))

    def _end(self, task: Task, answer: Answer) -> None:
        item = self.items[task.item]
        if answer.error:
            self._fail(task, answer)
        elif isinstance(answer.result, Plan):
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
            item.result, item.state, item.part = result, "done", 1.0
            self._tell(item)

    def _plan(self, task: Task, plan: Plan) -> None:
        """Make a video whose cuts are known; its work has been begun, so what follows goes on with that."""
        self._totals[task.item] = plan.frames
        if len(plan.parts) == 1:
            self._add(replace(task, kind="video", resume=True), begun=True)
            return
        self._missing[task.item] = len(plan.parts)
        for part in plan.parts:
            self._add(replace(task, kind="part", part=part, resume=True), begun=True)

    def _fail(self, task: Task, answer: Answer) -> None:
        item, key = self.items[task.item], (task.item, task.kind, task.part)
        reached = self._moved[task.item].get(task.part, 0)
        if reached >= self._reached.get(key, 0) + SEGMENT_FRAMES:  # not the video's fault: it got on
            self._reached[key], self._tried[key] = reached, 0
        self._tried[key] += 1
        item.tries = max(item.tries, self._tried[key])
        if answer.final or self._tried[key] >= self._tries:
            item.state, item.error, item.trace = "failed", answer.error, answer.trace
            self._tell(item)
        else:
            self._add(replace(task, resume=True), begun=True)  # with what was made before it failed
