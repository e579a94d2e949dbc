"""A rehearsal before the first frame is colored: the whole container in memory, with one blank frame.

    muxer, losses = rehearse(output, reader, layout, settings)
    writer = VideoWriter(output, reader, layout, settings, muxer=muxer)

What cannot be opened or closed fails here. What was written is read again: what is missing there is named.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.stream import Disposition, Stream

from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.output import Output
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.segments import Colored
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.video.write.stream_copy import FLAGS, lasting_tags, without_second_pass
from cgan_runtime.video.write.tracks import TIMECODE, stream_name
from cgan_runtime.video.write.writer import TIMELESS, VideoWriter, container_options

_ANY_TAGS = "use_metadata_tags"  # lets mp4 and mov hold tags of any name, which fewer programs show
_TECHNICAL = frozenset({"handler_name", "vendor_id", TIMECODE, "filename", "mimetype"})
_MARKS = {mark: mark.name.replace("_", " ") for mark in Disposition if mark.name and mark != Disposition.attached_pic}


class _Memory(Output):
    """An output in memory, in place of a file or a stream."""

    def __init__(self, suffix: str) -> None:
        super().__init__(None, suffix)
        self.destination: Any = io.BytesIO()

    def __str__(self) -> str:
        return "memory"


@dataclass(frozen=True)
class _Losses:
    """What the rehearsed container does not hold of the input."""

    tags: tuple[str, ...]
    marks: tuple[str, ...]
    chapters: bool

    def notes(self, container_format: str) -> list[str]:
        """One sentence for each kind."""
        notes = []
        if self.tags:
            notes.append(f"{container_format} cannot hold these tags, which are left out: {', '.join(self.tags)}")
        if self.marks:
            notes.append(f"{container_format} cannot mark streams so, which is left out: {', '.join(self.marks)}")
        if self.chapters:
            notes.append(f"{container_format} cannot hold chapters, which are left out")
        return notes


def rehearse(
    output: Output, reader: VideoReader, layout: FrameLayout, settings: EncoderSettings
) -> tuple[dict[str, str], list[str]]:
    """Write and read the container of a video, in memory.

    Returns:
        Options of the muxer to write it with, and a sentence for each kind of thing that it cannot hold.

    Raises:
        MediaError: It cannot be written.
        ConfigError: As of `VideoWriter`.
    """
    kind = WRITTEN_VIDEOS[output.suffix]
    if kind in TIMELESS:
        return {}, []
    normal = container_options(kind, reader, output)
    muxer: dict[str, str] = {}
    try:
        losses = _try(output, reader, layout, settings, normal)
    except MediaError:
        if TIMECODE not in {tag for stream in reader.container.streams for tag in stream.metadata}:
            raise
        muxer = {"write_tmcd": "0"}
        losses = _try(output, reader, layout, settings, normal | muxer)
    if losses.tags and FLAGS in normal:
        any_tags = muxer | {FLAGS: f"{normal[FLAGS]}+{_ANY_TAGS}".lstrip("+")}
        others = _try(output, reader, layout, settings, normal | any_tags)
        if len(others.tags) < len(losses.tags):
            muxer, losses = any_tags, others
    return muxer, losses.notes(kind)


def _try(
    output: Output, reader: VideoReader, layout: FrameLayout, settings: EncoderSettings, muxer: dict[str, str]
) -> _Losses:
    memory = _Memory(output.suffix)
    with VideoWriter(memory, reader, layout, settings, muxer=without_second_pass(muxer)) as writer:
        blank = av.VideoFrame(*layout.stored_size, layout.pixel_format)
        for plane in blank.planes:
            plane.update(bytes(plane.buffer_size))  # encoders may crash at codes beyond the bit depth
        blank.pts, blank.time_base = reader.first.pts, reader.first.time_base
        for index, track in writer.tracks.items():
            if index in reader.first_packets:
                track.rehearse(reader.first_packets[index])
        writer.write(Colored(blank))
        writer.finish()
        pairs = {index: track.stream.index for index, track in writer.tracks.items()}
    memory.destination.seek(0)
    with av.open(memory.destination, metadata_errors="replace") as written:
        return _compare(reader, written, pairs | {reader.stream.index: 0})


def _compare(reader: VideoReader, written: av.container.InputContainer, pairs: dict[int, int]) -> _Losses:
    """What is missing in a written container; `pairs` has its streams' indices by those of the input."""
    source = reader.container
    tags, marks = list(_missing_tags(source.metadata, written.metadata)), []
    for index, other in pairs.items():
        if other >= len(written.streams):
            continue
        before, after = source.streams[index], written.streams[other]
        name = _name(before, reader)
        own = {key: value for key, value in before.metadata.items() if source.metadata.get(key) != value}
        tags += [f"{tag} of {name}" for tag in _missing_tags(own, after.metadata)]
        lost = before.disposition & ~after.disposition
        marks += [f"{name} as {text}" for mark, text in _MARKS.items() if mark in lost]
    chapters = len(reader.line.chapters()) > len(written.chapters())
    return _Losses(tuple(tags), tuple(marks), chapters)


def _missing_tags(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    there = {key.lower(): value for key, value in after.items()}
    for key, value in lasting_tags(before).items():
        if key.lower() in _TECHNICAL or value in ("", "und"):
            continue
        kept = there.get(key.lower())
        if kept is None or (key.lower() == "language" and kept == "und" != value):
            yield f"{key} ({value})" if key.lower() == "language" else key


def _name(stream: Stream, reader: VideoReader) -> str:
    return "the video" if stream.index == reader.stream.index else stream_name(stream)
