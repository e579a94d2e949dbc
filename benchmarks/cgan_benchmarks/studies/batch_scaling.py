"""What an archive costs on one machine and on many: measured here, and played through for more.

python -m cgan_benchmarks.studies.batch_scaling --video samples/sample.mp4 --json benchmarks/results/scale.json

Three things: what a frame costs in each pass over a video; a folder of copies by one worker and by two, in
processes and by Ray, in turns; and 1,000 videos on 100 workers that fail, by the scheduler itself, in
simulated time. docs/scale.md reckons with the first and checks itself against the others.
"""

from __future__ import annotations

import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import av
import click
import numpy as np

from cgan_benchmarks.machine.describe import Others, describe_machine
from cgan_benchmarks.results.document import write_document
from cgan_benchmarks.studies.simulated_cluster import Costs, simulate
from cgan_runtime import __version__
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.console import guard
from cgan_runtime.models import bundled_model
from cgan_runtime.pipeline.parts import colorize_part, plan_parts
from cgan_runtime.pipeline.settings import Videosettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.video.read.reader import VideoReader

FORMAT, FORMAT_VERSION = "cgan-scale", 1
FRAMES, COPIES, ROUNDS, PASSES = 96, 4, 2, 3
RUNS = {
    "1 process": ["--jobs", "1"],
    "2 processes": ["--jobs", "2"],
    "Ray, 1 worker": ["--cluster", "--jobs", "1"],
    "Ray, 2 workers": ["--cluster", "--jobs", "2"],
}
VIDEOS, WORKERS = 1000, 100
_PATH = click.Path(path_type=Path)
T = TypeVar("T")


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--video", type=_PATH, required=True, help="What is colored, again and again.")
@click.option("--json", "target", type=_PATH, help="Where the figures go.")
def main(video: Path, target: Path | None) -> None:
    """Measure what archives cost, and play a large one through."""
    others, precision = Others(), best_precision()
    with tempfile.TemporaryDirectory(prefix="cgan-scale-") as name:
        folder = Path(name)
        short = beginning(video, folder / f"video{video.suffix}")
        costs = passes(short, folder, precision)
        share = others.share()  # before there are workers, which would count as others
        click.echo(json.dumps(costs))
        runs = in_turns(short, folder, precision)
        click.echo(json.dumps(runs))
    names = ("color", "plan", "join", "decode")
    simulation = simulate(VIDEOS, WORKERS, Costs(*(costs[name]["wall_ms"] / 1000 for name in names)))
    click.echo(json.dumps(simulation))
    if target is not None:
        document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "cgan": __version__,
            "machine": describe_machine(usable_cores(), share),
            "video": video.name,
            "precision": precision,
            "passes": costs,
            "runs": runs,
            "simulation": simulation,
        }
        write_document(document, target)


def best_precision() -> str:
    """What this machine computes in where all machines do: --cluster alone takes what every machine has."""
    with open_backend(bundled_model(), threads=1, precision="auto") as backend:
        return "bf16" if backend.device.endswith("bf16") else "fp32"


def beginning(video: Path, target: Path) -> Path:
    """Its first frames as a video of their own: a run must be over while a machine can be kept quiet."""
    with av.open(video) as source, av.open(target, "w") as output:
        image = source.streams.video[0]
        stream = output.add_stream("libx264", rate=image.average_rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuv420p"
        stream.time_base = image.time_base
        for frame in islice(source.decode(image), FRAMES):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target


def passes(video: Path, folder: Path, precision: str) -> dict[str, dict[str, float]]:
    """What a frame costs, each pass over a video by itself, with one thread for the network.

    Returns:
        For each pass milliseconds of the clock and of all cores for a frame, medians; for "color" the bytes
        of a frame too, read and written.
    """
    with VideoReader(video) as reader:
        width, height = reader.first.width, reader.first.height
    found: dict[str, dict[str, float]] = {}
    times: dict[str, list[tuple[float, float]]] = {}
    settings = Videosettings()
    with Colorizer(open_backend(bundled_model(), threads=1, precision=precision)) as colorizer:
        for number in range(PASSES):
            whole, parted = folder / f"{number}.mkv", folder / f"{number}-parts.mkv"

            def timed(name: str, step: Callable[[], T]) -> T:
                clock, cores = time.perf_counter(), time.process_time()
                result = step()
                spent = time.perf_counter() - clock, time.process_time() - cores
                times.setdefault(name, []).append(spent)
                return result

            timed("decode", partial(_decode, video))
            timed("color", partial(colorize_video, video, whole, colorizer))
            plan = timed("plan", partial(plan_parts, video, parted, colorizer, settings))
            frames = plan.frames
            for part in plan.parts:
                colorize_part(video, parted, colorizer, settings, part)
            timed("network", partial(_ask, colorizer, (height, width), frames))
            timed("join", partial(colorize_video, video, parted, colorizer, resume=True))
    for name, each in times.items():
        clock, cores = (statistics.median(column) * 1000 / frames for column in zip(*each, strict=True))
        found[name] = {"wall_ms": round(clock, 3), "core_ms": round(cores, 3)}
    found["color"] |= {
        "bytes_read": round(video.stat().st_size / frames),
        "bytes_written": round(whole.stat().st_size / frames),
        "width": width,
        "height": height,
        "frames": frames,
    }
    return found


def in_turns(video: Path, folder: Path, precision: str) -> list[dict[str, Any]]:
    """A folder of copies, colored by each kind and number of workers, in turns."""
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


def _ask(colorizer: Colorizer, shape: tuple[int, int], times: int) -> None:
    look = np.zeros(colorizer.input_shape(*shape), np.float32)
    for _ in range(times):
        colorizer.chroma(look)


def _decode(video: Path) -> int:
    with VideoReader(video) as reader:
        return sum(1 for _ in reader)


if __name__ == "__main__":
    main()
