"""How long each stage of a video took for its frames, and all that a run did as JSON.

times = StageTimes()
run_stages(times.source("decode", reader), times.work("color", stage), times.work("encode", write), ...)
times.summary()                                # {"decode": {"mean_ms": 3.4, "p50_ms": 3.1, ...}, ...}
"""

from __future__ import annotations

import dataclasses
import json
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import replacing

if TYPE_CHECKING:
    from cgan_runtime.pipeline.results import VideoResult

T = TypeVar("T")
U = TypeVar("U")

_MS = 1000.0  # per second


class StageTimes:
    """Times of each stage, four bytes for each frame. A stage is used in one thread."""

    def __init__(self, is_frame: Callable[[object], bool]) -> None:
        """Take what tells frames from other things that pass, whose time counts to the next frame's."""
        self._is_frame = is_frame
        self._times: dict[str, array[float]] = {}

    def source(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items, the time that each takes to come measured."""
        times = self._times.setdefault(name, array("f"))
        iterator = iter(items)
        spent = 0.0
        while True:
            began = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            spent += time.perf_counter() - began
            if self._is_frame(item):
                times.append(spent)
                spent = 0.0
            yield item

    def work(self, name: str, function: Callable[[T], U]) -> Callable[[T], U]:
        """The function, the time that it takes for each frame measured."""
        times = self._times.setdefault(name, array("f"))
        spent = 0.0

        def measured(item: T) -> U:
            nonlocal spent
            began = time.perf_counter()
            done = function(item)
            spent += time.perf_counter() - began
            if self._is_frame(item):
                times.append(spent)
                spent = 0.0
            return done

        return measured

    def summary(self) -> dict[str, dict[str, float]]:
        """For each stage that had a frame: mean, median and 99th percentile, milliseconds."""
        return {
            name: {
                "mean_ms": round(float(np.mean(times)) * _MS, 3),
                **{f"p{part}_ms": round(float(np.percentile(times, part)) * _MS, 3) for part in (50, 99)},
            }
            for name, times in self._times.items()
            if times
        }


def write_stats(path: Path, videos: Sequence[VideoResult]) -> None:
    """Write `{"videos": [...]}` with what is known of each video, its `fps` too.

    Raises:
        MediaError: The file cannot be written.
    """
    entries = [
        {**dataclasses.asdict(video), "output": str(video.output), "fps": round(video.fps, 3)}
        for video in videos
    ]
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"videos": entries}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise MediaError(f"cannot write {path} ({error.strerror}); name another with --stats") from error
