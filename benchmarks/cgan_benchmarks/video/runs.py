"""Ways to bring a video from file to file, each run in a process of its own; `video` and `video` compare them.

runs = take_turns(Path("in.mp4"), {"copy": ("copy", {}), "fast": ("cgan", {"every": 2})}, rounds=3)
python -m cgan_benchmarks.video.runs cgan in.mp4 out.mp4                 # one run, as a line of JSON
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_benchmarks.machine.environment import as_it_comes
from cgan_benchmarks.machine.memory import peak_memory_mb
from cgan_runtime.console import one_line
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.video.write.codecs import EncoderSettings, video_suffix

WAYS = ("copy", "cgan", "plain")
"""Decode and encode alone; cgan; and what one writes first: OpenCV frame by frame, with the PyTorch model."""

Ways = Mapping[str, tuple[str, dict[str, Any]]]
"""One of these and its settings, by any name."""

Run = dict[str, Any]
"""A `Taken`, with `fps` and `first_frame_seconds` from the start of the process."""

_SIDE = 256  # pixels, of the plain loop's network input


@dataclass(frozen=True)
class Taken:
    """What one run took.

    Attributes:
        frames: Written.
        seconds: From opening the input to the finished output; models are loaded before.
        first_frame: Unix time at which the first frame was ready to be encoded.
        megabytes: Most memory that the process has held, 10^6 bytes.
        size: Of the image, width and height.
        cores_ms: Time of all cores for each frame, milliseconds.
        stages: Mean, median and 99th percentile of each stage, milliseconds; of cgan only.
        backend: What ran the model; of cgan only.
    """

    frames: int
    seconds: float
    first_frame: float
    megabytes: float
    size: tuple[int, int]
    cores_ms: float
    stages: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    backend: str = ""


class _Clocks:
    """That of the wall and that of the cores, from now on."""

    def __init__(self) -> None:
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def taken(self, frames: int, first: float, size: tuple[int, int]) -> Taken:
        """What it took to write so many frames, the first of which was ready at `first`."""
        wall, cores = time.perf_counter() - self._wall, time.process_time() - self._cores
        return Taken(frames, wall, first, peak_memory_mb(), size, round(cores * 1e3 / frames, 3))


def take_turns(
    source: Path, ways: Ways, rounds: int, told: Callable[[str, int, int], None] = lambda name, done, of: None
) -> dict[str, list[Run]]:
    """Run every way once a round, every second round backwards.

    Args:
        source: The video.
        ways: What is compared.
        rounds: How many.
        told: Is told what begins, how many runs are done, and of how many.

    Raises:
        MediaError: The video cannot be read or written.
    """
    taken: dict[str, list[Run]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder:
        target = Path(folder) / f"video{video_suffix(source, EncoderSettings())}"
        for turn in range(rounds):
            for name in list(ways)[:: -1 if turn % 2 else 1]:
                told(name, sum(map(len, taken.values())), rounds * len(ways))
                taken[name].append(_run_apart(*ways[name], source, target))
    return taken


def _run_apart(way: str, settings: dict[str, Any], source: Path, target: Path) -> Run:
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cgan_benchmarks.video.runs", way, str(source), str(target)]
    began = time.time()
    command += ["--settings", json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=as_it_comes())
    if done.returncode:
        raise MediaError(one_line((done.stderr.strip().splitlines() or ["it does not say why"])[-1]))
    run: Run = json.loads(done.stdout.splitlines()[-1])
    return run | {"fps": run["frames"] / run["seconds"], "first_frame_seconds": run["first_frame"] - began}


def run_copy(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Decode and encode with nothing in between, both as cgan does them, each in a thread of its own."""
    from cgan_runtime.pipeline.stages import run_stages
    from cgan_runtime.pipeline.video import QUEUE_DEPTH
    from cgan_runtime.video.read.reader import VideoReader
    from cgan_runtime.video.resume.items import Colored
    from cgan_runtime.video.write.codecs import EncoderSettings
    from cgan_runtime.video.write.writer import VideoWriter

    clocks, first, count = _Clocks(), 0.0, 0
    with VideoReader(source) as reader, VideoWriter(target, reader, EncoderSettings()) as writer:

        def passed(item: Any) -> Any:
            nonlocal first, count
            if not hasattr(item, "planes"):
                return item  # a packet of sound
            first = first or time.time()
            count += 1
            frame = writer.layout.prepare(item)
            frame.pict_type = 0  # the encoder chooses, as for frames that are new
            return Colored(frame)

        run_stages(reader, passed, writer.write, depth=QUEUE_DEPTH)
        writer.finish()
    size = writer.layout.width, writer.layout.height
    return clocks.taken(count, first, size)


def run_cgan(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Color a video with the model that ships and the defaults, but for the settings."""
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.models import bundled_model
    from cgan_runtime.pipeline.settings import VideoSettings
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.temporal.settings import TemporalSettings

    first = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal first
        first = first or time.time()

    backend = open_backend(
        Path(settings["model"]) if "model" in settings else bundled_model(),
        settings.get("backend", "auto"),
        threads=settings.get("threads"),
        precision=settings.get("precision", "auto"),
    )
    steady = TemporalSettings(settings.get("temporal", "high"), settings.get("every", 1))
    with Colorizer(backend, side=settings.get("size")) as colorizer:
        clocks = _Clocks()
        result = colorize_video(
            source,
            target,
            colorizer,
            settings=VideoSettings(temporal=steady),
            progress=progress,
            overwrite=True,
        )
    size = result.width, result.height
    taken = clocks.taken(result.frames, first, size)
    return dataclasses.replace(taken, stages=result.stages, backend=f"{backend.name} on {backend.device}")


def run_plain(source: Path, target: Path, settings: dict[str, Any]) -> Taken:
    """Read, color and write frame by frame with OpenCV and the PyTorch model, in one loop."""
    import cv2
    import numpy as np

    from cgan_train.checkpoint import SHIPPED, load_checkpoint
    from cgan_train.torch_backend import TorchBackend

    backend = TorchBackend(load_checkpoint(SHIPPED), threads=settings.get("threads"))
    clocks, first, count = _Clocks(), 0.0, 0
    reader = cv2.VideoCapture(str(source))
    size = int(reader.get(cv2.CAP_PROP_FRAME_WIDTH)), int(reader.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), reader.get(cv2.CAP_PROP_FPS), size)
    if not writer.isOpened():
        raise MediaError(f"OpenCV cannot write the plain loop's {target.name}; give an mp4 or mkv file")
    while count != settings.get("frames"):
        there, frame = reader.read()
        if not there:
            break
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32) / np.float32(255)
        lab = cv2.cvtColor(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), cv2.COLOR_BGR2Lab)
        small = cv2.resize(lab[..., 0], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        chroma = backend.chroma(small[None, None] / np.float32(50) - 1)[0] * np.float32(110)
        lab[..., 1:] = cv2.resize(np.ascontiguousarray(chroma.transpose(1, 2, 0)), size)
        colored = cv2.cvtColor(lab, cv2.COLOR_Lab2BGR)
        writer.write((colored * 255).clip(0, 255).astype(np.uint8))
        first = first or time.time()
        count += 1
    writer.release()
    return clocks.taken(count, first, size)


def main() -> None:
    """Run one and print what it took; one line on stderr where that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--settings", type=json.loads, default={})
    given = parser.parse_args()
    run = {"copy": run_copy, "cgan": run_cgan, "plain": run_plain}[given.way]
    try:
        taken = run(given.source, given.target, given.settings)
    except CganError as error:
        sys.exit(one_line(str(error)))
    print(json.dumps(dataclasses.asdict(taken)))


if __name__ == "__main__":
    main()
