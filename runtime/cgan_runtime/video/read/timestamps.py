"""One clock for a video whose own jumps: joined recordings, DVD titles, streams that a server cuts.

    clock = Clock(container)
    for packet in container.demux(): clock.set_right(packet)

Where time jumps, what follows is put behind the latest packet, every stream by the same, so that image and
sound stay together. FFmpeg's own program does so for the same containers. Demuxers hold packets back: one or
two that were read before the jump come after it, and keep their time.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

_MAY_JUMP = 0x0200  # AVFMT_TS_DISCONT of libavformat: containers whose clock may jump
_BACK = Fraction(1, 10)  # seconds that a stream may go back, as in FFmpeg
_FORTH = 10  # seconds that all streams may be silent, as in FFmpeg's dts_delta_threshold
_RUNNING = 1  # seconds without a packet after which a stream stands, and its next step says nothing
_HELD_BACK = 2  # packets of a stream that may come after those of others that were behind them in the file
_STEADY = ("video", "audio")  # kinds of streams that are silent only where something is amiss


@dataclass
class _Stream:
    kind: str
    offset: Fraction  # seconds
    last: Fraction | None = None  # dts of its latest packet, set right, seconds
    before: Fraction | None = None  # of the one before
    held_back: int = 0  # packets since the clock jumped for another stream


class Clock:
    """Looks at every packet once, in the order of the file.

    Attributes:
        jumps: How often the video's clock jumped, so far.
    """

    def __init__(self, container: av.container.InputContainer) -> None:
        self.jumps = 0
        self._may_jump = bool(container.format.flags & _MAY_JUMP)
        self._offset = self._before = Fraction(0)  # seconds, since the latest jump and before it
        self._end = Fraction(0)  # of all packets so far, seconds
        self._streams: dict[int, _Stream] = {}

    def set_right(self, packet: av.Packet[Any]) -> None:
        """Move a packet to the clock of all packets before it."""
        if not self._may_jump:
            return
        pts, dts = packet.pts, packet.dts
        if pts is not None and dts is not None and abs(pts - dts) * packet.time_base > _FORTH:
            packet.dts = pts  # at a jump FFmpeg may guess it by the clock before
        offset = self._offset
        if packet.dts is not None and packet.stream.type in _STEADY:
            offset = self._follow(packet, packet.dts)
        ticks = round(offset / packet.time_base)
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks

    def _follow(self, packet: av.Packet[Any], dts: int) -> Fraction:
        """The offset of a packet, a new one where time jumps."""
        time = dts * packet.time_base
        stream = self._streams.setdefault(packet.stream_index, _Stream(packet.stream.type, self._offset))
        if stream.offset != self._offset:
            stream.held_back += 1
            late = time + stream.offset
            if stream.held_back > _HELD_BACK or _is_back(stream, late) or self._is_forth(stream, late):
                stream.offset, stream.held_back = self._offset, 0
        if self._is_jump(stream, time + stream.offset):
            self.jumps += 1
            was_wrong = not self._is_jump(stream, time + self._before)  # the time that made it jump before
            self._before, self._offset = self._offset, self._before if was_wrong else self._end - time
            stream.offset = self._offset
        stream.before, stream.last = stream.last, time + stream.offset
        self._end = max(self._end, stream.last + (packet.duration or 0) * packet.time_base)
        return stream.offset

    def _is_jump(self, stream: _Stream, time: Fraction) -> bool:
        """Whether a stream's next time shows that the video's clock jumped.

        A step forward does where image and sound were running up to it. One packet whose time is too late
        is not taken for a jump forward and one back.
        """
        if _is_back(stream, time):
            return stream.before is None or not 0 <= time - stream.before <= _RUNNING
        return self._is_forth(stream, time) and all(
            any(each.kind == kind and self._runs(each) for each in self._streams.values()) for kind in _STEADY
        )

    def _is_forth(self, stream: _Stream, time: Fraction) -> bool:
        return stream.last is not None and time > max(stream.last, self._end) + _FORTH

    def _runs(self, stream: _Stream) -> bool:
        return stream.last is not None and stream.last >= self._end - _RUNNING


def _is_back(stream: _Stream, time: Fraction) -> bool:
    return stream.last is not None and time < stream.last - _BACK
