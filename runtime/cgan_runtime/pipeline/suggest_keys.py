"""Find the frames of a video that would help most as keys, and write them as gray images to be painted.

    for key in suggest_keys(Path("in.mp4"), Path("keys"), colorizer, count=10):
        print(key.path, key.frame, key.share)

The images are RGB, so that any editor paints colors into them; their names are those that keys have.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from cgan_runtime.callbacks import ProgressCallback
from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.output import FileOutput
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.guide.choice import Choice, Sample, Suggestion
from cgan_runtime.guide.keys import SHEET, find_keys
from cgan_runtime.guide.pictures import Picture, pixels_of
from cgan_runtime.guide.settings import Guide
from cgan_runtime.guide.shots import ShotFinder
from cgan_runtime.image.read_write import write_image
from cgan_runtime.pipeline.color_stage import network_view, shown_luma
from cgan_runtime.pipeline.guiding import video_frames
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.contact_sheet import thumbnail, tile
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.open_writer import plan_layout

FIRST_STEP = 8  # frames between two samples at the beginning of a shot; doubled each time they become many
MOST_SAMPLES = 24  # of a shot
_THUMBNAIL = (64, 64)  # at which a key is looked at: is it painted?


@dataclass(frozen=True)
class SuggestedKey:
    """A frame that was written.

    Attributes:
        path: Of the gray image.
        frame: Its number, from 0.
        time: Seconds from the first frame.
        share: Of the video, that would have its colors from this key, by similarity, beyond what is known without it.
    """

    path: Path
    frame: int
    time: float
    share: float


def suggest_keys(
    source: Path,
    folder: Path,
    colorizer: Colorizer,
    *,
    count: int,
    settings: VideoSettings = VideoSettings(),
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> list[SuggestedKey]:
    """Write the frames that would help most, and a contact sheet, into a folder, which is made if need be.

    Args:
        source: The video.
        folder: Where they go. The folder of the keys themselves may be given: no key is replaced.
        colorizer: With a model that takes a guide; used in this thread.
        count: How many frames, at most.
        settings: How the video is read; the keys of its guide are known already.
        overwrite: Allow the folder to hold images.
        progress: Called after each frame that was looked at.

    Raises:
        MediaError: The video cannot be read, or the folder not be written, or it holds images.
        ConfigError: The model takes no keys.
    """
    colorizer.check_guide()
    is_keys = settings.guide.keys is not None and Path(folder) == Path(settings.guide.keys)
    _make(folder, overwrite=overwrite or is_keys)
    known = _painted_keys(settings.guide)
    with VideoReader(
        source, stream=settings.stream, deinterlace=settings.deinterlace, levels=settings.levels
    ) as reader:
        layout = plan_layout(reader, settings.encoder, FileOutput(folder / "keys.mkv"), compare=False)
        sampler = _Sampler(colorizer, Choice(count), known)
        for number, frame in enumerate(video_frames(reader)):
            sampler.look(number, network_view(frame, layout, colorizer))
            if progress is not None:
                progress(number + 1, reader.stated_frames)
        chosen = {each.frame: each.helps for each in sampler.finish()}
        frames, pixels = sampler.frames, Fraction(reader.stream.sample_aspect_ratio or 1)
    written: list[SuggestedKey] = []
    images: list[Plane] = []
    with VideoReader(
        source, stream=settings.stream, deinterlace=settings.deinterlace, levels=settings.levels
    ) as reader:
        began = float(reader.first.time or 0)
        for number, frame in enumerate(video_frames(reader)):
            if len(written) == len(chosen):
                break
            if number not in chosen:
                continue
            path = folder / f"{number:06d}.png"
            if overwrite or not path.exists():
                write_image(path, gray_rgb(shown_luma(frame, layout)[0], layout.encoding))
            time = float(frame.time or 0) - began
            written.append(SuggestedKey(path, number, time, chosen[number] / frames))
            images.append(thumbnail(frame, pixels, name=path.name))
    if images:
        write_image(folder / SHEET, tile(images))
    return written


def gray_rgb(luma: Plane, encoding: Encoding) -> Plane:
    """Luma codes as a gray image, uint8 (H, W, 3)."""
    scaled = (luma.astype(np.float32) - encoding.black) * np.float32(255 / encoding.luma_span)
    gray = np.rint(scaled).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(gray[..., None], (*gray.shape, 3)))


class _Sampler:
    """Takes samples of each shot, and hands them to the choice when the shot is over."""

    def __init__(self, colorizer: Colorizer, choice: Choice, known: Collection[int]) -> None:
        self.frames = 0
        self._colorizer, self._choice, self._known = colorizer, choice, known
        self._finder = ShotFinder()
        self._samples: list[Sample] = []
        self._step, self._start = FIRST_STEP, 0

    def look(self, number: int, view: FloatArray) -> None:
        """Look at the next frame as the network sees it."""
        self._finder.add(view)
        self.frames = number + 1
        if (start := self._finder.starts[-1]) != self._start:
            self._end_shot(start)
        is_key = number in self._known
        if is_key or (number - self._start) % self._step == self._step // 2:
            self._samples.append(Sample.of(number, 1, self._colorizer.keys(view), is_key=is_key))
        if sum(not sample.is_key for sample in self._samples) > MOST_SAMPLES:
            others = [sample for sample in self._samples if not sample.is_key][1::2]
            self._samples = sorted(
                [*others, *(sample for sample in self._samples if sample.is_key)], key=lambda each: each.frame
            )
            self._step *= 2

    def finish(self) -> list[Suggestion]:
        """The frames that would help most."""
        for start in self._finder.finish():
            if start > self._start:
                self._end_shot(start)
        self._end_shot(self.frames)
        return self._choice.best()

    def _end_shot(self, end: int) -> None:
        """Hand on the samples before a frame, with the number of frames that each stands for."""
        mine = [sample for sample in self._samples if sample.frame < end]
        each = (end - self._start) / max(1, len(mine))
        self._choice.add([replace(sample, frames=each) for sample in mine])
        self._samples = [sample for sample in self._samples if sample.frame >= end]
        self._step, self._start = FIRST_STEP, end


def _make(folder: Path, *, overwrite: bool) -> None:
    """Make the folder, or see that it may be used."""
    with storage_errors("write into", folder, "name another folder with --suggest-keys"):
        folder.mkdir(exist_ok=True)
        if not overwrite and any(path.suffix.lower() in IMAGES for path in folder.iterdir()):
            raise MediaError(
                f"{folder} holds images already; name a new folder with --suggest-keys, or allow it with --overwrite"
            )


def _painted_keys(guide: Guide) -> set[int]:
    """The frames whose keys have colors; those that are named by time are left out."""
    if guide.keys is None:
        return set()
    return {
        key.frame
        for key in find_keys(guide.keys)[0]
        if key.frame is not None and not Picture.of(pixels_of(key.path), _THUMBNAIL).is_gray
    }
