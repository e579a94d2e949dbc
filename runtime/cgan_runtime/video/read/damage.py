"""Damage that is found while a video is read.

damage = Damage(video_stream.index)
for packet in container.demux(): damage.look(packet)
print(damage.flaws or "nothing")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import av

_LISTED = 5  # frames or gaps that are named; "..." stands for more
_PAUSE = 0.25  # seconds; longer than a frame of a usual video, or a packet of audio
_UNEVEN = 2  # a step may be so many times as long as the one before without being a pause
_LAG = 1.0  # seconds that streams may lie apart in a file
_KEPT = 16  # pauses of a stream
_NEAR = 3  # packets; parsers set the mark of a damaged packet on one shortly before it
_HOLE = 1000  # bytes between packets; more than what containers write there
_HOLE_SHARE = 0.25  # of the bytes that a pause would take at the bit rate so far

_Pause = tuple[float, float]  # start and end, in seconds


class Damage:
    """Counts errors and looks for gaps.

    A gap is a stretch in which the video stream and all audio are missing. Either alone may pause in a whole
    file. Where it pauses, the file itself may show that something was lost: bytes that belong to no packet, or
    a packet that the demuxer marks as damaged. So gaps are found in videos without audio, too. Where nothing shows
    it, a pause without audio may be both.
    """

    def __init__(self, video: int, *, padded: bool) -> None:
        """Look at the video stream of this index, and at all audio.

        In a `padded` container, such as a transport stream, bytes between packets may mean nothing.
        """
        self.failed_decodes = 0  # packets
        self.failed_reads = 0  # stretches of the file
        self.corrupt: list[int] = []  # numbers, from 0, of the frames that decoded with errors
        self.gaps: list[float] = []  # seconds after the first packet; known up to a second later
        self.pauses: list[tuple[float, float]] = []  # start as above and length: without audio, maybe gaps
        self._video = video
        self._streams: dict[int, _Stream] = {}
        self._undecided: list[_Pause] = []
        self._proven: set[_Pause] = set()  # pauses of the video in which something was lost
        self._begin: float | None = None
        self._marked: deque[bool] = deque(maxlen=_NEAR)  # the last packets of the video, as damaged
        self._padded = padded
        self._first_byte: int | None = None
        self._read_to = 0  # end in the file of the last packet, bytes

    def look(self, packet: av.Packet[Any]) -> None:
        """Take note of the time of a packet; once for each, in the order of the file."""
        hole = self._bytes_before(packet)
        index = packet.stream_index
        if packet.dts is None or not (index == self._video or packet.stream.type == "audio"):
            return
        time = float(packet.dts * packet.time_base)
        self._begin = time if self._begin is None else self._begin
        stream = self._streams.setdefault(index, _Stream(time, time))
        pause = stream.look(time, float((packet.duration or 0) * packet.time_base))
        if pause is not None and index == self._video:
            self._undecided.append(pause)
            if any(self._marked) or packet.is_corrupt or self._is_lost(hole, pause):
                self._proven.add(pause)
        if index == self._video:
            self._marked.append(packet.is_corrupt)
        while self._undecided and time > self._undecided[0][1] + _LAG:
            self._decide(self._undecided.pop(0))

    def finish(self) -> None:
        """Decide about the last pauses; called after the last packet."""
        while self._undecided:
            self._decide(self._undecided.pop(0))

    def _decide(self, pause: _Pause) -> None:
        """Note a pause of the video as a gap if all audio that went on later paused with it."""
        start, end = pause
        paused = [
            any(min(end, other[1]) - max(start, other[0]) > _PAUSE / 2 for other in stream.pauses)
            for index, stream in self._streams.items()
            if index != self._video and stream.begin < start and stream.end > start + _PAUSE
        ]
        if pause in self._proven or (paused and all(paused)):
            self.gaps.append(start - (self._begin or 0.0))
        elif not paused:
            self.pauses.append((start - (self._begin or 0.0), end - start))

    def _bytes_before(self, packet: av.Packet[Any]) -> int:
        """Bytes between a packet and the one before it in the file."""
        if packet.pos is None or not packet.size:
            return 0
        before = self._read_to
        self._first_byte = packet.pos if self._first_byte is None else self._first_byte
        self._read_to = packet.pos + packet.size
        return packet.pos - before if before else 0

    def _is_lost(self, hole: int, pause: _Pause) -> bool:
        """Whether so many bytes before a packet are those of the frames that a pause lacks."""
        elapsed = pause[0] - (self._begin or 0.0)
        if self._padded or hole < _HOLE or elapsed <= 0:
            return False
        rate = (self._read_to - hole - (self._first_byte or 0)) / elapsed
        return hole > _HOLE_SHARE * rate * (pause[1] - pause[0])

    @property
    def flaws(self) -> str:
        """The damage so far, for people; empty if there is none."""
        parts = []
        if self.corrupt:
            parts.append(f"{count(len(self.corrupt), 'frame')} decoded with errors ({some(self.corrupt)})")
        if self.failed_decodes:
            parts.append(f"{count(self.failed_decodes, 'packet')} could not be decoded")
        if self.failed_reads:
            parts.append(f"{count(self.failed_reads, 'stretch')} skipped")
        if self.gaps:
            seconds = some(f"{gap:.1f} s" for gap in self.gaps)
            parts.append(f"{count(len(self.gaps), 'stretch')} missing (at {seconds})")
        return ", ".join(parts)


@dataclass
class _Stream:
    """Begin and end of a stream so far, in seconds, and its latest pauses."""

    begin: float
    end: float
    pauses: deque[_Pause] = field(default_factory=lambda: deque(maxlen=_KEPT))
    last: float | None = None
    step: float = 0.0  # from the packet before the last to the last

    def look(self, time: float, duration: float) -> _Pause | None:
        """The pause before a packet, if there was one: much longer than its packets last."""
        pause = None
        if self.last is not None:
            if self.step and time - self.end > max(_PAUSE, _UNEVEN * self.step):
                pause = self.end, time
                self.pauses.append(pause)
            self.step = time - self.last
        self.last = time
        self.end = max(self.end, time + (duration or self.step))
        return pause


def count(number: int, thing: str) -> str:
    """`1 stretch`, `2 stretches`."""
    plural = "es" if thing.endswith("ch") else "s"
    return f"{number} {thing}{'' if number == 1 else plural}"


def some(things: Iterable[object]) -> str:
    """The first of several things, with commas between them."""
    names = [str(thing) for thing in things]
    return ", ".join(names[:_LISTED] + ["..."] * (len(names) > _LISTED))
