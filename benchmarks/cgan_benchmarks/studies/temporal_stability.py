"""How steady the color of videos is: its change along motion, with the temporal filter and without.

python -m cgan_benchmarks.studies.temporal_stability --photos photos-val.tar --clips videos/ --json steadiness.json

Every network output is kept and shown to all settings, so that they differ in the filter alone.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from cgan_benchmarks.machine.describe import Others, describe_machine
from cgan_benchmarks.options import check_writable
from cgan_benchmarks.results.document import write_document
from cgan_benchmarks.studies.synthetic_motion import Clip, made_up_clips, real_clips, videos_in
from cgan_runtime import __version__
from cgan_runtime.backends.base import Arrays, Backend, FloatArray
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.color.encoding import LUMA_WEIGHTS, Encoding, Plane
from cgan_runtime.color.lab import lab_of_rgb
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.console import Console, guard
from cgan_runtime.errors import DataError
from cgan_runtime.models import bundled_model
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.metrics import ciede2000

FORMAT = "cgan-steadiness"
FORMAT_VERSION = 1

SETTINGS = {
    "off": TemporalSettings("off"),
    "low": TemporalSettings("low"),
    "high": TemporalSettings("high"),
    "high, every 2": TemporalSettings("high", 2),
    "high, every 4": TemporalSettings("high", 4),
}
ENCODING = Encoding("bt709", full_range=True, bits=16)  # finer than a video's, so that rounding is no change
MADE_UP, MADE_UP_FRAMES = 12, 24
REAL_FRAMES = 40
CIEDE2000_STRIDE = 3  # pixels: colors are compared on this grid
COST_SIZES = {"480p": (480, 854), "1080p": (1080, 1920)}
COST_SIDE = 256  # pixels, of the network's input
COST_ROUNDS = 40
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Steadiness:
    """What became of one clip with one setting.

    Attributes:
        change: Mean change of (a*, b*) along motion, from frame to frame.
        ciede2000: Mean difference from the true colors.
        predictions: How often the network ran.
        cuts: Cuts that were found.
    """

    change: float
    ciede2000: float
    predictions: int
    cuts: int


class Recall(Backend):
    """A back end that runs another once for each image, and answers from memory after that."""

    name = "recall"

    def __init__(self, inner: Backend) -> None:
        """Take a back end over."""
        super().__init__(inner.manifest, inner.device)
        self._inner = inner
        self._known: dict[bytes, Arrays] = {}

    def forget(self) -> None:
        """Free the memory: another clip begins."""
        self._known.clear()

    def _run(self, inputs: Arrays) -> Arrays:
        key = b"".join(array.tobytes() for array in inputs.values())
        if key not in self._known:
            self._known[key] = {name: array.copy() for name, array in self._inner.infer(inputs).items()}
        return self._known[key]

    def _release(self) -> None:
        self._inner.close()


class Instant(Backend):
    """A back end that costs nothing: what is left is the path around the network."""

    name = "instant"

    def __init__(self, like: Backend) -> None:
        """Promise what another back end's manifest does."""
        super().__init__(like.manifest, "none")
        self._answer = np.zeros((1, 2, 1, 1), np.float32)

    def _run(self, inputs: Arrays) -> Arrays:
        shape = inputs[self.manifest.input.name].shape
        if self._answer.shape[2:] != shape[2:]:
            self._answer = np.zeros((1, 2, *shape[2:]), np.float32)
        return {self.manifest.output.name: self._answer}


def measure_clip(clip: Clip, colorizer: Colorizer, settings: TemporalSettings) -> Steadiness:
    """Color a clip on the path of videos; compare along its motion, and with its true colors.

    Raises:
        DataError: No two frames of it can be compared.
    """
    if all(moving.where is None for moving in clip.frames):
        raise DataError(f"no two frames of {clip.name} show the same scene; leave it out")
    steady = TemporalFilter(settings)
    changes, errors = [], []
    shown: list[FloatArray] = []
    for moving in clip.frames:
        cb, cr = colorizer.planes(moving.luma, ENCODING, moving.luma.shape, steady)
        lab = np.moveaxis(lab_of_rgb(_rgb(moving.luma, cb, cr)), 0, -1)
        shown = [*shown[-2:], np.ascontiguousarray(lab[..., 1:])]
        if moving.where is not None:
            x, y = cv2.split(moving.where)
            carried = cv2.remap(shown[-1 - moving.before], x, y, cv2.INTER_LINEAR)
            change = np.linalg.norm(shown[-1] - carried, axis=-1)
            changes.append(float(change[moving.known].mean()))
        grid = np.s_[::CIEDE2000_STRIDE, ::CIEDE2000_STRIDE]
        truth = np.moveaxis(lab_of_rgb(np.ascontiguousarray(moving.truth[grid])), 0, -1)
        colored = np.concatenate((truth[..., :1], lab[grid][..., 1:]), axis=-1)
        errors.append(float(ciede2000(colored, truth).mean()))
    return Steadiness(float(np.mean(changes)), float(np.mean(errors)), steady.predictions, steady.cuts)


def measure_clips(
    clips: Iterable[Clip], colorizer: Colorizer, recall: Recall
) -> dict[str, dict[str, Steadiness]]:
    """Every clip with every setting: by name of the clip, then of the setting."""
    found = {}
    for clip in clips:
        recall.forget()
        found[clip.name] = {name: measure_clip(clip, colorizer, SETTINGS[name]) for name in SETTINGS}
    return found


def summary(found: dict[str, dict[str, Steadiness]]) -> dict[str, dict[str, float]]:
    """For each setting, relative to "off": the mean of the clips' changes, and that of their errors.

    Raises:
        DataError: Color changes in none of the clips.
    """
    changing = [clip for clip in found.values() if clip["off"].change > 0]
    if not changing:
        raise DataError("color does not change in any clip; give videos in which something moves")
    rows = {}
    for name in SETTINGS:
        pairs = [(clip[name], clip["off"]) for clip in changing]
        rows[name] = {
            "change": float(np.mean([one.change / off.change for one, off in pairs])),
            "ciede2000": float(np.mean([one.ciede2000 for one, _ in pairs]))
            / float(np.mean([off.ciede2000 for _, off in pairs])),
        }
    return rows


def measure_cost(like: Backend) -> dict[str, dict[str, float]]:
    """Median core-milliseconds of the planar path with a network that costs nothing, by size and setting.

    The settings take turns. OpenCV has one thread, whose own time is measured: others do not disturb it.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    costs: dict[str, dict[str, float]] = {}
    encoding = Encoding("bt709", full_range=False, bits=8)
    random = np.random.default_rng(0)
    for size, (height, width) in COST_SIZES.items():
        noise = random.normal(0, 1, (height // 8 + 16, width // 8 + 16)).astype(np.float32)
        wide = cv2.resize(noise, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC) * 40 + 126
        frames = [
            np.ascontiguousarray(wide[t : t + height, 2 * t : 2 * t + width]).clip(16, 235).astype(np.uint8)
            for t in range(8)
        ]
        taken: dict[str, list[float]] = {name: [] for name in SETTINGS}
        with Colorizer(Instant(like), size=COST_SIDE) as colorizer:
            filters = {name: TemporalFilter(settings) for name, settings in SETTINGS.items()}
            for turn in range(COST_ROUNDS):
                for name, steady in filters.items():
                    began = time.thread_time()
                    colorizer.planes(frames[turn % 8], encoding, (height // 2, width // 2), steady)
                    taken[name].append(1000 * (time.thread_time() - began))
        costs[size] = {name: float(np.median(times[4:])) for name, times in taken.items()}
    cv2.setNumThreads(threads)
    return costs


def _rgb(luma: Plane, cb: Plane, cr: Plane) -> Plane:
    """R'G'B' of full-range codes, uint16 (H, W, 3)."""
    kr, kb = LUMA_WEIGHTS[ENCODING.matrix]
    y, center = luma.astype(np.float32), np.float32(ENCODING.chroma_center)
    red = y + np.float32(2 * (1 - kr)) * (cr - center)
    blue = y + np.float32(2 * (1 - kb)) * (cb - center)
    green = (y - np.float32(kr) * red - np.float32(kb) * blue) / np.float32(1 - kr - kb)
    rgb: Plane = np.rint(np.dstack((red, green, blue))).clip(0, ENCODING.peak).astype(np.uint16)
    return rgb


def _print(console: Console, title: str, rows: dict[str, dict[str, float]]) -> None:
    console.result(title)
    columns = list(next(iter(rows.values())))
    console.result(f"  {'':14}" + "".join(f"{column:>15}" for column in columns))
    for name, row in rows.items():
        console.result(f"  {name:14}" + "".join(f"{row[column]:15.3f}" for column in columns))


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--photos", type=_PATH, help="Folder or tar shard of photos in color, to move over.")
@click.option("--clips", type=_PATH, help="Folder of videos in color.")
@click.option("--model", type=_PATH, help="ONNX file with its manifest.  [default: the one that ships]")
@click.option("--backend", default="auto", help="What runs it; auto takes the best that works here.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there as well.")
def main(
    photos: Path | None,
    clips: Path | None,
    model: Path | None,
    backend: str,
    threads: int,
    json_file: Path | None,
) -> None:
    """Measure how much steadier the temporal filter makes color, and whether that stays right.

    All figures are relative to coloring each frame by itself.
    """
    if photos is None and clips is None:
        raise click.UsageError("give --photos, --clips, or both")
    check_writable(json_file)
    videos = videos_in(clips) if clips is not None else []
    console, others = Console(), Others()
    recall = Recall(open_backend(model or bundled_model(), backend, threads=threads))
    with Colorizer(recall) as colorizer:
        found: dict[str, dict[str, dict[str, Steadiness]]] = {}
        if photos is not None:
            made = made_up_clips(open_photos(photos), count=MADE_UP, frames=MADE_UP_FRAMES)
            found["made up"] = measure_clips(made, colorizer, recall)
        if videos:
            found["real"] = measure_clips(real_clips(videos, frames=REAL_FRAMES), colorizer, recall)
        costs = measure_cost(recall)
        summaries = {kind: summary(of_kind) for kind, of_kind in found.items()}
        for kind, rows in summaries.items():
            _print(console, f"{kind} clips ({len(found[kind])}), relative to off", rows)
        _print(console, "core-ms a frame without the network", costs)
        if json_file is not None:
            write_document(
                {
                    "format": FORMAT,
                    "format_version": FORMAT_VERSION,
                    "version": __version__,
                    "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                    "machine": describe_machine(threads, others.share()),
                    "model": recall.manifest.file,
                    "sha256": recall.manifest.sha256,
                    "relative_to_off": summaries,
                    "path_core_ms": costs,
                    "clips": _plain(found),
                },
                json_file,
            )
            console.note(f"all figures are in {json_file}")


def _plain(found: dict[str, dict[str, dict[str, Steadiness]]]) -> dict[str, object]:
    return {
        kind: {
            clip: {name: asdict(one) for name, one in by_name.items()} for clip, by_name in of_kind.items()
        }
        for kind, of_kind in found.items()
    }


if __name__ == "__main__":
    main()
