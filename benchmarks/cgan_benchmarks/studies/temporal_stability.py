"""Temporal stability of color: its change along motion, with the temporal filter and without.

    python -m cgan_benchmarks.studies.temporal_stability --photos photos-val.tar --clips videos/

Every network output is computed once and given to all settings, so that they differ in the filter alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.options import PATH, ModelOptions, json_option, model_options, study_command
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.synthetic_motion import Clip, made_up_clips, real_clips, videos_in
from cgan_runtime.backends.base import Arrays, Backend, FloatArray
from cgan_runtime.color.encoding import LUMA_WEIGHTS, Encoding, Plane
from cgan_runtime.color.lab import lab_of_rgb
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import DataError
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.metrics import ciede2000

SETTINGS = {
    "off": TemporalSettings("off", 1),
    "low": TemporalSettings("low", 1),
    "high": TemporalSettings("high", 1),
    "low, auto": TemporalSettings("low"),
    "high, auto": TemporalSettings("high"),
    "high, every 2": TemporalSettings("high", 2),
    "high, every 4": TemporalSettings("high", 4),
}
ENCODING = Encoding("bt709", full_range=True, bits=16)  # fine, so that rounding is no change
CLIPS, CLIP_FRAMES = 12, 24  # synthetic
REAL_FRAMES = 40
CIEDE2000_STRIDE = 3  # pixels: colors are compared on this grid
COST_SIZES = {"480p": (480, 854), "1080p": (1080, 1920)}
COST_SIDE = 256  # pixels, of the network's input
COST_ROUNDS = 40


@dataclass(frozen=True)
class Stability:
    """Figures of one clip with one setting."""

    change: float  # mean, of (a*, b*) along motion, from frame to frame
    ciede2000: float  # mean difference from the true colors
    predictions: int  # runs of the network
    cuts: int  # that were found


class CachingBackend(Backend):
    """Runs another back end once for each image, and returns the kept result after that."""

    name = "caching"

    def __init__(self, inner: Backend) -> None:
        """Take over a back end, which is closed with this one."""
        super().__init__(inner.manifest, inner.device)
        self._inner = inner
        self._known: dict[bytes, Arrays] = {}

    def clear(self) -> None:
        """Forget all results, before another clip begins."""
        self._known.clear()

    def _run(self, inputs: Arrays) -> Arrays:
        key = b"".join(array.tobytes() for array in inputs.values())
        if key not in self._known:
            self._known[key] = {name: array.copy() for name, array in self._inner.infer(inputs).items()}
        return self._known[key]

    def _release(self) -> None:
        self._inner.close()


class InstantBackend(Backend):
    """Costs nothing: what remains is the path around the network."""

    name = "instant"

    def __init__(self, like: Backend) -> None:
        """Take the manifest of another back end, which is asked once for each size."""
        super().__init__(like.manifest, "none")
        self._like, self._shape = like, (0,)
        self._answer: Arrays = {}

    def _run(self, inputs: Arrays) -> Arrays:
        shape = inputs[self.manifest.input.name].shape
        if self._shape != shape:
            self._shape = shape
            self._answer = {name: np.zeros_like(array) for name, array in self._like.infer(inputs).items()}
        return self._answer


def measure_clip(clip: Clip, colorizer: Colorizer, settings: TemporalSettings) -> Stability:
    """Color a clip as a video; compare its frames along the motion (DataError if none can) and with the
    truth.
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
    return Stability(float(np.mean(changes)), float(np.mean(errors)), steady.predictions, steady.cuts)


def measure_clips(
    clips: Iterable[Clip], colorizer: Colorizer, cache: CachingBackend
) -> dict[str, dict[str, Stability]]:
    """Measure every clip with every setting: by name of the clip, then of the setting."""
    found = {}
    for clip in clips:
        cache.clear()
        found[clip.name] = {name: measure_clip(clip, colorizer, SETTINGS[name]) for name in SETTINGS}
    return found


def summary(found: dict[str, dict[str, Stability]]) -> dict[str, dict[str, float]]:
    """By setting, mean change and mean error relative to "off"; DataError where color changes in no clip."""
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
            "predictions": sum(one.predictions for one, _ in pairs) / sum(off.predictions for _, off in pairs),
        }
    return rows


def measure_cost(like: Backend) -> dict[str, dict[str, float]]:
    """Median core-milliseconds of the planar path without the network, in turns, in one thread."""
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
        with Colorizer(InstantBackend(like), size=COST_SIDE) as colorizer:
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


def _print(title: str, rows: dict[str, dict[str, float]]) -> None:
    columns = next(iter(rows.values()))
    print_table(
        (title, *columns), [(name, *(f"{row[column]:.3f}" for column in columns)) for name, row in rows.items()]
    )


@study_command
@click.option("--photos", type=PATH, help="Folder or tar shard of photos in color, for synthetic motion.")
@click.option("--clips", type=PATH, help="Folder of videos in color.")
@model_options
@json_option()
def main(photos: Path | None, clips: Path | None, model: ModelOptions, json_file: Path | None) -> None:
    """Measure how much more stable the temporal filter makes color, and whether color stays right.

    All figures are relative to coloring each frame by itself.
    """
    if photos is None and clips is None:
        raise click.UsageError("give --photos, --clips, or both")
    videos = videos_in(clips) if clips is not None else []
    load = BackgroundLoad()
    cache = CachingBackend(model.open())
    with Colorizer(cache) as colorizer:
        found: dict[str, dict[str, dict[str, Stability]]] = {}
        if photos is not None:
            made = made_up_clips(open_photos(photos), count=CLIPS, frames=CLIP_FRAMES)
            found["made up"] = measure_clips(made, colorizer, cache)
        if videos:
            found["real"] = measure_clips(real_clips(videos, frames=REAL_FRAMES), colorizer, cache)
        costs = measure_cost(cache)
    summaries = {kind: summary(clips_of_kind) for kind, clips_of_kind in found.items()}
    for kind, rows in summaries.items():
        _print(f"{kind} clips ({len(found[kind])}), relative to off", rows)
    _print("core-ms a frame without the network", costs)
    plain = {
        kind: {clip: {name: asdict(one) for name, one in settings.items()} for clip, settings in each.items()}
        for kind, each in found.items()
    }
    document = new_document(
        "cgan-steadiness", 1, describe_machine(model.threads, load.share()), model=cache.manifest.file,
        sha256=cache.manifest.sha256, relative_to_off=summaries, path_core_ms=costs, clips=plain,
    )  # fmt: skip
    write_document(document, json_file)


if __name__ == "__main__":
    main()
