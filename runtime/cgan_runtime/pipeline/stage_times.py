"""How long each stage of a video takes for a frame, and the statistics of a run as JSON.

times = StageTimes(lambda item: isinstance(item, av.VideoFrame))
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
from typing import TypeVar

import numpy as np

from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.pipeline.results import VideoResult

T = TypeVar("T")
U = TypeVar("U")

_MS = 1000.0  # per second


class StageTimes:
    """The times of each stage, four bytes for each frame. A stage runs in one thread."""

    def __init__(self, is_frame: Callable[[object], bool]) -> None:
        """Take a test for frames; the time of anything else counts to the next frame."""
        self._is_frame = is_frame
        self._times: dict[str, array[float]] = {}

    def source(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items; measures how long each takes to come."""
        times = self._times.setdefault(name, array("f"))
        spent, began = 0.0, time.perf_counter()
        for item in items:
            spent += time.perf_counter() - began
            if self._is_frame(item):
                times.append(spent)
                spent = 0.0
            yield item
            began = time.perf_counter()

    def work(self, name: str, function: Callable[[T], U]) -> Callable[[T], U]:
        """The function; measures how long it takes for each frame."""
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
        """Mean, median and 99th percentile in milliseconds, for each stage that had a frame."""
        return {
            name: {
                "mean_ms": round(float(np.mean(times)) * _MS, 3),
                **{f"p{part}_ms": round(float(np.percentile(times, part)) * _MS, 3) for part in (50, 99)},
            }
            for name, times in self._times.items()
            if times
        }


def write_stats(path: Path, videos: Sequence[VideoResult]) -> None:
    """Write `{"videos": [...]}` with the fields of each result and its `fps`; a MediaError if that fails."""
    entries = [
        {**dataclasses.asdict(video), "output": video.output_name, "fps": round(video.fps, 3)} for video in videos
    ]
    with storage_errors("write", path, "name another with --stats"):
        write_file(path, json.dumps({"videos": entries}, indent=1) + "\n")
