"""What a worker does: one model, one task after another, whatever process or machine it lives in.

with Worker(options, scratch) as worker:
    print(worker.open())
    answer = worker.run(task, progress)
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import cv2

from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.batch.tasks import Answer, Result, Task
from cgan_runtime.batch.transfer import at_hand, fetch
from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.commands.open_model import backend_text, open_model
from cgan_runtime.console import one_line
from cgan_runtime.errors import CganError
from cgan_runtime.files.storage import is_remote
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.image import colorize_image
from cgan_runtime.pipeline.parts import Part, colorize_part, plan_parts
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.pipeline.video import colorize_video


class Worker:
    """Colors with one model, which it owns. One thread opens, uses and closes it."""

    def __init__(self, options: RunOptions, scratch: Path) -> None:
        """Open nothing yet.

        Args:
            options: Of the command line.
            scratch: A local folder for what goes elsewhere.
        """
        self._options, self._scratch = options, scratch
        self._colorizer: Colorizer | None = None
        self._progress: ProgressCallback = _unheard
        self._settings = options.video

    def open(self, report: BuildCallback | None = None) -> str:
        """Load the model.

        Args:
            report: Told how far an engine is that has to be built first.

        Returns:
            What runs it, for people.

        Raises:
            CganError: It cannot be loaded.
        """
        if self._options.model.threads is not None:
            cv2.setNumThreads(self._options.model.threads)
        if self._colorizer is None:
            self._colorizer = open_model(self._options, report)
        return backend_text(self._colorizer.backend, self._options)

    def run(self, task: Task, progress: ProgressCallback) -> Answer:
        """Do a task; what goes wrong is an answer too.

        Args:
            task: To be done.
            progress: Told how many frames are done, of how many; also, in between, that the work goes on.
        """
        self._progress = progress
        try:
            self.open()
            return Answer(self._result(task))
        except CganError as error:
            return Answer(error=one_line(str(error)), final=True)
        except Exception as error:  # noqa: BLE001 (one video of thousands must not end the others)
            return Answer(
                error=one_line(f"{type(error).__name__}: {error}"), trace="".join(traceback.format_exc())
            )

    def close(self) -> None:
        """Free the model."""
        if self._colorizer is not None:
            self._colorizer.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _result(self, task: Task) -> Result:
        assert self._colorizer is not None
        colorizer = self._colorizer
        if task.kind == "still":
            return self._still(task, colorizer)
        if task.kind == "plan":
            with self._at_hand(task) as target:
                return plan_parts(
                    task.source,
                    target,
                    colorizer,
                    self._settings,
                    overwrite=task.overwrite,
                    resume=task.resume,
                    alive=self._alive,
                )
        if task.part is not None:
            part = task.part
            with self._at_hand(task, lambda name: _tells_of(part, name)) as target:
                return colorize_part(
                    task.source, target, colorizer, self._settings, part, progress=self._progress
                )
        with self._at_hand(task) as target:
            result = self._video(task, target, colorizer)
        return replace(result, output=task.target)

    def _still(self, task: Task, colorizer: Colorizer) -> ImageResult:
        with self._at_hand(task) as target:
            source = task.source
            if is_remote(source):
                source = target.with_name(f"source-{target.name}")
                fetch(task.source, source, self._alive)
            try:
                result = colorize_image(
                    source,
                    target,
                    colorizer,
                    overwrite=task.overwrite,
                    compare=self._settings.compare,
                )
            finally:
                if source != task.source:
                    source.unlink(missing_ok=True)
        return replace(result, output=task.target)

    def _video(self, task: Task, target: Path, colorizer: Colorizer) -> VideoResult:
        return colorize_video(
            task.source,
            target,
            colorizer,
            settings=self._settings,
            overwrite=task.overwrite,
            resume=task.resume,
            progress=self._progress,
        )

    def _at_hand(
        self, task: Task, wanted: Callable[[str], bool] = lambda name: True
    ) -> AbstractContextManager[Path]:
        return at_hand(task.target, self._scratch, wanted, self._alive)

    def _alive(self) -> None:
        self._progress(0, None)


def _unheard(_done: int, _total: int | None) -> None:
    """Nobody is told of what is not a task."""


def _tells_of(part: Part, name: str) -> bool:
    """Whether a file of a video's work is of one part, or of the whole video."""
    index = name.partition(".")[0]
    return not index.isdigit() or part.first <= int(index) < part.end
