"""The cost of an archive, on one machine and on many.

    python -m cgan_benchmarks.studies.batch_scaling --video samples/sample.mp4 --json scale.json

It measures the cost of a frame in each pass over a video; a folder of copies, colored by one worker and by
two, in processes and by Ray, in turns; and 1,000 videos on 100 workers that fail, with the real scheduler in
simulated time. The documentation calculates with the first and checks the result against the others.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import av
import click
import numpy as np

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.simulated_cluster import Costs, simulate
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.models import bundled_model
from cgan_runtime.pipeline.parts import colorize_part, plan_parts
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.video.read.reader import VideoReader

FRAMES, COPIES, ROUNDS, PASSES = 96, 4, 2, 3
RUNS = {
    "1 process": ["--jobs", "1"],
    "2 processes": ["--jobs", "2"],
    "Ray, 1 worker": ["--cluster", "--jobs", "1"],
    "Ray, 2 workers": ["--cluster", "--jobs", "2"],
}
VIDEOS, WORKERS = 1000, 100


@study_command
@click.option("--video", type=PATH, required=True, help="The video that is colored again and again.")
@json_option("Write all figures there.")
def main(video: Path, json_file: Path | None) -> None:
    """Measure the cost of archives, and simulate a large one."""
    load, precision = BackgroundLoad(), best_precision()
    with tempfile.TemporaryDirectory(prefix="cgan-scale-") as name:
        folder = Path(name)
        short = beginning(video, folder / f"video{video.suffix}")
        costs = passes(short, folder, precision)
        share = load.share()  # before there are workers, which would count as other programs
        click.echo(json.dumps(costs))
        runs = in_turns(short, folder, precision)
        click.echo(json.dumps(runs))
    names = ("color", "plan", "join", "decode")
    simulation = simulate(VIDEOS, WORKERS, Costs(*(costs[name]["wall_ms"] / 1000 for name in names)))
    click.echo(json.dumps(simulation))
    document = new_document(
        "cgan-scale", 1, describe_machine(usable_cores(), share), video=video.name, precision=precision,
        passes=costs, runs=runs, simulation=simulation,
    )  # fmt: skip
    write_document(document, json_file)


def best_precision() -> str:
    """The best precision of this machine. With --cluster, cgan-run takes one that every machine has."""
    with open_backend(bundled_model(), threads=1, precision="auto") as backend:
        return "bf16" if backend.device.endswith("bf16") else "fp32"


def beginning(video: Path, target: Path) -> Path:
    """Write its first frames as a video: a run must be short enough for a quiet machine."""
    with av.open(video) as source, av.open(target, "w") as output:
        original = source.streams.video[0]
        stream = output.add_stream("libx264", rate=original.average_rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = original.width, original.height, "yuv420p"
        stream.time_base = original.time_base
        for frame in islice(source.decode(original), FRAMES):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target


def passes(video: Path, folder: Path, precision: str) -> dict[str, dict[str, float]]:
    """Median milliseconds a frame of each pass over a video, with one thread for the network."""
    times: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        clock, cores = time.perf_counter(), time.process_time()
        yield
        times.setdefault(name, []).append((time.perf_counter() - clock, time.process_time() - cores))

    settings = VideoSettings()
    with Colorizer.open(threads=1, precision=precision) as colorizer:
        for number in range(PASSES):
            whole, parted = folder / f"{number}.mkv", folder / f"{number}-parts.mkv"
            with timed("decode"), VideoReader(video) as reader:
                width, height = reader.first.width, reader.first.height
                deque(reader, maxlen=0)
            with timed("color"):
                colorize_video(video, whole, colorizer)
            with timed("plan"):
                plan = plan_parts(video, parted, colorizer, settings)
            for part in plan.parts:
                colorize_part(video, parted, colorizer, settings, part)
            lightness = np.zeros(colorizer.input_shape(height, width), np.float32)
            with timed("network"):
                for _ in range(plan.frames):
                    colorizer.chroma(lightness)
            with timed("join"):
                colorize_video(video, parted, colorizer, resume=True)
    frames = plan.frames
    costs: dict[str, dict[str, float]] = {}
    for name, each in times.items():
        clock, cores = (statistics.median(column) * 1000 / frames for column in zip(*each, strict=True))
        costs[name] = {"wall_ms": round(clock, 3), "core_ms": round(cores, 3)}
    costs["color"] |= {
        "bytes_read": round(video.stat().st_size / frames),
        "bytes_written": round(whole.stat().st_size / frames),
        "width": width,
        "height": height,
        "frames": frames,
    }
    return costs


def in_turns(video: Path, folder: Path, precision: str) -> list[dict[str, Any]]:
    """Color a folder of copies with each kind and number of workers, in turns."""
    source = folder / "videos"
    source.mkdir()
    for number in range(COPIES):
        shutil.copy(video, source / f"{number}{video.suffix}")
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in RUNS}
    for _ in range(ROUNDS):
        for name, options in RUNS.items():
            out = folder / "out"
            command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()"]
            command += ["--input-dir", str(source), "-o", str(out), "-q", "--threads", "1"]
            command += ["--precision", precision, *options]
            began = time.perf_counter()
            subprocess.run(command, check=True)
            seconds = time.perf_counter() - began
            report = json.loads((out / "cgan-report.json").read_text(encoding="utf-8"))
            coloring = sum(item["seconds"] for item in report["items"]) / report["workers"]
            found[name].append((seconds, coloring, report["frames"]))
            shutil.rmtree(out)
    return [
        {
            "run": name,
            "workers": int(RUNS[name][-1]),
            "seconds": round(statistics.median(each[0] for each in runs), 2),
            "seconds_coloring": round(statistics.median(each[1] for each in runs), 2),
            "frames": runs[0][2],
        }
        for name, runs in found.items()
    ]


if __name__ == "__main__":
    main()
