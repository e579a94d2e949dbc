"""One clock for a film whose own begins anew: joined recordings, DVD titles, streams that a server cuts.

    clock = Clock(container)
    for packet in container.demux(): clock.set_right(packet)

Where time jumps, what follows is put behind all that was, every stream by the same, so that picture and
sound stay together. FFmpeg's own program does so for the same containers, a little after the fact: demuxers
hold packets back, and what was read before the jump may come after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

_MAY_JUMP = 0x0200  # AVFMT_TS_DISCONT of libavformat: containers whose clock may jump
_BACK = Fraction(1, 10)  # seconds that a stream may go back, as in FFmpeg
_FORTH = 10  # seconds that all streams may be silent, as in FFmpeg's dts_delta_threshold
_HELD_BACK = 2  # packets of a stream that may come after those of others that were behind them in the file
_STEADY = ("video", "audio")  # kinds of streams that are silent only where something is amiss


@dataclass
class _Stream:
    offset: Fraction  # seconds
    last: Fraction | None = None  # dts of its latest packet, set right, seconds
    held_back: int = 0  # packets since the clock jumped for another stream


class Clock:
    """Looks at every packet once, in the order of the file.

    Attributes:
        jumps: How often the film's clock jumped, so far.
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
        offset = self._offset
        if packet.dts is not None and packet.stream.type in _STEADY:
            offset = self._follow(packet, packet.dts)
        ticks = round(offset / packet.time_base)
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks

    def _follow(self, packet: av.Packet[Any], dts: int) -> Fraction:
        """The offset of a packet, a new one where time jumps."""
        time = dts * packet.time_base
        stream = self._streams.setdefault(packet.stream_index, _Stream(self._offset))
        if stream.offset != self._offset:
            stream.held_back += 1
            if stream.held_back > _HELD_BACK or self._is_jump(stream, time + stream.offset):
                stream.offset, stream.held_back = self._offset, 0
        if self._is_jump(stream, time + stream.offset):
            self.jumps += 1
            back_again = not self._is_jump(
                stream, time + self._before
            )  # one wrong time, and all is as it was
            self._before, self._offset = self._offset, self._before if back_again else self._end - time
            stream.offset = self._offset
        stream.last = time + stream.offset
        self._end = max(self._end, stream.last + (packet.duration or 0) * packet.time_base)
        return stream.offset

    def _is_jump(self, stream: _Stream, time: Fraction) -> bool:
        if stream.last is None:
            return False
        return time < stream.last - _BACK or time > max(stream.last, self._end) + _FORTH
