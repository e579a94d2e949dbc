"""Write a video as an image sequence, one file for each frame, with the interface of `VideoWriter`.

    check_existing_images(output, source=source, overwrite=False)
    with ImageSequenceWriter(output, reader, layout) as writer:
        writer.write(colored_frame_or_packet)
        writer.finish()

Each image appears under its name when it is complete: upright, in RGB, with the luma of its frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import av
import numpy as np

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.lab import rgb_of_codes
from cgan_runtime.color.transfer import UNCONVERTED
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import Output
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.image.read_write import DEEP, write_image
from cgan_runtime.video.frame_layout import FrameLayout, planes_of
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import FFmpegInput
from cgan_runtime.video.resume.segment_file import SegmentWriter
from cgan_runtime.video.resume.work_folder import WorkFolder, kept_frames
from cgan_runtime.video.segments import SEGMENT_FRAMES, AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.side_data import lost_side_data
from cgan_runtime.video.write.frame_rate import Pace

# Formats that frames are stored in before they become RGB, which has no chroma subsampling.
PIXEL_FORMATS = tuple(f"yuv444p{depth}" for depth in ("", "9le", "10le", "12le", "14le", "16le"))
_KINDS = {"subtitle": "subtitles", "video": "further video"}
_FIRST = 1  # number of the first image


class ImageSequenceWriter(AbstractContextManager["ImageSequenceWriter"]):
    """A video being written as images. Used in one thread at a time."""

    def __init__(
        self, output: Output, reader: VideoReader, layout: FrameLayout, work: WorkFolder | None = None
    ) -> None:
        """Prepare; `layout` is of one of `PIXEL_FORMATS`, and `work` keeps how far the run has come.

        An image sequence as input keeps its numbers. `output.size` counts the bytes of the images.
        """
        assert output.images is not None
        self._output, self._images, self._layout, self._work = output, output.images, layout, work
        self._orientation = Orientation.of(reader.first)
        self.size = self._orientation.shown_size(*layout.stored_size)  # (width, height) of the images
        self.frames = 0  # that were written
        options = reader.path.options if isinstance(reader.path, FFmpegInput) else {}
        self._start = int(options.get("start_number", _FIRST))
        self._others = set(self._images.numbers())  # images that were there before
        self._segment: SegmentWriter | None = None
        self._pace = Pace()
        # What is not kept as it was, one sentence each.
        self.notes = [*layout.notes, *_losses(output.suffix, reader, layout.encoding)]

    def __exit__(self, *_: object) -> None:
        if self._segment is not None:
            self._segment.close()

    def write(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Write a colored frame and leave out what else a video holds.

        Raises a MediaError if it cannot be written, or an image of an earlier run is missing.
        """
        if isinstance(item, (av.Packet, Skipped)):
            return
        number = self._start + self.frames
        path = self._images.path(number)
        if isinstance(item, Colored):
            if self.frames % SEGMENT_FRAMES == 0:
                self.finish_segment(item.filter_state)
                self._segment = self._work.segment(self.frames // SEGMENT_FRAMES) if self._work else None
            self._pace.note(item.frame.pts or 0)
            planes = planes_of(item.frame, self._layout.encoding.bits)
            rgb = rgb_of_codes(*planes, self._layout.encoding)
            write_image(path, np.ascontiguousarray(self._orientation.shown(rgb)))
            if self._segment is not None:
                self._segment.add(av.Packet())  # counts the frame; its image has a file of its own
        elif not path.is_file():
            raise MediaError(f"{path} of an earlier run is missing; start again with --overwrite")
        self._others.discard(number)
        self._output.size += path.stat().st_size
        self.frames += 1

    def finish_segment(self, filter_state: bytes) -> None:
        """Complete the last segment with the temporal filter's state after it; a MediaError if it cannot."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        first = (self.frames - 1) // SEGMENT_FRAMES * SEGMENT_FRAMES
        with storage_errors("write into", self._images.folder, "is the disk full?"):
            for number in range(first, self.frames):
                path = self._images.path(self._start + number)
                with path.open("r+b") as file:  # Windows flushes only files that are open for writing
                    os.fsync(file.fileno())  # so that it survives a power cut
            segment.complete(filter_state)

    def finish(self) -> None:
        """Complete the last segment, and add the notes that only the end of the video shows."""
        self.finish_segment(b"")
        if self._pace.varies:
            self.notes.append("the frames of the video have uneven durations, which images cannot hold")
        if self._others:
            first = self._images.path(min(self._others)).name
            self.notes.append(f"{len(self._others)} images that were there before stay, {first} first")


def _losses(suffix: str, reader: VideoReader, encoding: Encoding) -> Iterator[str]:
    """What images cannot hold of a video, one sentence each."""
    others = (stream.type for stream in reader.container.streams if stream.index != reader.stream.index)
    if kinds := sorted({_KINDS.get(kind, kind) for kind in others}):
        yield f"images hold no {' and no '.join(kinds)}: left out"
    if encoding.bits > 8 and suffix not in DEEP:
        yield f"{suffix} holds no {encoding.bits}-bit image: 8 bits are kept; .png and .tif keep more"
    if encoding.transfer not in UNCONVERTED or encoding.primaries != "bt709":
        names = f"{encoding.transfer}, {encoding.primaries}"
        yield f"the images hold the codes of the video ({names}) and do not say so: programs will take them for sRGB"
    if lost := lost_side_data(reader.first, None):
        yield f"images hold no {' and no '.join(name.removeprefix('the ') for name in lost)}: left out"
    aspect = reader.stream.sample_aspect_ratio or 1
    if aspect != 1:
        yield f"the pixels of the video are {aspect} as wide as high, which its images do not say"


def check_existing_images(
    output: Output,
    *,
    source: Path | FFmpegInput,
    overwrite: bool,
    resume: bool = False,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Refuse to replace the images of a sequence without `overwrite`, and always those that are read.

    Args:
        resume: Allow those of an earlier run with the same settings that has finished no segment.
        settings: Everything that decides how the images look, by names for people.

    Raises:
        MediaError: They exist, or are the input.
    """
    if output.images is None or output.path is None:
        return
    if isinstance(source, FFmpegInput) and Path(source.name).resolve() == output.path.resolve():
        raise MediaError(f"the output {output} is the input itself; name other images with -o")
    existing = output.images.numbers()
    if not existing or overwrite or kept_frames(output.path):
        return
    begun = settings is not None and _is_begun(output, settings)
    if not (resume and begun):
        go_on = "go on with --resume, " if begun else ""
        raise MediaError(
            f"{output.images.path(existing[0])} exists already, one of {len(existing)}; {go_on}name others "
            "with -o, or allow it with --overwrite"
        )


def _is_begun(output: Output, settings: Mapping[str, str]) -> bool:
    """Whether an earlier run with these settings has left its work folder."""
    try:
        with WorkFolder.share(output, settings):
            return True
    except MediaError:
        return False
