"""An archive in simulated time: the real scheduler with workers that only take time, and fail."""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_runtime.batch.schedule import Item, Schedule
from cgan_runtime.batch.tasks import Answer, Event, Finished, Progressed, Task
from cgan_runtime.pipeline.parts import Part, PartPlan, divide
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.video.segments import SEGMENT_FRAMES

FRAMES_PER_SECOND = 25
MEDIAN_MINUTES, SPREAD = 12.0, 0.9  # of the videos' lengths: log-normal, from a minute to hours
SCENE_FRAMES = 110  # between cuts, on average; exponential
LIFE_SECONDS = 4 * 3600.0  # of a worker, on average; exponential, as on preemptible machines
RESTART_SECONDS = 30.0  # until a new worker has its model
POISONED = 3  # videos that kill every worker that colors them
TRIES = 3


@dataclass(frozen=True)
class Costs:
    """Seconds of one worker for a frame: to color it, to search it for cuts, to join it, to decode it."""

    color: float
    plan: float
    join: float
    decode: float


class SimulatedPool:
    """Workers in simulated time: `now` is in seconds; `made` counts how often each part was finished."""

    description = "simulated"

    def __init__(self, lengths: list[int], workers: int, costs: Costs, dice: random.Random) -> None:
        self.count, self.lost = workers, 0
        self.now = 0.0
        self.made: Counter[tuple[int, Part | None]] = Counter()
        self._lengths, self._costs, self._dice = lengths, costs, dice
        self._plans = [self._plan(length) for length in lengths]
        self._divided: set[int] = set()
        self._kept: dict[tuple[int, Part | None], int] = {}
        self._free = [self._death() for _ in range(workers)]  # when each free worker will die
        # End, number, task, begin, and death of the worker.
        self._running: list[tuple[float, int, Task | None, float, float]] = []
        self._number = 0

    def idle(self) -> int:
        """Workers without a task."""
        return len(self._free)

    def give(self, task: Task) -> None:
        """Start a task on a worker."""
        death = self._free.pop()
        while death < self.now:  # it died while idle, and was replaced
            death = self._death()
        end = self.now + self._duration(task)
        if task.item < POISONED and task.kind != "plan":
            death = min(death, (self.now + end) / 2)
        self._push(min(end, death), task, death)

    def events(self, timeout: float) -> list[Event]:
        """The next events."""
        self.now, _, task, begun, death = heapq.heappop(self._running)
        if task is None:  # a new worker is ready
            self._free.append(self._death())
            return []
        if self.now == death:
            self.lost += 1
            self._push(self.now + RESTART_SECONDS, None, 0.0)
            kept = self._keep(task, self.now - begun)
            return [Progressed(task, kept, None), Finished(task, Answer(error="its worker died"))]
        self._free.append(death)
        if task.kind != "plan":
            self.made[task.item, task.part] += 1
        return [Finished(task, self._answer(task))]

    def _push(self, end: float, task: Task | None, death: float) -> None:
        self._number += 1
        heapq.heappush(self._running, (end, self._number, task, self.now, death))

    def _death(self) -> float:
        return self.now + self._dice.expovariate(1 / LIFE_SECONDS)

    def _plan(self, frames: int) -> PartPlan:
        starts = [0]
        while starts[-1] < frames:
            starts.append(starts[-1] + max(6, round(self._dice.expovariate(1 / SCENE_FRAMES))))
        return PartPlan(frames, tuple(divide(frames, starts[:-1])))

    def _duration(self, task: Task) -> float:
        """Seconds of a task, from where the last try stopped."""
        frames, costs = self._lengths[task.item], self._costs
        if task.kind == "plan":
            return frames * costs.plan
        if task.part is None and self._is_divided(task):
            return frames * costs.join
        first, end, warm_from = self._frames_of(task)
        if kept := self._kept.get((task.item, task.part)):
            first, warm_from = first + kept, first + kept
        return warm_from * costs.decode + (end - warm_from) * costs.color

    def _keep(self, task: Task, seconds: float) -> int:
        """Frames of a task that are kept when its worker dies: whole segments."""
        key = task.item, task.part
        if task.kind == "plan" or (task.part is None and self._is_divided(task)) or task.item < POISONED:
            return 0
        first, end, warm_from = self._frames_of(task)
        begun = first + self._kept[key] if self._kept.get(key) else warm_from
        reached = begun + max(0.0, seconds - begun * self._costs.decode) / self._costs.color
        done = int(min(reached, end) - first) // SEGMENT_FRAMES * SEGMENT_FRAMES
        self._kept[key] = max(done, self._kept.get(key, 0))
        return self._kept[key]

    def _frames_of(self, task: Task) -> tuple[int, int, int]:
        """A task's first frame, the one after its last, and the first that it decodes to warm up."""
        frames = self._lengths[task.item]
        if task.part is None:
            return 0, frames, 0
        end = min(frames, task.part.end * SEGMENT_FRAMES)
        return task.part.first * SEGMENT_FRAMES, end, task.part.warm_from

    def _is_divided(self, task: Task) -> bool:
        return task.item in self._divided and len(self._plans[task.item].parts) > 1

    def _answer(self, task: Task) -> Answer:
        if task.kind == "plan":
            self._divided.add(task.item)
            return Answer(self._plans[task.item])
        first, end, _ = self._frames_of(task)
        if task.part is not None:
            return Answer(end - first)
        kept = end if self._is_divided(task) else 0
        return Answer(VideoResult(Path("out"), 0, 0, 0, end, 1.0, "simulated", kept_frames=kept))


def simulate(videos: int, workers: int, costs: Costs, *, seed: int = 0) -> dict[str, Any]:
    """Color an archive in simulated time; `efficiency` is the share of all workers' time that colored."""
    dice = random.Random(seed)
    minutes = [dice.lognormvariate(0, SPREAD) * MEDIAN_MINUTES for _ in range(videos)]
    lengths = [max(FRAMES_PER_SECOND, round(each * 60 * FRAMES_PER_SECOND)) for each in minutes]
    pool = SimulatedPool(lengths, workers, costs, dice)
    items = [
        Item(str(number), Path(str(number)), Path("out") / str(number), image=False, size=length)
        for number, length in enumerate(lengths)
    ]
    schedule = Schedule(items, lambda item: None, tries=TRIES)
    began = time.perf_counter()
    schedule.run(pool)
    spent = time.perf_counter() - began
    frames = sum(item.frames for item in items)
    useful = frames * costs.color
    return {
        "videos": videos,
        "workers": workers,
        "hours_of_video": round(sum(lengths) / FRAMES_PER_SECOND / 3600, 1),
        "divided": len({item for item, part in pool.made if part is not None}),
        "done": sum(item.state == "done" for item in items),
        "failed": sum(item.state == "failed" for item in items),
        "poisoned": POISONED,
        "workers_lost": pool.lost,
        "made_twice": sum(times - 1 for times in pool.made.values()),
        "hours": round(pool.now / 3600, 2),
        "hours_ideal": round(useful / workers / 3600, 2),
        "efficiency": round(useful / (workers * pool.now), 4),
        "tasks": sum(pool.made.values()) + videos,
        "scheduler_ms_per_task": round(spent * 1000 / (sum(pool.made.values()) + videos), 4),
    }
