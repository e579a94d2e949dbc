"""A rehearsal before the first frame is colored: the whole container in memory, with one blank frame.

    muxer, losses = rehearse(output, reader, layout, settings)
    writer = VideoWriter(output, reader, layout, settings, muxer=muxer)

What cannot be opened or closed fails here. What was written is read again: what is missing there is named.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import av
from av.stream import Disposition

from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.output import Output
from cgan_runtime.video.ffmpeg_errors import translate_ffmpeg_errors
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.segments import Colored
from cgan_runtime.video.side_data import lost_side_data
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.video.write.losses import Losses, compare
from cgan_runtime.video.write.stream_copy import FLAGS, without_second_pass
from cgan_runtime.video.write.tracks import APPLE_CONTAINERS, TIMECODE
from cgan_runtime.video.write.writer import TIMELESS, VideoWriter, container_options

_ANY_TAGS = "use_metadata_tags"  # lets mp4 and mov hold tags of any name, which fewer programs show


class _Memory(Output):
    """An output in memory, in place of a file or a stream."""

    def __init__(self, suffix: str) -> None:
        super().__init__(None, suffix)
        self.destination: Any = io.BytesIO()

    def __str__(self) -> str:
        return "memory"


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
        return {}, Losses(side_data=tuple(lost_side_data(reader.first, None))).notes(kind)
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
        if others.weight < losses.weight:
            muxer, losses = any_tags, others
    return muxer, losses.notes(kind)


def _try(
    output: Output, reader: VideoReader, layout: FrameLayout, settings: EncoderSettings, muxer: dict[str, str]
) -> Losses:
    memory, source = _Memory(output.suffix), reader.container
    with VideoWriter(memory, reader, layout, settings, muxer=without_second_pass(muxer)) as writer:
        blank = av.VideoFrame(*layout.stored_size, layout.pixel_format)
        for plane in blank.planes:
            plane.update(bytes(plane.buffer_size))  # encoders may crash at codes beyond the bit depth
        blank.pts, blank.time_base = reader.first.pts, reader.first.time_base
        with translate_ffmpeg_errors(output):
            begun = [index for index, track in writer.tracks.items() if track.rehearse(reader.first_packets.get(index))]
        writer.write(Colored(blank))
        writer.finish()
        covers = [index for index in begun if source.streams[index].disposition & Disposition.attached_pic]
        # Streams without packets have no place in mp4 and mov.
        there = begun if WRITTEN_VIDEOS[output.suffix] in APPLE_CONTAINERS else list(writer.tracks)
        indices = {index: writer.tracks[index].stream.index for index in there if index not in covers}
    memory.destination.seek(0)
    with av.open(memory.destination, metadata_errors="replace") as written:
        losses = compare(reader, written, indices | {reader.stream.index: 0}, covers=len(covers))
        side_data = lost_side_data(reader.first, _first_frame(written), WRITTEN_VIDEOS[output.suffix])
        return replace(losses, side_data=tuple(side_data))


def _first_frame(written: av.container.InputContainer) -> av.VideoFrame | None:
    try:
        return next(written.decode(video=0), None)
    except (av.FFmpegError, IndexError):  # IndexError: a blank frame is not enough to tell that it is video
        return None
