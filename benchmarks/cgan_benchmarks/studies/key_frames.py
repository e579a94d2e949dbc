"""What a colored key frame is worth: the rest of its shot, with and without it, and what lies behind the cut.

    python -m cgan_benchmarks.studies.key_frames --model guided.onnx --photos photos-val.tar --clips videos/

The keys are frames of the clip in their true colors. All frames are colored as `cgan-run --keys` colors them, at
the network's size: by the memory of the keys, and by the temporal filter, which carries colors along the motion.
Key frames themselves are not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path

import click
import cv2
import numpy as np
import torch

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.options import PATH, ModelOptions, OutputFileType, json_option, model_options, study_command
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.synthetic_motion import Clip, made_up_clips, real_clips, videos_in
from cgan_runtime.backends.base import Backend, FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError
from cgan_runtime.guide.memory import HINT_STRIDE, KEYS, rows_of, takes_guide
from cgan_runtime.guide.pictures import Picture
from cgan_runtime.guide.plan import Anchor, GuidePlan
from cgan_runtime.guide.shots import ShotFinder
from cgan_runtime.manifest import AB_SCALE
from cgan_runtime.network_shape import network_shape
from cgan_runtime.temporal.filter import TemporalFilter
from cgan_train.color import lightness_of_gray
from cgan_train.data.sources import Image, open_photos
from cgan_train.evaluation.contact_sheet import write_png
from cgan_train.evaluation.metrics import ciede2000, lab_of_image, rgb_of_lab

CLIPS, CLIP_FRAMES = 12, 24  # made up
REAL_FRAMES, REAL_STEP = 100, 4  # of a real clip every fourth frame is measured
PICTURED = 6  # clips in the picture

_NO_COLOR = np.array([1, 0, 0], np.float32)  # factors of L*, a* and b*


@dataclass(frozen=True)
class Frame:
    """A frame at the network's size: true L*a*b*, (h, w, 3), and L*/50 - 1 as the network sees it, (h, w)."""

    truth: FloatArray
    lightness: FloatArray


@dataclass(frozen=True)
class Found:
    """Figures of one clip: how far the mean CIEDE2000 of all measured frames lies below the gray frames'.

    Attributes:
        shots: Number of shots.
        automatic: As a fraction, without keys.
        first: The first frame of each shot is its key.
        both: The first and the last frame are keys; None where no shot has a frame between.
        behind_cut: Of all shots but the first, where only the first one has a key, as `cgan-run` colors them; None
            for a single shot.
        behind_missed_cut: Of the same frames, with the key of the shot before in memory, as if the cut were not seen.
        behind_cut_automatic: Of the same frames, without any key.
    """

    shots: int
    automatic: float
    first: float
    both: float | None
    behind_cut: float | None
    behind_missed_cut: float | None
    behind_cut_automatic: float | None


def frames_of(clip: Clip, backend: Backend) -> list[Frame]:
    """The frames of a clip as the network sees them."""
    height, width = clip.frames[0].truth.shape[:2]
    shape = network_shape(width / height, backend.manifest.size, backend.manifest.size_multiple)

    def fitted(image: FloatArray | Image) -> FloatArray:
        return np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA))

    return [
        Frame(
            lab_of_image(fitted(moving.truth).astype(np.uint8)),
            fitted(lightness_of_gray(torch.from_numpy(moving.luma.astype(np.float32) / 65535)).numpy()),
        )
        for moving in clip.frames
    ]


def shots_of(frames: Sequence[Frame]) -> list[range]:
    """The shots of a clip, as the runtime finds them."""
    finder = ShotFinder()
    for frame in frames:
        finder.add(frame.lightness)
    return [range(*ends) for ends in pairwise([*finder.finish(), len(frames)])]


class Memory:
    """Anchors of frames in their true colors, each made once."""

    def __init__(self, frames: Sequence[Frame], backend: Backend) -> None:
        self._frames, self._backend = frames, backend
        self._made: dict[int, tuple[FloatArray, FloatArray]] = {}

    def plan(self, shots: Iterable[tuple[range, Sequence[int]]]) -> GuidePlan:
        """The plan in which keys, frame numbers, count in a range of frames."""
        height, width = self._frames[0].lightness.shape
        anchors = [self._anchor(key, shot) for shot, keys in shots for key in keys]
        grid = height // HINT_STRIDE, width // HINT_STRIDE
        return GuidePlan((), (height, width), grid, anchors=tuple(sorted(anchors, key=lambda anchor: anchor.frame)))

    def _anchor(self, key: int, shot: range) -> Anchor:
        if key not in self._made:
            frame = self._frames[key]
            colors = Picture.of(rgb_of_lab(frame.truth), frame.lightness.shape).colors
            keys = self._backend.infer(frame.lightness[None, None])[KEYS][0].copy()
            self._made[key] = rows_of(keys, colors, nearness=1), colors
        rows, colors = self._made[key]
        return Anchor(key, shot.start, shot.stop, rows.astype(np.float16), colors.astype(np.float16))


def colored(frames: Sequence[Frame], backend: Backend, plan: GuidePlan | None) -> Iterator[FloatArray]:
    """The truth of all frames, in order, with the colors that they get, L*a*b*, (h, w, 3)."""
    colorizer, temporal = Colorizer(backend), TemporalFilter()
    for number, frame in enumerate(frames):
        if plan is not None and plan.changes_at(number):
            temporal.ask()
        chroma = colorizer.step(frame.lightness, temporal, None if plan is None else plan.at(number))
        ab = np.moveaxis(chroma, 0, -1) * np.float32(AB_SCALE)
        yield np.concatenate((frame.truth[..., :1], ab), axis=-1)


def measure_clip(frames: Sequence[Frame], backend: Backend, step: int = 1) -> Found:
    """Measure every `step`th frame of a clip, but no keys."""
    shots, memory = shots_of(frames), Memory(frames, backend)
    first = [shot.start for shot in shots]
    ends = sorted({shot.start for shot in shots} | {shot.stop - 1 for shot in shots})
    numbers = [number for number in range(len(frames)) if number % step == 0]
    gray = {number: _error(frames[number], frames[number].truth * _NO_COLOR) for number in numbers}

    def errors(numbers: Sequence[int], plan: GuidePlan | None) -> dict[int, float]:
        chosen = set(numbers)
        labs = enumerate(colored(frames, backend, plan)) if chosen else ()
        return {number: _error(frames[number], lab) for number, lab in labs if number in chosen}

    def nearer(errors: dict[int, float], numbers: Sequence[int]) -> float | None:
        whole = sum(gray[number] for number in numbers)
        return 1 - sum(errors[number] for number in numbers) / whole if whole else None

    inside = [number for number in numbers if number not in first] or numbers
    between = [number for number in numbers if number not in ends]
    behind = [number for number in numbers if number >= shots[0].stop]
    automatic = errors(numbers, None)
    keyed = errors(inside, memory.plan([(shot, [shot.start]) for shot in shots]))
    both = errors(between, memory.plan([(shot, sorted({shot.start, shot.stop - 1})) for shot in shots]))
    keyed_before = errors(behind, memory.plan([(shots[0], [shots[0].start])]))
    missed = errors(behind, memory.plan([(later, [before.start]) for before, later in pairwise(shots)]))
    return Found(
        len(shots), nearer(automatic, inside) or 0.0, nearer(keyed, inside) or 0.0, nearer(both, between),
        nearer(keyed_before, behind), nearer(missed, behind), nearer(automatic, behind),
    )  # fmt: skip


def row_of_frames(frames: Sequence[Frame], backend: Backend) -> Image:
    """The key, and the middle of its shot: gray, automatic, with the key, true; side by side."""
    shot = max(shots_of(frames), key=len)
    plan, number = Memory(frames, backend).plan([(shot, [shot.start])]), shot[len(shot) * 3 // 4]
    truth = frames[number].truth
    ways = (next(islice(colored(frames, backend, way), number, None)) for way in (None, plan))
    shown = [frames[shot.start].truth, truth * _NO_COLOR, *ways, truth]
    return np.hstack([np.pad(rgb_of_lab(lab), ((0, 4), (0, 4), (0, 0)), constant_values=255) for lab in shown])


def summary(found: Iterable[Found]) -> dict[str, float | None]:
    """Means over clips; of what some clips do not have, over the others."""
    rows = [asdict(each) for each in found]
    columns = {key: [row[key] for row in rows if row[key] is not None] for key in rows[0]}
    return {key: float(np.mean(values)) if values else None for key, values in columns.items()}


def _error(frame: Frame, lab: FloatArray) -> float:
    return float(ciede2000(lab, frame.truth).mean())


def _print(found: dict[str, dict[str, Found]]) -> None:
    titles = (
        "clip",
        "shots",
        "automatic",
        "first",
        "first and last",
        "behind the cut",
        "missed cut",
        "automatic there",
    )
    rows = []
    for kind, clips in found.items():
        each_clip = {name: asdict(each) for name, each in clips.items()}
        for name, row in (each_clip | {f"all {kind}": summary(clips.values())}).items():
            shots, *figures = row.values()
            rows.append((name, f"{shots:g}"[:4], *("" if each is None else f"{100 * each:.1f} %" for each in figures)))
    print_table(titles, rows)


@study_command
@click.option("--photos", type=PATH, help="Folder or tar shard of photos in color, for made-up clips.")
@click.option("--clips", type=PATH, help="Folder of videos in color.")
@click.option("--image", type=OutputFileType(), help="Draw frames of some clips there, as PNG.")
@model_options
@json_option()
def main(
    photos: Path | None, clips: Path | None, image: Path | None, model: ModelOptions, json_file: Path | None
) -> None:
    """Measure how much nearer to the true colors a guided model comes with key frames.

    All figures are CIEDE2000 below the gray frames', so that 0 % is no better than gray.
    """
    if photos is None and clips is None:
        raise click.UsageError("give --photos, --clips, or both")
    kinds: dict[str, tuple[Iterator[Clip], int]] = {}
    if clips is not None:
        kinds["real"] = real_clips(videos_in(clips), frames=REAL_FRAMES), REAL_STEP
    if photos is not None:
        kinds["made up"] = made_up_clips(open_photos(photos), count=CLIPS, frames=CLIP_FRAMES), 1
    found: dict[str, dict[str, Found]] = {}
    pictures: list[Image] = []
    with model.open() as backend:
        if not takes_guide(backend.manifest):
            raise ConfigError(f"{backend.manifest.file} takes no guide; give a guided model with --model")
        for kind, (source, step) in kinds.items():
            for clip in source:
                frames = frames_of(clip, backend)
                found.setdefault(kind, {})[clip.name] = measure_clip(frames, backend, step)
                if image is not None and len(pictures) < PICTURED:
                    pictures.append(row_of_frames(frames, backend))
    _print(found)
    if image is not None:
        widest = max(picture.shape[1] for picture in pictures)
        sheet = [np.pad(each, ((0, 0), (0, widest - each.shape[1]), (0, 0)), constant_values=255) for each in pictures]
        write_png(image, np.vstack(sheet))
    document = new_document(
        "cgan-key-frames", 1, describe_machine(model.threads), model=backend.manifest.file,
        sha256=backend.manifest.sha256, means={kind: summary(each.values()) for kind, each in found.items()},
        clips={kind: {name: asdict(each) for name, each in rows.items()} for kind, rows in found.items()},
    )  # fmt: skip
    write_document(document, json_file)


if __name__ == "__main__":
    main()
