"""Videos out as numbered images: what `writer.VideoWriter` does, one file for each frame.

    with ImageWriter(target, reader, work) as writer:
        writer.write(colored_or_kept_frame_or_packet)
        writer.finish()

Each image appears under its name when it is complete, upright, in RGB, with the luma of its frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from cgan_runtime.color.lab import rgb_of_codes
from cgan_runtime.errors import MediaError
from cgan_runtime.files.image_sequence import Numbered
from cgan_runtime.image.read_write import DEEP, write_image
from cgan_runtime.video.frame_layout import FrameLayout, planes_of, quarter_turns
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import Source
from cgan_runtime.video.resume.items import AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES, Segment
from cgan_runtime.video.resume.work_folder import Work, kept_frames
from cgan_runtime.video.write.frame_rate import Pace

_KINDS = {"audio": "sound", "subtitle": "subtitles", "video": "further video"}
_FIRST = 1  # number of a video's first image
_FORMATS = tuple(f"yuv444p{depth}" for depth in ("", "9le", "10le", "12le", "14le", "16le"))


class ImageWriter:
    """A video being written as images. Used in one thread at a time.

    Attributes:
        layout: How its frames are made: with chroma as large as luma, since RGB has no other.
        size: Width and height of the images.
        notes: What is not kept as it was, one sentence each.
        frames: Written so far.
        bytes: Of all images.
    """

    def __init__(
        self, target: Path, reader: VideoReader, work: Work | None = None, *, compare: bool = False
    ) -> None:
        """Decide everything.

        Args:
            target: The pattern of the images' names.
            reader: The video that is colored; numbered images keep their numbers.
            work: Where it is kept how far this is; None keeps nothing.
            compare: The frames show the gray image beside the colored one.
        """
        images = _images(target)
        first = reader.first
        self.layout = FrameLayout.plan(
            first, codec=reader.stream.codec_context.name, accepted=_FORMATS, encoder=None, compare=compare
        )
        self._turns = quarter_turns(first)
        width, height = self.layout.stored_size
        self.size = (height, width) if self._turns % 2 else (width, height)
        self.frames = self.bytes = 0
        self._images, self._work = images, work
        self._start = _first_number(reader.path)
        self._others = set(images.numbers())  # that were there before
        self._segment: Segment | None = None
        self._pace = Pace()
        self.notes = [*self.layout.notes, *_lost(target, reader, self.layout.encoding.bits)]

    def __enter__(self) -> ImageWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._segment is not None:
            self._segment.close()

    def write(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Take a colored frame; what else a video holds has no place in images.

        Raises:
            MediaError: It cannot be written, or an image that was kept has gone.
        """
        if isinstance(item, (av.Packet, Skipped)):
            return
        number = self._start + self.frames
        path = self._images.path(number)
        if isinstance(item, Colored):
            if self.frames % SEGMENT_FRAMES == 0:
                self._end_segment(item.memory)
                self._segment = self._work.segment(self.frames // SEGMENT_FRAMES) if self._work else None
            self._pace.note(item.frame.pts or 0)
            planes = planes_of(item.frame, self.layout.encoding.bits)
            rgb = rgb_of_codes(*planes, self.layout.encoding)
            write_image(path, np.ascontiguousarray(np.rot90(rgb, self._turns)))
            if self._segment is not None:
                self._segment.add(av.Packet())  # the image itself stands under its own name
        elif not path.is_file():
            raise MediaError(f"{path}, of an earlier run, has gone; start again with --overwrite")
        self._others.discard(number)
        self.bytes += path.stat().st_size
        self.frames += 1

    def finish_keeping(self, memory: bytes) -> None:
        """Complete what is kept so far; `memory` is what the painter remembers, for a run that goes on."""
        self._end_segment(memory)

    def finish(self) -> None:
        """Complete what is kept, and say what only the end shows."""
        self._end_segment(b"")
        if self._pace.varies:
            self.notes.append("the video's frames last differently long, which images cannot hold")
        if self._others:
            first = self._images.path(min(self._others)).name
            self.notes.append(f"of the images that were there, {len(self._others)} stay, {first} first")

    def _end_segment(self, memory: bytes) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        first = (self.frames - 1) // SEGMENT_FRAMES * SEGMENT_FRAMES
        try:
            for number in range(first, self.frames):
                _flush(self._images.path(self._start + number))
            segment.complete(memory)
        except OSError as error:
            folder = self._images.folder
            raise MediaError(f"cannot write into {folder} ({error.strerror}); is the disk full?") from error


def _lost(target: Path, reader: VideoReader, bits: int) -> Iterator[str]:
    """What of a video images cannot hold, one sentence each."""
    others = (stream.type for stream in reader.container.streams if stream.index != reader.stream.index)
    if left := sorted({_KINDS.get(kind, kind) for kind in others}):
        yield f"images hold no {' and no '.join(left)}: left out"
    if bits > 8 and target.suffix.lower() not in DEEP:
        yield f"{target.suffix} holds no {bits}-bit image: 8 bits are kept; .png and .tif keep more"
    aspect = reader.stream.sample_aspect_ratio or 1
    if aspect != 1:
        yield f"the video's pixels are {aspect} as wide as high, which its images do not say"


def _first_number(source: Path | Source) -> int:
    """Of the images that are made of a video: that of its own first image, if it has one."""
    return int(source.options.get("start_number", _FIRST)) if isinstance(source, Source) else _FIRST


def check_images(
    target: Path,
    *,
    source: Path | Source,
    overwrite: bool,
    resume: bool = False,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Refuse to write over images without leave, and over those that are read.

    Args:
        target: The pattern of the images' names.
        source: The video.
        overwrite: Allow images to exist.
        resume: Allow those of an earlier run with the same settings, of which nothing is done for good.
        settings: All that decides what they look like, by names for people.

    Raises:
        MediaError: They are there, or are the input.
    """
    images = _images(target)
    if isinstance(source, Source) and Path(source.name).resolve() == target.resolve():
        raise MediaError(f"the output {target} is the input itself; name other images with -o")
    there = images.numbers()
    if not there or overwrite or kept_frames(target):
        return
    is_begun = settings is not None and _is_begun(target, settings)
    if not (resume and is_begun):
        go_on = "go on with --resume, " if is_begun else ""
        raise MediaError(
            f"{images.path(there[0])} exists already, one of {len(there)}; {go_on}name others with -o, "
            "or allow it with --overwrite"
        )


def _is_begun(target: Path, settings: Mapping[str, str]) -> bool:
    """Whether an earlier run with these settings has left its work folder."""
    try:
        with Work.share(target, settings):
            return True
    except MediaError:
        return False


def _images(target: Path) -> Numbered:
    images = Numbered.of(target)
    if images is None:
        raise MediaError(f"{target} numbers no images; give a pattern such as frames/%05d.png")
    return images


def _flush(path: Path) -> None:
    """Let an image outlive a power cut."""
    with path.open("r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())
