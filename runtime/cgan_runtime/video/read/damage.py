"""What is found wrong with a video while it is read, and how it is told.

damage = Damage()
for packet in container.demux(): damage.look(packet)
damage.failed_decodes += 1
print(damage.flaws or "nothing")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import av

_TOLD = 5  # frames or holes that are named; of more it is said that there are more
_PAUSE = 0.25  # seconds; longer than a frame of a usual video, or a packet of sound
_UNEVEN = 2  # of a stream's steps: so much longer than the one before may one be, with or without a loss
_LAG = 1.0  # seconds that streams may lie apart in a file
_KEPT = 16  # pauses of a stream

_Pause = tuple[float, float]
"""Start and end, in seconds."""


class Damage:
    """Counts, and looks for holes.

    A hole is a stretch in which the image that is colored and all sound are missing. Either may pause by
    itself in a whole video, too: images that stand, sound that is silent. So of videos without sound holes
    are not known.

    Attributes:
        failed_decodes: Packets that could not be decoded.
        failed_reads: Stretches of the file that could not be read.
        corrupt: Numbers, from 0, of the frames that decoded with errors.
        holes: Where something is missing, in seconds from the video's first packet; known a little later.
    """

    def __init__(self, image: int) -> None:
        """Look at the image's stream of this index, and at sound."""
        self.failed_decodes = self.failed_reads = 0
        self.corrupt: list[int] = []
        self.holes: list[float] = []
        self._image = image
        self._streams: dict[int, _Stream] = {}
        self._undecided: list[_Pause] = []
        self._begin: float | None = None

    def look(self, packet: av.Packet[Any]) -> None:
        """Take notice of a packet's time; once for each, in the order of the file."""
        index = packet.stream_index
        if packet.dts is None or not (index == self._image or packet.stream.type == "audio"):
            return
        time = float(packet.dts * packet.time_base)
        self._begin = time if self._begin is None else self._begin
        stream = self._streams.setdefault(index, _Stream(time, time))
        pause = stream.look(time, float((packet.duration or 0) * packet.time_base))
        if pause is not None and index == self._image:
            self._undecided.append(pause)
        while self._undecided and time > self._undecided[0][1] + _LAG:
            self._decide(self._undecided.pop(0))

    def finish(self) -> None:
        """Decide what is still open; called behind the last packet."""
        while self._undecided:
            self._decide(self._undecided.pop(0))

    def _decide(self, pause: _Pause) -> None:
        """Whether a pause of the image is a hole: all sound paused with it that went on afterwards."""
        start, end = pause
        sounds = [
            any(min(end, other[1]) - max(start, other[0]) > _PAUSE / 2 for other in stream.pauses)
            for index, stream in self._streams.items()
            if index != self._image and stream.begin < start and stream.end > start + _PAUSE
        ]
        if sounds and all(sounds):
            self.holes.append(start - (self._begin or 0.0))

    @property
    def flaws(self) -> str:
        """What was found wrong so far; empty if nothing was."""
        parts = []
        if self.corrupt:
            parts.append(f"{count(len(self.corrupt), 'frame')} decoded with errors ({_some(self.corrupt)})")
        if self.failed_decodes:
            parts.append(f"{count(self.failed_decodes, 'packet')} could not be decoded")
        if self.failed_reads:
            parts.append(f"{count(self.failed_reads, 'stretch')} skipped")
        if self.holes:
            seconds = _some(f"{hole:.1f} s" for hole in self.holes)
            parts.append(f"{count(len(self.holes), 'stretch')} missing (at {seconds})")
        return ", ".join(parts)


@dataclass
class _Stream:
    """Where a stream began and has come to, in seconds, and its latest pauses."""

    begin: float
    end: float
    pauses: deque[_Pause] = field(default_factory=lambda: deque(maxlen=_KEPT))
    last: float | None = None
    step: float = 0.0  # from the packet before the last to the last

    def look(self, time: float, duration: float) -> _Pause | None:
        """The pause before a packet, if there was one: well above what its packets take."""
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


def _some(things: Iterable[object]) -> str:
    told = [str(thing) for thing in things]
    return ", ".join(told[:_TOLD] + ["..."] * (len(told) > _TOLD))
