"""What a written container does not hold of its input, found by reading it again.

losses = compare(reader, written, indices, covers=1)
print(losses.notes("mp4"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import av
from av.stream import Disposition

from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.stream_copy import lasting_tags
from cgan_runtime.video.write.tracks import TIMECODE, stream_name

_TECHNICAL = frozenset({"handler_name", "vendor_id", TIMECODE, "filename", "mimetype", "alpha_mode"})
_SAME = {"name": "title"}  # what mp4 and mov call the title of a stream
_MARKS = {mark: mark.name.replace("_", " ") for mark in Disposition if mark.name and mark != Disposition.attached_pic}
_DATE = "creation_time"
_SHOWN = ("video", "audio", "subtitle")  # types of streams that players show


@dataclass(frozen=True)
class Losses:
    """Names of what is missing, for people."""

    tags: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    covers: int = 0
    chapters: bool = False
    side_data: tuple[str, ...] = ()

    @property
    def weight(self) -> tuple[int, int]:
        """The less, the better."""
        return self.covers + len(self.streams), len(self.tags)

    def notes(self, container_format: str) -> list[str]:
        """One sentence for each kind."""
        notes = []
        if self.streams:
            notes.append(f"{container_format} holds these as data that players do not show: {', '.join(self.streams)}")
        if self.covers:
            notes.append(f"cover images are left out: {container_format} cannot hold them")
        if self.tags:
            notes.append(f"{container_format} cannot hold these tags, which are left out: {', '.join(self.tags)}")
        if self.marks:
            notes.append(f"{container_format} cannot mark streams so, which is left out: {', '.join(self.marks)}")
        if self.chapters:
            notes.append(f"{container_format} cannot hold chapters, which are left out")
        if self.side_data:
            names = ", ".join(self.side_data)
            notes.append(f"PyAV cannot write this into {container_format}, so it is left out: {names}")
        return notes


def compare(
    reader: VideoReader, written: av.container.InputContainer, indices: Mapping[int, int], *, covers: int
) -> Losses:
    """Compare a written container with its input.

    Args:
        reader: The input.
        written: The container.
        indices: Of streams when they were written, by those of the input; without covers and attachments.
        covers: Cover images that were written as streams.
    """
    source = reader.container
    tags = list(_missing_tags(source.metadata, written.metadata))
    marks: list[str] = []
    streams: list[str] = []
    found = [s for s in written.streams if s.type != "attachment" and not s.disposition & Disposition.attached_pic]
    for index, after in zip(sorted(indices, key=lambda index: indices[index]), found, strict=False):
        before = source.streams[index]
        name = "the video" if index == reader.stream.index else stream_name(before)
        if before.type in _SHOWN and after.type != before.type:
            streams.append(name)
            continue
        own = {key: value for key, value in before.metadata.items() if not (key == _DATE and _DATE in source.metadata)}
        tags += [f"{tag} of {name}" for tag in _missing_tags(own, after.metadata)]
        lost = before.disposition & ~after.disposition
        marks += [f"{name} as {text}" for mark, text in _MARKS.items() if mark in lost]
    kept = sum(bool(stream.disposition & Disposition.attached_pic) for stream in written.streams)
    chapters = len(reader.line.chapters()) > len(written.chapters())
    return Losses(tuple(tags), tuple(marks), tuple(streams), max(0, covers - kept), chapters)


def _missing_tags(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    there = {_key(key): value for key, value in after.items()}
    for key, value in lasting_tags(before).items():
        if key.lower() in _TECHNICAL or value in ("", "und"):
            continue
        kept = there.get(_key(key))
        if kept is None or (_key(key) == "language" and kept == "und" != value):
            yield f"{key} ({value})" if _key(key) == "language" else key


def _key(key: str) -> str:
    return _SAME.get(key.lower(), key.lower())
