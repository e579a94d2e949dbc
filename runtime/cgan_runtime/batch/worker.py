"""A worker: one model, one task after another, in whatever process or machine it lives.

with closing(Worker(options, scratch)) as worker:
    print(worker.open())
    answer = worker.run(task, progress)
"""

from __future__ import annotations

import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2

from cgan_runtime.batch.tasks import Answer, Task, TaskResult
from cgan_runtime.batch.transfer import download, local_copy
from cgan_runtime.callbacks import BuildCallback, ProgressCallback
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.commands.open_model import backend_text, open_model
from cgan_runtime.console import one_line
from cgan_runtime.errors import CganError
from cgan_runtime.files.storage import is_remote
from cgan_runtime.guide.keys import guide_of_video
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.image import colorize_image
from cgan_runtime.pipeline.parts import Part, colorize_part, plan_parts
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.existing_colors import COLORED_ALREADY, has_colors


class Worker:
    """Colors with one model, which it owns. One thread opens, uses and closes it."""

    def __init__(self, options: RunOptions, scratch: Path) -> None:
        """Open nothing yet; `scratch` is a local folder for results that go to remote storage."""
        self._options, self._scratch = options, scratch
        self._settings = options.video
        self._colorizer: Colorizer | None = None
        self._progress: ProgressCallback = lambda done, total: None

    def open(self, on_build: BuildCallback | None = None) -> str:
        """Load the model, and say what runs it; a CganError if it cannot be loaded."""
        return backend_text(self._open(on_build).backend, verbose=self._options.report.verbose)

    def run(self, task: Task, progress: ProgressCallback) -> Answer:
        """Do a task; an error becomes an answer, too.

        `progress` is called with the frames that are done, and in between as a sign that the work goes on.
        """
        self._progress = progress
        try:
            return Answer(self._result(task, self._open()))
        except CganError as error:
            return Answer(error=one_line(str(error)), final=True)
        except Exception as error:  # noqa: BLE001 (one video of thousands must not end the others)
            return Answer(error=one_line(f"{type(error).__name__}: {error}"), trace=traceback.format_exc())

    def close(self) -> None:
        """Free the model."""
        if self._colorizer is not None:
            self._colorizer.close()

    def _open(self, on_build: BuildCallback | None = None) -> Colorizer:
        if self._options.model.threads is not None:
            cv2.setNumThreads(self._options.model.threads)
        if self._colorizer is None:
            self._colorizer = open_model(self._options, on_build)
        return self._colorizer

    def _result(self, task: Task, colorizer: Colorizer) -> TaskResult:
        source, part = task.source, task.part
        folder = self._options.files.input_dir or source.parent
        settings = replace(self._settings, guide=guide_of_video(self._settings.guide, source, folder))
        result: VideoResult | ImageResult
        with local_copy(task.target, self._scratch, partial(_concerns, part), self._alive) as target:
            if task.kind == "plan":
                return plan_parts(
                    source, target, colorizer, settings, overwrite=task.overwrite, resume=task.resume,
                    alive=self._alive,
                )  # fmt: skip
            if part is not None:
                return colorize_part(source, target, colorizer, settings, part, progress=self._progress)
            if task.kind == "image":
                result = self._image(task, target, colorizer)
            else:
                colored = not is_remote(source) and has_colors(source, settings.stream)
                notes = (COLORED_ALREADY,) if colored else ()
                result = colorize_video(
                    source, target, colorizer, settings=settings, overwrite=task.overwrite,
                    resume=task.resume, progress=self._progress,
                )  # fmt: skip
                result = replace(result, notes=(*notes, *result.notes))
        return replace(result, output=task.target)

    def _image(self, task: Task, target: Path, colorizer: Colorizer) -> ImageResult:
        source = task.source
        if is_remote(source):
            source = target.with_name(f"source-{target.name}")
            download(task.source, source, self._alive)
        try:
            guide = replace(self._settings.guide, keys=None)
            return colorize_image(
                source, target, colorizer, overwrite=task.overwrite, compare=self._settings.compare, guide=guide
            )
        finally:
            if source != task.source:
                source.unlink(missing_ok=True)

    def _alive(self) -> None:
        self._progress(0, None)


def _concerns(part: Part | None, name: str) -> bool:
    """Whether a file of a work folder concerns a part, or the whole video; without a part all do."""
    index = name.partition(".")[0]
    return part is None or not index.isdigit() or part.first <= int(index) < part.end
