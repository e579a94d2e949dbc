"""The image's encoder: colored frames in, packets out, in segments that stand alone.

    encoder = VideoEncoder(fresh, clock, work)
    container.mux(encoder.take(colored_or_kept))
    container.mux(encoder.finish())

Every SEGMENT_FRAMES frames a fresh encoder begins with a key frame and knows nothing of what came before: a
segment has the same bits whether the run that makes it began there or at the video's start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import av

from cgan_runtime.video.resume.items import AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES, Segment
from cgan_runtime.video.resume.work_folder import Work

Packet: TypeAlias = "av.Packet[Any]"

_MAX_REORDER = 32  # frames; above what any encoder holds back to put them in another order


class VideoEncoder:
    """Encodes one video's frames. Used in one thread.

    Attributes:
        frames: Taken so far.
    """

    def __init__(
        self,
        fresh: Callable[[], av.VideoCodecContext],
        clock: Fraction,
        work: Work | None,
    ) -> None:
        """Take an encoder.

        Args:
            fresh: Makes an encoder, the same each time. No two are in use at once: at 1080p one has 200 MB.
            clock: The time base of the frames.
            work: Where segments are kept; None keeps none.
        """
        self.frames = 0
        self._context: av.VideoCodecContext | None = None  # of the segment that is being made
        self._fresh, self._clock, self._work = fresh, clock, work
        self._segment: Segment | None = None
        self._start = 0  # pts of the segment's first frame
        self._early: list[Packet] = []  # packets to be decoded before that time
        self._times: list[int] = []  # pts of the latest packets, in coding order

    def take(self, item: Colored | AlreadyEncoded | Skipped) -> Iterator[Packet]:
        """Take a frame, give what packets are ready; the first kept frame of a segment gives all of them."""
        at_border = self.frames % SEGMENT_FRAMES == 0
        if isinstance(item, Skipped):
            self._note(item.pts)
        elif isinstance(item, AlreadyEncoded):
            if at_border and self._work is not None:
                yield from self._noted(self._work.packets(self.frames // SEGMENT_FRAMES, self._clock))
        else:
            if at_border:
                yield from self._end_segment(item.memory)
                self._begin_segment(item.frame)
            if self._context is not None:
                yield from self._in_time(self._context.encode(item.frame))
        self.frames += 1

    def finish(self, memory: bytes = b"") -> Iterator[Packet]:
        """Give what is held back; the last segment is complete then.

        Args:
            memory: What the painter remembers, if the video goes on elsewhere.
        """
        yield from self._end_segment(memory)

    def close(self) -> None:
        """Drop a segment that is not complete."""
        if self._segment is not None:
            self._segment.close()

    def _begin_segment(self, frame: av.VideoFrame) -> None:
        self._context = self._fresh()
        self._start = frame.pts or 0
        if self._work is not None:
            self._segment = self._work.segment(self.frames // SEGMENT_FRAMES)

    def _end_segment(self, memory: bytes) -> Iterator[Packet]:
        if self._context is None:
            return
        yield from self._in_time(self._context.encode(None))
        yield from self._flush_early()
        self._context = None
        if self._segment is not None:
            self._segment.complete(memory)
            self._segment = None

    def _in_time(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """Hold back a segment's first packets until it is known how many have a time before its first frame.

        An encoder that reorders frames counts decoding times back from its own start, where in the video
        the segment before still plays: these take the times of that segment's last frames, as they would have
        had from an encoder that had run on.
        """
        for packet in packets:
            if packet.dts is not None and packet.dts < self._start:
                self._early.append(packet)
            else:
                yield from self._flush_early()
                yield from self._kept([packet])

    def _flush_early(self) -> Iterator[Packet]:
        early, self._early = self._early, []
        before = sorted(self._times)[-len(early) :] if early else []
        for packet, time in zip(early, before, strict=False):  # the video's first segment has none before
            packet.dts = time
        yield from self._kept(early)

    def _kept(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        for packet in self._noted(packets):
            if self._segment is not None:
                self._segment.add(packet)
            yield packet

    def _noted(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        for packet in packets:
            self._note(packet.pts or 0)
            yield packet

    def _note(self, pts: int) -> None:
        self._times = [*self._times[-_MAX_REORDER:], pts]
