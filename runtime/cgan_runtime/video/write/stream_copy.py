"""Copies of streams: whether a container takes one is asked of its muxer, by trying it in memory.

if takes_copy(output.format.name, options, stream, packet):
    copy = add_copy(output, stream)                 # now its packets can be written
"""

from __future__ import annotations

import io
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.stream import Stream

_STALE_TAGS = frozenset(
    {"encoder", "software", "duration", "number_of_frames", "number_of_bytes", "bps", "rotate", "variant_bitrate"}
)
_CONTAINER_TAGS = frozenset({"major_brand", "minor_version", "compatible_brands"})  # of the input's container
FLAGS = "movflags"  # options of mp4 and mov
_SECOND_PASS = "faststart"  # a flag that lets the muxer read what it has written
_NO_FLAGS = "0"
_TAKES_ALL = "mpegts"  # also what no program will know, as data
_NAME = "name"  # what mp4 and mov call the title of a stream when they are read
_SILENCE = bytes(64)  # whole samples of any PCM up to 64 bits and 8 channels
_IMAGE_TYPES = {"mjpeg": "jpeg"}  # of attachments, if they are not called like the codec


def add_copy(output: av.container.OutputContainer, source: Stream) -> Stream:
    """Add a stream whose packets are copied from `source`, also of a codec that PyAV does not list.

    Raises:
        ValueError: It is of a kind that PyAV does not copy.
    """
    try:
        return output.add_stream_from_template(source, opaque=True)
    except ValueError:  # not on PyAV's list, which is shorter than what muxers take
        template = source
    copy = output.add_data_stream()
    if source.codec_context is not None:
        neutral = av.open(io.BytesIO(), "w", format="null")  # takes every codec; forgets the container's tag
        template = neutral.add_stream_from_template(source, opaque=True)
    BitStreamFilterContext("null", template, copy)  # passes on the parameters of the codec
    if source.time_base:
        copy.time_base = source.time_base
    return copy


def takes_copy(container_format: str, options: dict[str, str], stream: Stream, packet: av.Packet[Any] | None) -> bool:
    """Whether a muxer takes a copy of a stream, from header to trailer; `packet` is one of the stream."""
    memory = io.BytesIO()
    try:
        options = without_second_pass(options)
        with av.open(memory, "w", format=container_format, container_options=options) as trial:
            copy = add_copy(trial, stream)
            copy_tags(stream, copy)
            trial.start_encoding()
            data = bytes(packet) if packet is not None else stand_in(stream)
            if data:
                first = av.Packet(data)
                first.stream, first.pts, first.dts, first.is_keyframe = copy, 0, 0, True
                trial.mux(first)
            trial.close()
    except (av.FFmpegError, ValueError):
        return False
    return container_format != _TAKES_ALL or not data or _is_known(memory, stream)


def _is_known(memory: io.BytesIO, stream: Stream) -> bool:
    """Whether a stream that was written into memory is read as what it is, not as unknown data."""
    memory.seek(0)
    try:
        with av.open(memory) as written:
            return [each.type for each in written.streams] == [stream.type]
    except (av.FFmpegError, ValueError):
        return True


def without_second_pass(options: dict[str, str]) -> dict[str, str]:
    """Options of a muxer that writes into memory, where it cannot read."""
    if FLAGS not in options:
        return options
    return options | {FLAGS: options[FLAGS].replace(_SECOND_PASS, "").strip("+") or _NO_FLAGS}


def takes_attachments(container_format: str) -> bool:
    """Whether a muxer keeps attached files; some drop them without an error."""
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=container_format) as trial:
            trial.add_attachment("a.ttf", "application/x-truetype-font", b"a")
            trial.start_encoding()
            trial.close()
    except (av.FFmpegError, ValueError):
        return False
    return b"a.ttf" in memory.getvalue()


def attach_image(output: av.container.OutputContainer, cover: av.VideoStream, image: av.Packet[Any]) -> None:
    """Attach a cover image as a file, which is how Matroska keeps it."""
    codec = cover.codec_context.name
    kind = _IMAGE_TYPES.get(codec, codec)
    name = cover.metadata.get("filename") or f"cover.{'jpg' if kind == 'jpeg' else kind}"
    file = output.add_attachment(name, cover.metadata.get("mimetype") or f"image/{kind}", bytes(image))
    file.metadata.update({**lasting_tags(cover.metadata), **file.metadata})


def copy_tags(source: Stream, target: Stream) -> None:
    """Language, title and the like, and what the stream is for (default, forced, ...)."""
    tags = lasting_tags(source.metadata)
    if _NAME in tags:
        tags["title"] = tags.pop(_NAME)
    target.metadata.update(tags)
    target.disposition = source.disposition


def lasting_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that are still true of a colored copy."""
    lasting = {key: value for key, value in tags.items() if not key.upper().startswith("_STATISTICS")}
    stale = _STALE_TAGS | _CONTAINER_TAGS
    return {key: value for key, value in lasting.items() if key.lower().split("-")[0] not in stale}


def usual_case(tags: dict[str, str]) -> dict[str, str]:
    """Tags as all containers but Matroska spell them; their case means nothing."""
    return {key.lower() if key.isupper() else key: value for key, value in tags.items()}


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of a stream's codec; empty if it is unknown."""
    return getattr(stream, "name", None) or ""


def stand_in(stream: Stream) -> bytes:
    """A packet for streams that a muxer judges by one, if none was read; else nothing."""
    if stream.type == "subtitle":
        return bytes(2)  # an empty line
    return _SILENCE if stream.type == "data" or codec_name(stream).startswith("pcm_") else b""
