"""Deinterlacing: as many frames as before, each at its own time.

    deinterlacer = Deinterlacer("auto")
    for frame in deinterlacer.take(decoded): ...
    for frame in deinterlacer.flush(): ...

FFmpeg's bwdif looks one frame ahead, so a frame comes out when the next one goes in. Frames that are not
interlaced stay as they are, bit for bit. The filter is loaded only when it is needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import av
import av.filter

Deinterlace = Literal["auto", "off", "on"]

_DEINT = {"auto": "interlaced", "on": "all"}  # values of bwdif's option of that name


class Deinterlacer:
    """Deinterlaces one video. Used in one thread."""

    def __init__(self, mode: Deinterlace = "auto") -> None:
        """Deinterlace the frames that are marked as interlaced ("auto"), none ("off") or all ("on")."""
        self.frames = 0  # that were deinterlaced
        self._mode = mode
        self._graph: av.filter.Graph | None = None
        self._format: tuple[int, int, str] | None = None
        self._waiting: deque[tuple[int | None, int, Fraction | None, bool]] = deque()

    def take(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Take a frame, and yield those that are ready."""
        wanted = self._mode == "on" or (self._mode == "auto" and frame.interlaced_frame)
        frame_format = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and frame_format != self._format:
            yield from self.flush()
        if self._graph is None and not wanted:
            yield frame
            return
        if self._graph is None:
            self._graph, self._format = self._open(frame), frame_format
        self._waiting.append((frame.pts, frame.duration, frame.time_base, wanted))
        self._graph.push(frame)
        yield from self._ready(self._graph)

    def flush(self) -> Iterator[av.VideoFrame]:
        """Yield the frames that are held back; the next frame begins anew."""
        if self._graph is not None:
            graph, self._graph = self._graph, None
            graph.push(None)
            yield from self._ready(graph)

    def _open(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        bwdif = graph.add("bwdif", f"mode=send_frame:parity=auto:deint={_DEINT[self._mode]}")
        sink = graph.add("buffersink")
        source.link_to(bwdif)
        bwdif.link_to(sink)
        graph.configure()
        return graph

    def _ready(self, graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
        while self._waiting:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.VideoFrame)  # the graph has no audio
            frame.pts, frame.duration, time_base, wanted = self._waiting.popleft()
            if time_base is not None:
                frame.time_base = time_base
            self.frames += wanted
            yield frame
