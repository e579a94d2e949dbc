"""The encoder of the video stream: colored frames in, packets out, in independent segments.

    encoder = VideoEncoder(fresh_encoder, clock, work)
    container.mux(encoder.take(item))
    container.mux(encoder.finish())

Every SEGMENT_FRAMES frames a new encoder begins with a key frame. So a segment has the same bits whether the
run began with it or at the start of the video.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import av

from cgan_runtime.video.resume.segment_file import SegmentWriter
from cgan_runtime.video.resume.work_folder import WorkFolder
from cgan_runtime.video.segments import SEGMENT_FRAMES, AlreadyEncoded, Colored, Skipped

Packet: TypeAlias = "av.Packet[Any]"

_MAX_REORDER = 33  # frames; more than any encoder holds back to reorder them


def with_possible_dts(packets: list[Packet]) -> list[Packet]:
    """The last packets of an encoder, with other dts if one cannot be true.

    x265 (4.2) gives packets a random dts if it gets fewer frames than it reorders.
    """
    times = [packet.pts or 0 for packet in packets]
    steps = [packet.duration or 0 for packet in packets]
    most = _MAX_REORDER * max([1, *steps, *(after - before for before, after in pairwise(sorted(times)))])
    delays = [0 if packet.dts is None else pts - packet.dts for packet, pts in zip(packets, times, strict=True)]
    if all(0 <= delay <= most for delay in delays):
        return packets
    rising = sorted(times)
    shift = max(time - pts for time, pts in zip(rising, times, strict=True))
    for packet, time in zip(packets, rising, strict=True):
        packet.dts = time - shift
    return packets


class VideoEncoder:
    """Encodes the frames of one video. Used in one thread."""

    def __init__(
        self,
        fresh: Callable[[], av.VideoCodecContext],
        clock: Fraction,
        work: WorkFolder | None,
        make_room: Callable[[OSError], bool] = lambda error: False,
    ) -> None:
        """Prepare; `fresh` makes an encoder, `clock` is the time base, and `work` keeps finished segments.

        `make_room` is called when a segment cannot be written, and says whether to try again. Two encoders are
        never in use at once: at 1080p each takes 200 MB.
        """
        self.frames = 0  # that were taken
        self._context: av.VideoCodecContext | None = None  # encodes the current segment
        self._fresh, self._clock, self._work, self._make_room = fresh, clock, work, make_room
        self._segment: SegmentWriter | None = None
        self._start = 0  # pts of the segment's first frame
        self._early: list[Packet] = []  # packets whose dts lies before that
        self._times: deque[int] = deque(maxlen=_MAX_REORDER)  # pts of the latest packets, in coding order

    def take(self, item: Colored | AlreadyEncoded | Skipped) -> Iterator[Packet]:
        """Take a frame and yield the packets that are ready; a kept segment comes with its first frame."""
        index, number = divmod(self.frames, SEGMENT_FRAMES)
        if isinstance(item, Skipped):
            self._times.append(item.pts)
        elif isinstance(item, AlreadyEncoded):
            if number == 0 and self._work is not None:
                yield from self._noted(self._work.packets(index, self._clock))
        else:
            if number == 0:
                yield from self.finish(item.filter_state)
                self._context, self._start = self._fresh(), item.frame.pts or 0
                self._segment = self._work.segment(index) if self._work is not None else None
            if self._context is not None:
                yield from self._in_time(self._context.encode(item.frame))
        self.frames += 1

    def finish(self, filter_state: bytes = b"") -> Iterator[Packet]:
        """Complete the last segment, with the state of the temporal filter after it; yield what is left."""
        if self._context is None:
            return
        yield from self._in_time(with_possible_dts(self._context.encode(None)))
        yield from self._flush_early()
        self._context = None
        if self._segment is not None:
            self._kept(partial(self._segment.complete, filter_state))
            self._segment = None

    def close(self) -> None:
        """Drop an unfinished segment."""
        if self._segment is not None:
            self._segment.close()

    def _in_time(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """Correct the dts of packets that lie before the first frame of the segment.

        An encoder that reorders frames lets decoding begin before its first frame, where the segment before
        still plays. Such packets take the times of the last frames of that segment, as an encoder that had
        gone on would give them. They are held back until their number is known.
        """
        for packet in packets:
            if packet.dts is not None and packet.dts < self._start:
                self._early.append(packet)
            else:
                yield from self._flush_early()
                yield from self._noted([packet], self._segment)

    def _flush_early(self) -> Iterator[Packet]:
        early, self._early = self._early, []
        before = sorted(self._times)[-len(early) :] if early else []
        for packet, time in zip(early, before, strict=False):  # nothing precedes the first segment
            packet.dts = time
        yield from self._noted(early, self._segment)

    def _noted(self, packets: Iterable[Packet], segment: SegmentWriter | None = None) -> Iterator[Packet]:
        """Remember the times of packets, and keep them in a segment."""
        for packet in packets:
            self._times.append(packet.pts or 0)
            if segment is not None:
                self._kept(partial(segment.add, packet))
            yield packet

    def _kept(self, write: Callable[[], None]) -> None:
        """Write into a segment, twice if that makes sense."""
        try:
            write()
        except OSError as error:
            if not self._make_room(error):
                raise
            write()
