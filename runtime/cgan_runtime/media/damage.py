"""What is found wrong with a film while it is read, and how it is told.

damage = Damage()
for packet in container.demux(): damage.look(packet)
damage.failed_decodes += 1
print(damage.flaws or "nothing")
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import av

_TOLD = 5  # frames or holes that are named; of more it is said that there are more
_PAUSE = 0.25  # seconds; longer than a frame of a usual film, or a packet of sound


class Damage:
    """Counts, and looks for holes.

    A hole is a stretch in which picture and sound are missing at the same time. Either may pause by itself
    in a whole film, too: pictures that stand, sound that is silent. So of films without sound holes are not
    known.

    Attributes:
        failed_decodes: Packets that could not be decoded.
        failed_reads: Stretches of the file that could not be read.
        corrupt: Numbers, from 0, of the frames that decoded with errors.
        holes: Where something is missing, in seconds from the film's first packet.
    """

    def __init__(self) -> None:
        self.failed_decodes = self.failed_reads = 0
        self.corrupt: list[int] = []
        self.holes: list[float] = []
        self._begin: float | None = None
        self._pauses = {"video": _Pauses(), "audio": _Pauses()}

    def look(self, packet: av.Packet[Any]) -> None:
        """Take notice of a packet's time; once for each, in the order of the file."""
        if packet.dts is None or packet.stream.type not in self._pauses:
            return
        time = float(packet.dts * packet.time_base)
        length = float((packet.duration or 0) * packet.time_base)
        self._begin = time if self._begin is None else self._begin
        pause = self._pauses[packet.stream.type].look(packet.stream_index, time, time + length)
        if pause is None:
            return
        other = self._pauses["audio" if packet.stream.type == "video" else "video"]
        if any(
            min(pause[1], end) - max(pause[0], start) > _PAUSE / 2 for start, end in other.latest.values()
        ):
            self.holes.append(max(0.0, pause[0] - self._begin))

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
class _Pauses:
    """Of all streams of a kind, by index."""

    ends: dict[int, float] = field(default_factory=dict)
    latest: dict[int, tuple[float, float]] = field(default_factory=dict)

    def look(self, stream: int, start: float, end: float) -> tuple[float, float] | None:
        """The pause before a packet, in seconds, if there was one."""
        before = self.ends.get(stream, start)
        self.ends[stream] = max(before, end)
        if start - before <= _PAUSE:
            return None
        self.latest[stream] = (before, start)
        return before, start


def count(number: int, thing: str) -> str:
    """`1 stretch`, `2 stretches`."""
    plural = "es" if thing.endswith("ch") else "s"
    return f"{number} {thing}{'' if number == 1 else plural}"


def _some(things: Iterable[object]) -> str:
    told = [str(thing) for thing in things]
    return ", ".join(told[:_TOLD] + ["..."] * (len(told) > _TOLD))
