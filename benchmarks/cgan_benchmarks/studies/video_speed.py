"""Speed of coloring videos: against copying them, and against a plain OpenCV loop with the PyTorch model.

    python -m cgan_benchmarks.studies.video_speed --json benchmarks/results/video.json

Every run is a process of its own. The ways take turns, and a ratio is that of two runs of the same round. "Easy" is
shots without grain, which cost codecs least, and coloring most of what copying costs. They are played five times, 20
seconds in all: in the four seconds of one time, what coloring does once, at its start, would cost as much as half of
what it does for each frame.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import click
import numpy as np

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine, load_warning
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.synthetic_motion import grain, view
from cgan_benchmarks.video.runs import VideoRun, Ways, take_turns
from cgan_runtime.console import Console
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model
from cgan_runtime.system.cpu import usable_cores
from cgan_train.evaluation.comparison_photos import comparison_photos

FRAME_RATE = 24
SCENE_FRAMES = 48  # then a cut to the next photograph
PAN = 0.15  # of the image's width, over a scene
GRAIN_SIGMA = 4.0  # levels of 255
SOURCE_OPTIONS = {"crf": "20", "preset": "medium"}  # of libx264: most videos are encoded like this
SEED = 6


@dataclass(frozen=True)
class Size:
    """A video to color."""

    width: int
    height: int
    frames: int  # that are made
    plain_frames: int  # that the plain loop gets; 0: no plain loop
    grain: float = GRAIN_SIGMA
    times: int = 1  # how often these frames are played: the video has the same packets so often

    @property
    def file(self) -> str:
        """A name for the video that no other one has."""
        return f"{self.width}x{self.height}-{self.frames * self.times}-grain-{self.grain:g}.mp4"


SIZES = {
    "1080p": Size(1920, 1080, 96, 16),
    "1080p, easy": Size(1920, 1080, 96, 0, grain=0, times=5),
    "480p": Size(854, 480, 360, 48),
    "2160p": Size(3840, 2160, 30, 0),
}

WAYS: Ways = {"copy": ("copy", {}), "cgan": ("cgan", {}), "plain loop": ("plain", {})}  # by the name in the report


def make_source(path: Path, size: Size) -> None:
    """Write an H.264 video in color: pans over photographs, with grain and a cut every two seconds."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options=SOURCE_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        frames = (av.VideoFrame.from_ndarray(image, format="rgb24") for image in _images(size))
        packets = [packet for frame in (*frames, None) for packet in stream.encode(frame)]
        for turn in range(size.times):
            for packet in packets:
                container.mux(_later(packet, turn * size.frames))


def kept_source(folder: Path, size: Size) -> Path:
    """The video in a folder, made if it is not there yet; what is cut off has another name."""
    path = folder / size.file
    if not path.exists():
        draft = path.with_name(f"unfinished {path.name}")
        make_source(draft, size)
        draft.replace(path)
    return path


def _later(packet: av.Packet[Any], frames: int) -> av.Packet[Any]:
    """A copy of a packet of the encoder, so many frames later."""
    copy = av.Packet(bytes(packet))
    copy.stream, copy.time_base, copy.is_keyframe = packet.stream, packet.time_base, packet.is_keyframe
    copy.pts, copy.dts, copy.duration = (packet.pts or 0) + frames, (packet.dts or 0) + frames, packet.duration
    return copy


def _images(size: Size) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    random = np.random.default_rng(SEED)
    photos = comparison_photos()
    noise = grain(random, size.height + 64, size.width + 64, size.grain)
    for index in range(size.frames):
        scene, step = divmod(index, SCENE_FRAMES)
        photo = photos[scene % len(photos)]
        scale = photo.shape[1] / (size.width * (1 + PAN))
        x = step / SCENE_FRAMES * PAN * size.width * scale
        y = (photo.shape[0] - size.height * scale) / 2
        matrix = np.array([[scale, 0, x], [0, scale, y]])
        seen = view(photo, matrix, size.width, size.height)
        right, down = random.integers(0, 64, 2)
        layer = noise[down : down + size.height, right : right + size.width]
        yield (seen + layer).clip(0, 255).astype(np.uint8)


def measure_ways(
    source: Path, plain_frames: int, *, threads: int, rounds: int, on_run: Callable[[str], None]
) -> dict[str, Any]:
    """Bring one video from file to file in every way, in turns; the plain loop gets its first frames only.

    Without `plain_frames` it is only copied and colored.

    `ways`: medians over the rounds of frames/s, seconds to the first frame, peak megabytes; `ratios`: of
    cgan's frames/s in the same round.
    """
    settings = {"threads": threads, "frames": plain_frames}
    ways = {name: way for name, way in WAYS.items() if plain_frames or name != "plain loop"}
    runs = take_turns(
        source,
        {name: (way, {**own, **settings}) for name, (way, own) in ways.items()},
        rounds,
        lambda name, done, total: on_run(f"{name}, {done + 1} of {total}"),
    )
    found = {name: _summary(each) for name, each in runs.items()}
    return {"ways": found, "ratios": {name: _ratios(runs, name) for name in ways if name.startswith("cgan")}}


def _summary(runs: list[VideoRun]) -> dict[str, Any]:
    medians = {
        key: round(statistics.median(getattr(run, key) for run in runs), 3)
        for key in ("fps", "first_frame_seconds", "megabytes", "cores_ms")
    }
    return medians | {key: getattr(runs[-1], key) for key in ("frames", "stages", "backend")}


def _ratios(runs: dict[str, list[VideoRun]], name: str) -> dict[str, float]:
    def ratio(other: str) -> float:
        pairs = zip(runs[name], runs[other], strict=True)
        return round(statistics.median(run.fps / against.fps for run, against in pairs), 3)

    return {f"of {other}": ratio(other) for other in ("copy", "plain loop") if other in runs}


def _print(size: str, found: dict[str, Any]) -> None:
    rows = []
    for name, way in found["ways"].items():
        ratios = [f"{ratio:.2f}" for ratio in found["ratios"].get(name, {}).values()]
        ratios += [""] * (2 - len(ratios))
        figures = (way[key] for key in ("fps", "first_frame_seconds", "megabytes", "cores_ms"))
        rows.append((name, *(f"{figure:.1f}" for figure in figures), *ratios))
    print_table((size, "frames/s", "first frame s", "peak MB", "cores ms", "of copy", "of plain"), rows)


@study_command
@click.option("--video", type=PATH, help="A video to measure with, instead of synthetic ones.")
@click.option("--videos", "folder", type=PATH, help="Folder where synthetic videos are kept, and used again.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="Turns of each way.")
@click.option("--threads", type=click.IntRange(min=1), help="Of the network.  [default: one for each core]")
@json_option()
def main(video: Path | None, folder: Path | None, rounds: int, threads: int | None, json_file: Path | None) -> None:
    """Measure the speed of coloring videos, at 1080p, 480p and 2160p.

    Compared with decoding and encoding them alone, by the same code with the same settings, and with a loop
    that reads, colors and writes frame by frame with OpenCV and the PyTorch model.
    """
    console, load, threads = Console(), BackgroundLoad(), threads or usable_cores()
    videos: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="cgan-video-") as temporary:
        for name, size in {video.name: None}.items() if video else SIZES.items():
            source = video or kept_source(folder or Path(temporary), SIZES[name])
            videos[name] = measure_ways(
                source,
                size.plain_frames if size else next(iter(SIZES.values())).plain_frames,
                threads=threads,
                rounds=rounds,
                on_run=lambda run, name=name: console.note(f"{name}, {run}"),  # type: ignore[misc]
            )
            _print(name, videos[name])
    share = load.share()
    if warning := load_warning(share):
        console.warn(warning)
    manifest = Manifest.load(bundled_model())
    document = new_document(
        "cgan-video", 1, describe_machine(threads, share), model=manifest.file, sha256=manifest.sha256,
        rounds=rounds, videos=videos,
    )  # fmt: skip
    write_document(document, json_file)


if __name__ == "__main__":
    main()
