"""One way to bring a film from file to file, in a process of its own, for `film` to compare.

python -m cgan_benchmarks.film_runs cgan in.mp4 out.mp4

Prints one line of JSON: frames, seconds from opening the input to the finished output, when the first frame
was ready (seconds of the clock), and the most memory that the process has held.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAYS = ("copy", "cgan", "plain")
"""Decode and encode alone; cgan; and what one writes first: OpenCV frame by frame, with the PyTorch model."""

_STATUS = Path("/proc/self/status")  # Linux
_SIDE = 256  # pixels, of the plain loop's network input


@dataclass(frozen=True)
class Taken:
    """What one run took.

    Attributes:
        frames: Written.
        seconds: From opening the input to the finished output; models are loaded before.
        first_frame: Unix time at which the first frame was ready to be encoded.
        megabytes: Most memory that the process has held, 10^6 bytes.
        stages: Median and 99th percentile of each stage, milliseconds; of cgan only.
    """

    frames: int
    seconds: float
    first_frame: float
    megabytes: float
    stages: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)


def run_copy(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Decode and encode with nothing in between, both as cgan does them, each in a thread of its own."""
    from cgan_runtime.media.reader import FilmReader
    from cgan_runtime.media.segments import Coloured
    from cgan_runtime.media.target import EncoderSettings
    from cgan_runtime.media.writer import FilmWriter
    from cgan_runtime.pipeline import QUEUE_DEPTH
    from cgan_runtime.stages import run_stages

    began, first, count = time.perf_counter(), 0.0, 0

    def passed(item: Any) -> Any:
        nonlocal first, count
        first = first or time.time()
        count += 1
        item.pict_type = 0  # the encoder chooses, as for frames that are new
        return Coloured(item)

    with FilmReader(source) as reader, FilmWriter(target, reader, EncoderSettings()) as writer:
        run_stages(reader, passed, writer.write, depth=QUEUE_DEPTH)
        writer.finish()
    return Taken(count, time.perf_counter() - began, first, _peak_megabytes())


def run_cgan(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Colour a film with the model that ships and the defaults, but for the settings."""
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.models import bundled_model
    from cgan_runtime.pipeline import colour_film
    from cgan_runtime.temporal import TemporalSettings

    first = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal first
        first = first or time.time()

    backend = open_backend(
        settings.get("model") or bundled_model(),
        settings.get("backend", "auto"),
        threads=settings.get("threads"),
    )
    steady = TemporalSettings(settings.get("temporal", "high"), settings.get("every", 1))
    with Colorizer(backend, side=settings.get("size")) as colorizer:
        result = colour_film(source, target, colorizer, temporal=steady, progress=progress, overwrite=True)
    return Taken(result.frames, result.seconds, first, _peak_megabytes(), result.stages)


def run_plain(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Read, colour and write frame by frame with OpenCV and the PyTorch model, in one loop."""
    import cv2
    import numpy as np

    from cgan_train.checkpoint import SHIPPED, load_checkpoint
    from cgan_train.torch_backend import TorchBackend

    backend = TorchBackend(load_checkpoint(SHIPPED), threads=settings.get("threads"))
    began, first, count = time.perf_counter(), 0.0, 0
    reader = cv2.VideoCapture(str(source))
    size = int(reader.get(cv2.CAP_PROP_FRAME_WIDTH)), int(reader.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), reader.get(cv2.CAP_PROP_FPS), size)
    while count != settings.get("frames"):
        there, frame = reader.read()
        if not there:
            break
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32) / np.float32(255)
        lab = cv2.cvtColor(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), cv2.COLOR_BGR2Lab)
        small = cv2.resize(lab[..., 0], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        chroma = backend.infer(small[None, None] / np.float32(50) - 1)[0] * np.float32(110)
        lab[..., 1:] = cv2.resize(np.ascontiguousarray(chroma.transpose(1, 2, 0)), size)
        coloured = cv2.cvtColor(lab, cv2.COLOR_Lab2BGR)
        writer.write((coloured * 255).clip(0, 255).astype(np.uint8))
        first = first or time.time()
        count += 1
    writer.release()
    return Taken(count, time.perf_counter() - began, first, _peak_megabytes())


def _peak_megabytes() -> float:
    """Of this process alone: what `getrusage` says may be that of the one that started it."""
    if _STATUS.is_file() and (found := re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"))):
        return int(found[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Run one and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--settings", type=json.loads, default={})
    given = parser.parse_args()
    run = {"copy": run_copy, "cgan": run_cgan, "plain": run_plain}[given.way]
    print(json.dumps(dataclasses.asdict(run(given.source, given.target, given.settings))))


if __name__ == "__main__":
    main()
