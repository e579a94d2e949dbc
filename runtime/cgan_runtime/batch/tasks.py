"""Tasks for workers, and their answers; both travel between processes and machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cgan_runtime.pipeline.parts import Part, PartPlan
from cgan_runtime.pipeline.results import ImageResult, VideoResult

TaskKind = Literal["image", "video", "plan", "part"]
"""Color an image; color a video, or put its parts together; plan the parts of a video; color one part."""

TaskResult: TypeAlias = "VideoResult | ImageResult | PartPlan | int"
"""By kind; of a part the number of colored frames."""


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        item: Index of the item in the batch.
        kind: What to do.
        source: The video or image.
        target: Its result.
        part: The part, for a task of that kind.
        overwrite: Allow the result to exist.
        resume: Go on with what is kept of the video.
    """

    item: int
    kind: TaskKind
    source: Path
    target: Path
    part: Part | None = None
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True)
class Answer:
    """The result of a task, or why there is none.

    Attributes:
        result: None if the task failed.
        error: Why it failed, on one line.
        final: It would fail again, since cgan refused the input. Else the worker died, or met an unexpected
            error.
        trace: The traceback of an unexpected error.
    """

    result: TaskResult | None = None
    error: str = ""
    final: bool = False
    trace: str = ""


@dataclass(frozen=True)
class Finished:
    """A task has ended, well or not."""

    task: Task
    answer: Answer


@dataclass(frozen=True)
class Progressed:
    """A task goes on: so many frames are done, of so many (None: unknown)."""

    task: Task
    done: int
    total: int | None


Event: TypeAlias = "Finished | Progressed"
