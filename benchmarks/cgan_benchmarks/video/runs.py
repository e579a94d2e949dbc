"""Ways to bring a video from file to file, each run in a process of its own.

runs = take_turns(Path("in.mp4"), {"copy": ("copy", {}), "fast": ("cgan", {"every": 2})}, rounds=3)
python -m cgan_benchmarks.video.runs cgan in.mp4 out.mp4                 # one run, as a line of JSON
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgan_benchmarks.machine.process import peak_memory_mb, untuned_environment
from cgan_runtime.console import one_line
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.video.write.codecs import EncoderSettings, video_suffix

Ways = Mapping[str, tuple[str, dict[str, Any]]]
"""A way and its settings, by any name. The ways: `copy`, decode and encode alone; `cgan`; `plain`, a loop of
OpenCV with the PyTorch model."""

_SIDE = 256  # pixels, of the plain loop's network input


@dataclass(frozen=True)
class VideoRun:
    """Time and memory of one run."""

    frames: int  # written
    seconds: float  # from opening the input to the finished output; models are loaded before
    first_frame_seconds: float  # from the start of the process until the first frame is ready to be encoded
    megabytes: float  # the most memory that the process held, 10^6 bytes
    size: tuple[int, int]  # width and height
    cores_ms: float  # CPU time of all cores for each frame
    stages: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)  # milliseconds; of cgan
    backend: str = ""  # what ran the model; of cgan only

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds


class _Stopwatch:
    """Counts wall time and CPU time, and notes when the first frame was ready."""

    def __init__(self) -> None:
        self._first = 0.0  # Unix time
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def frame_ready(self) -> None:
        """Call this for each frame that is ready to be encoded."""
        self._first = self._first or time.time()

    def run(self, frames: int, size: tuple[int, int]) -> VideoRun:
        """The run that ends now; its first frame is still in Unix time."""
        wall, cores = time.perf_counter() - self._wall, time.process_time() - self._cores
        return VideoRun(frames, wall, self._first, peak_memory_mb(), size, round(cores * 1e3 / frames, 3))


def take_turns(
    source: Path, ways: Ways, rounds: int, on_run: Callable[[str, int, int], None] = lambda name, done, total: None
) -> dict[str, list[VideoRun]]:
    """Run every way once a round, in turns; `on_run` gets the next one's name, the runs done, and all."""
    runs: dict[str, list[VideoRun]] = {name: [] for name in ways}
    with temporary_folder("cgan-bench-") as folder:
        target = folder / f"video{video_suffix(source, EncoderSettings())}"
        for turn in range(rounds):
            for name in list(ways)[:: -1 if turn % 2 else 1]:
                on_run(name, sum(map(len, runs.values())), rounds * len(ways))
                runs[name].append(_run_apart(*ways[name], source, target))
    return runs


def _run_apart(way: str, settings: dict[str, Any], source: Path, target: Path) -> VideoRun:
    """One run in a fresh process."""
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cgan_benchmarks.video.runs", way, str(source), str(target)]
    command.append(json.dumps(settings))
    began = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=untuned_environment())
    if done.returncode:
        raise MediaError(one_line((done.stderr.strip().splitlines() or ["no reason given"])[-1]))
    values = json.loads(done.stdout.splitlines()[-1])
    run = VideoRun(**values | {"size": tuple(values["size"])})
    return dataclasses.replace(run, first_frame_seconds=run.first_frame_seconds - began)


def run_copy(source: Path, target: Path, settings: dict[str, Any]) -> VideoRun:
    """Decode and encode as cgan does, each in a thread of its own, with nothing in between."""
    from cgan_runtime.files.output import output_for
    from cgan_runtime.pipeline.stages import run_stages
    from cgan_runtime.pipeline.video import QUEUE_DEPTH
    from cgan_runtime.video.read.reader import VideoReader
    from cgan_runtime.video.segments import Colored
    from cgan_runtime.video.write.open_writer import plan_layout
    from cgan_runtime.video.write.writer import VideoWriter

    watch, count, encoder, output = _Stopwatch(), 0, EncoderSettings(), output_for(target)
    with VideoReader(source) as reader:
        layout = plan_layout(reader, encoder, output)

        def copied(item: Any) -> Any:
            nonlocal count
            if not hasattr(item, "planes"):
                return item  # a packet of audio
            watch.frame_ready()
            count += 1
            frame = layout.prepare(item)
            frame.pict_type = 0  # the encoder chooses, as for new frames
            return Colored(frame)

        with VideoWriter(output, reader, layout, encoder) as writer:
            run_stages(reader, copied, writer.write, depth=QUEUE_DEPTH)
            writer.finish()
    return watch.run(count, (layout.width, layout.height))


def run_cgan(source: Path, target: Path, settings: dict[str, Any]) -> VideoRun:
    """Color a video, with the defaults of cgan where `settings` has no value."""
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.pipeline.settings import VideoSettings
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.temporal.settings import TemporalSettings

    steady = TemporalSettings(settings.get("temporal", "high"), settings.get("every", "auto"))
    with Colorizer.open(
        settings.get("model"),
        settings.get("backend", "auto"),
        threads=settings.get("threads"),
        precision=settings.get("precision", "auto"),
        size=settings.get("size"),
    ) as colorizer:
        backend = colorizer.backend
        watch = _Stopwatch()
        result = colorize_video(
            source,
            target,
            colorizer,
            settings=VideoSettings(temporal=steady),
            progress=lambda done, total: watch.frame_ready(),
            overwrite=True,
        )
    run = watch.run(result.frames, (result.width, result.height))
    return dataclasses.replace(run, stages=result.stages, backend=f"{backend.name} on {backend.device}")


def run_plain(source: Path, target: Path, settings: dict[str, Any]) -> VideoRun:
    """Read, color and write frame by frame with OpenCV and the PyTorch model, in one loop."""
    import cv2
    import numpy as np

    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.shipped import SHIPPED
    from cgan_train.torch_backend import TorchBackend

    backend = TorchBackend(load_checkpoint(SHIPPED), threads=settings.get("threads"))
    watch, count = _Stopwatch(), 0
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
        watch.frame_ready()
        count += 1
    writer.release()
    return watch.run(count, size)


def main() -> None:
    """Run one way and print its `VideoRun` as JSON; on failure one line on stderr."""
    _, way, source, target, *settings = sys.argv
    run = {"copy": run_copy, "cgan": run_cgan, "plain": run_plain}[way]
    try:
        result = run(Path(source), Path(target), json.loads(settings[0]) if settings else {})
    except CganError as error:
        sys.exit(one_line(str(error)))
    print(json.dumps(dataclasses.asdict(result)))


if __name__ == "__main__":
    main()
