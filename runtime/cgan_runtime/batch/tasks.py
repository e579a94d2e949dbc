"""What is asked of a worker, and what it answers; both travel between processes and machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cgan_runtime.pipeline.parts import Part, Plan
from cgan_runtime.pipeline.results import ImageResult, VideoResult

Kind = Literal["still", "video", "plan", "part"]
"""An image; a video, of which what is done is kept; how to divide a video; one part of it."""

Result: TypeAlias = "VideoResult | ImageResult | Plan | int"


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        item: Which of the archive's sources it is for, by its place in the list.
        kind: What is to be done.
        source: The video or image.
        target: Its result.
        part: Of the video, for a task of that kind.
        overwrite: The result may exist.
        resume: Go on with what is kept of the video.
    """

    item: int
    kind: Kind
    source: Path
    target: Path
    part: Part | None = None
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes:
        result: Of the task, or None if it failed: `ImageResult`, `VideoResult`, `Plan`, or frames of a part.
        error: Why it failed, on one line.
        final: It would fail again: cgan has refused the video. Else the worker died, or met with what it
            did not foresee.
        trace: Where, for what was not foreseen.
    """

    result: Result | None = None
    error: str = ""
    final: bool = False
    trace: str = ""


@dataclass(frozen=True)
class Ended:
    """A task is over."""

    task: Task
    answer: Answer


@dataclass(frozen=True)
class Moved:
    """A task goes on: so many frames are done, of so many (None where unknown)."""

    task: Task
    done: int
    total: int | None


Event: TypeAlias = "Ended | Moved"
