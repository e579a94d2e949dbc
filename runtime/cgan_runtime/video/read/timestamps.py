"""One clock for a video whose clock jumps: joined recordings, DVD titles, streams that a server cuts.

    clock = Clock(container)
    for packet in container.demux(): clock.correct(packet)

After a jump all streams are moved by the same offset, to follow the latest packet, so that video and audio
stay together. FFmpeg's own program does so for the same containers. Demuxers hold packets back: one or two
packets from before a jump may come after it, and keep their times. A silence in a transport stream is no jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cgan_runtime.video.read.transport.continuity import Continuity

_MAY_JUMP = 0x0200  # AVFMT_TS_DISCONT of libavformat: containers whose clock may jump
_BACK = Fraction(1, 10)  # seconds that a stream may go back, as in FFmpeg
_FORWARD = 10  # seconds that all streams may pause, as in FFmpeg's dts_delta_threshold
_RUNNING = 1  # seconds; a stream without a packet for so long has paused, and its next step says nothing
_HELD_BACK = 2  # packets of a stream that may come after a jump that they precede in the file
_CONTINUOUS = ("video", "audio")  # types of streams that pause only if something is wrong


@dataclass
class _Stream:
    """What is known of a stream; times in seconds, corrected."""

    type: str
    offset: Fraction
    last: Fraction | None = None  # dts of the latest packet
    before: Fraction | None = None  # dts of the packet before it
    held_back: int = 0  # packets since the clock jumped for another stream


class Clock:
    """Corrects every packet once, in the order of the file."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self.jumps = 0  # so far
        self._may_jump = may_jump(container)
        self._file = Continuity(Path(container.name)) if container.format.name == "mpegts" and container.name else None
        self._offset = self._before = Fraction(0)  # seconds, after the latest jump and before it
        self._end = Fraction(0)  # end of all packets so far, seconds
        self._streams: dict[int, _Stream] = {}

    def correct(self, packet: av.Packet[Any]) -> None:
        """Put a packet on the clock of the packets before it."""
        if not self._may_jump:
            return
        pts, dts = packet.pts, packet.dts
        if pts is not None and dts is not None and abs(pts - dts) * packet.time_base > _FORWARD:
            packet.dts = pts  # at a jump FFmpeg may derive it from the old clock
        offset = self._offset
        if packet.dts is not None and packet.stream.type in _CONTINUOUS:
            offset = self._follow(packet, packet.dts)
        ticks = round(offset / packet.time_base)
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks

    def _follow(self, packet: av.Packet[Any], dts: int) -> Fraction:
        """The offset of a packet; a new one after a jump."""
        time = dts * packet.time_base
        stream = self._streams.setdefault(packet.stream_index, _Stream(packet.stream.type, self._offset))
        if stream.offset != self._offset:
            stream.held_back += 1
            late = time + stream.offset
            if stream.held_back > _HELD_BACK or _is_back(stream, late) or self._is_forward(stream, late):
                stream.offset, stream.held_back = self._offset, 0
        if self._is_jump(stream, time + stream.offset) and not self._is_silence(packet, stream, time + stream.offset):
            self.jumps += 1
            # The packet before may only have seemed to jump.
            was_wrong = not self._is_jump(stream, time + self._before)
            self._before, self._offset = self._offset, self._before if was_wrong else self._end - time
            stream.offset = self._offset
        stream.before, stream.last = stream.last, time + stream.offset
        self._end = max(self._end, stream.last + (packet.duration or 0) * packet.time_base)
        return stream.offset

    def _is_jump(self, stream: _Stream, time: Fraction) -> bool:
        """Whether the next time of a stream shows a jump of the clock.

        A step forward does if video and audio were running before it. A single packet whose time is too
        late does not count as a jump forward and another one back.
        """
        if _is_back(stream, time):
            return stream.before is None or not 0 <= time - stream.before <= _RUNNING
        times = [(each.type, each.last) for each in self._streams.values() if each.last is not None]
        running = {kind for kind, last in times if last >= self._end - _RUNNING}
        return self._is_forward(stream, time) and running.issuperset(_CONTINUOUS)

    def _is_silence(self, packet: av.Packet[Any], stream: _Stream, time: Fraction) -> bool:
        """Whether the step forward to a packet is a silence of picture and sound that the file itself has."""
        is_forward = self._is_forward(stream, time)
        return is_forward and self._file is not None and packet.pos is not None and self._file.holds(packet.pos)

    def _is_forward(self, stream: _Stream, time: Fraction) -> bool:
        return stream.last is not None and time > max(stream.last, self._end) + _FORWARD


def may_jump(container: av.container.InputContainer) -> bool:
    """Whether it is of a kind whose clock may jump: those for broadcasts and discs, which also hold padding."""
    return bool(container.format.flags & _MAY_JUMP)


def _is_back(stream: _Stream, time: Fraction) -> bool:
    return stream.last is not None and time < stream.last - _BACK
