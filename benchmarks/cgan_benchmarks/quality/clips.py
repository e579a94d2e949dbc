"""Frames of videos as images to measure on.

    source = frames_of(clips_in(Path("clips")), 12)

Frames are counted from 0 as they are shown. They are what a player shows: upright, as sRGB by the file's own matrix
and range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import av
import numpy as np

from cgan_runtime.errors import DataError, MediaError
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.container import open_options, open_video, video_stream
from cgan_train.data.sources import Image

SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v", ".mpg", ".ts")


def clips_in(path: Path) -> list[Path]:
    """The videos in a folder, by name, or the video that a path is; empty if there are none."""
    if path.is_dir():
        return sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
    return [path] if path.suffix.lower() in SUFFIXES and path.exists() else []


class ClipSource:
    """Frames of videos, each by its file and its number (`places`).

    The frames of one video are decoded together, at the first one that is read, and held until another's is read.
    """

    def __init__(self, places: Sequence[tuple[Path, int]]) -> None:
        self.places = list(places)
        self.names = [f"{path.name}#{number}" for path, number in places]
        self.left_out: dict[str, str] = {}
        self._open: Path | None = None  # the video whose frames are held
        self._frames: dict[int, Image] = {}

    def __len__(self) -> int:
        return len(self.places)

    def read(self, index: int) -> Image:
        """Read one frame, uint8 RGB (H, W, 3); raises DataError if the video has no such frame."""
        path, number = self.places[index]
        if self._open != path:
            wanted = {other for place, other in self.places if place == path}
            self._frames, self._open = dict(_read(path, wanted)), path
        if number not in self._frames:
            raise DataError(f"{path} has no frame {number} that can be read; is it the file that was meant?")
        return self._frames[number]

    def fingerprint(self) -> str:
        """Name all frames and the sizes of their files, not their content."""
        return " ".join(f"{path.name}:{path.stat().st_size}:{number}" for path, number in self.places)


def frames_of(clips: Sequence[Path], count: int) -> ClipSource:
    """Frames from the middle of `count` equal stretches of each video; all frames of a shorter one.

    Raises:
        DataError: A video cannot be read.
    """
    places = []
    for path in clips:
        total = _count(path)
        taken = min(count, total)
        places += [(path, (2 * index + 1) * total // (2 * taken)) for index in range(taken)]
    return ClipSource(places)


def _count(path: Path) -> int:
    """The frames that a video has, by its packets; nothing is decoded."""
    try:
        with closing(open_video(path, open_options(path), None)) as container:
            stream = video_stream(path, container, None)
            total = sum(1 for packet in container.demux(stream) if packet.size and not packet.is_discard)
    except (MediaError, av.FFmpegError) as error:
        raise DataError(str(error)) from error
    if total == 0:
        raise DataError(f"{path} has no frames to measure on; leave it out")
    return total


def _read(path: Path, wanted: set[int]) -> Iterator[tuple[int, Image]]:
    """The wanted frames of a video by number."""
    layout = None
    try:
        with closing(open_video(path, open_options(path), None)) as container:
            stream = video_stream(path, container, None)
            stream.thread_type = "AUTO"
            for number, frame in zip(range(max(wanted) + 1), container.decode(stream), strict=False):
                if number in wanted:
                    layout = layout or FrameLayout.plan(
                        frame, codec=stream.codec_context.name, accepted=("yuv444p",), encoder=None
                    )
                    rgb = frame.reformat(
                        format="rgb24",
                        src_colorspace=None if frame.format.is_rgb else layout.colorspace,
                        src_color_range=layout.color_range,
                    )
                    yield number, np.ascontiguousarray(Orientation.of(frame).shown(rgb.to_ndarray()))
    except (MediaError, av.FFmpegError) as error:
        raise DataError(f"{path} cannot be read ({error}); leave it out") from error
