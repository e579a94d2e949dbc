"""Borders that a video hides: its frames without them, as a player shows the video.

    crop = Crop(stream)
    crop.look(packet)                        # each packet of the stream, before it is decoded
    frame = crop.cut(frame)

A container may say what to cut off: Matroska in PixelCrop, QuickTime and mp4 in a clean aperture box. VP9 and AV1
may state a size that is a little smaller than the frame, where a hardware encoder has filled it up.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import av
import av.filter

from cgan_runtime.video.read.render_size import surplus_of

_ELEMENTS = {b"\x54\xaa": "bottom", b"\x54\xbb": "top", b"\x54\xcc": "left", b"\x54\xdd": "right"}  # PixelCrop
_MASTERS = (b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0")  # Segment, Tracks, TrackEntry, Video
_STATING = ("vp9", "av1")  # codecs whose key frames may state another size than that of the frames


@dataclass(frozen=True)
class Margins:
    """Columns and rows to cut off."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


class Crop:
    """Cuts the frames of one video. Used in one thread."""

    def __init__(self, stream: av.VideoStream) -> None:
        self.margins = _of_container(stream)
        self._codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""
        self._looked = False
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, int, str] | None = None  # of the frames that the graph takes

    def look(self, packet: av.Packet[Any]) -> None:
        """Read the size in the first packet of VP9 and AV1."""
        if self._codec in _STATING and not self._looked and self.margins == Margins():
            right, bottom = surplus_of(self._codec, bytes(packet))
            self.margins = Margins(right=right, bottom=bottom)
        self._looked = True

    def cut(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A frame without its borders; itself if it has none, or would be left with nothing."""
        cut = self.margins
        width, height = frame.width - cut.left - cut.right, frame.height - cut.top - cut.bottom
        if cut == Margins() or width < 1 or height < 1:
            return frame
        form = (frame.width, frame.height, frame.format.name)
        if self._graph is None or form != self._form:
            self._graph, self._form = _graph(frame, f"{width}:{height}:{cut.left}:{cut.top}"), form
        self._graph.push(frame)
        inner = self._graph.pull()
        assert isinstance(inner, av.VideoFrame)  # the graph has no audio
        inner.pts, inner.duration = frame.pts, frame.duration
        if frame.time_base is not None:
            inner.time_base = frame.time_base
        return inner


def _graph(frame: av.VideoFrame, area: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    crop, sink = graph.add("crop", f"{area}:exact=1"), graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    return graph


def _of_container(stream: av.VideoStream) -> Margins:
    """What the container hides. PyAV does not say, but writes it into the header of a Matroska file."""
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format="matroska") as copy:
            copy.add_stream_from_template(stream, opaque=True)
            copy.start_encoding()
    except (av.FFmpegError, ValueError):  # Matroska cannot hold the codec
        return Margins()
    return Margins(**_find_margins(memory.getvalue()))


def _find_margins(data: bytes) -> dict[str, int]:
    """The crop in the elements of a Matroska file (RFC 9559), looking only into those that lead there."""
    margins: dict[str, int] = {}
    at = 0
    while at < len(data):
        start = at + _length(data, at)
        body_at = start + _length(data, start)
        size = int.from_bytes(data[start:body_at], "big") & ((1 << 7 * (body_at - start)) - 1)
        name, body = data[at:start], data[body_at : body_at + size]  # a Segment of unknown size has the rest
        if name in _ELEMENTS:
            margins[_ELEMENTS[name]] = int.from_bytes(body, "big")
        elif name in _MASTERS:
            margins |= _find_margins(body)
        at = body_at + len(body)
    return margins


def _length(data: bytes, at: int) -> int:
    """Bytes of a number of variable size: one more than its leading zeros."""
    return 9 - data[at].bit_length()
