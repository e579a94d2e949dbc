"""Tasks for workers, and their answers; both travel between processes and machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cgan_runtime.pipeline.parts import Part, PartPlan
from cgan_runtime.pipeline.results import ImageResult, VideoResult

# Color an image; color a video, or put its parts together; plan the parts of a video; color one part.
TaskKind = Literal["image", "video", "plan", "part"]
TaskResult: TypeAlias = "VideoResult | ImageResult | PartPlan | int"  # int: colored frames of a part


@dataclass(frozen=True)
class Task:
    """One thing to do."""

    item: int  # its index in the batch
    kind: TaskKind
    source: Path
    target: Path
    part: Part | None = None  # for a task of that kind
    overwrite: bool = False
    resume: bool = False  # go on with what is kept of the video


@dataclass(frozen=True)
class Answer:
    """The result of a task, or why there is none."""

    result: TaskResult | None = None
    error: str = ""  # one line
    final: bool = False  # cgan refused the input; else the worker died, or met an unexpected error
    trace: str = ""  # the traceback of an unexpected error


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
