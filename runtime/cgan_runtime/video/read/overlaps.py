"""One continuous sound where recordings overlap, as saved segments of a stream do.

    overlaps = Overlaps(container)
    if overlaps.is_heard(packet): ...                   # its time may have been moved by half a packet

The second recording begins a little before the first one ends: what lies on the time line twice is heard
once. Sound is never off by more than half a packet, however many recordings are joined: each packet is
compared with its own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

_EXACT = frozenset({"mpegts", "mpeg", "hls"})  # containers that are joined, and whose times are exact
_ROUNDING = Fraction(2, 1000)  # seconds


@dataclass
class _Sound:
    """An audio stream: the end of what is heard so far, and how far its packets are moved, in seconds."""

    end: Fraction
    shift: Fraction = Fraction(0)
    cut: bool = False  # whether the packet before was left out


class Overlaps:
    """Looks at every packet once, in the order of the file."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self._exact = container.format.name in _EXACT
        self._sounds: dict[int, _Sound] = {}

    def is_heard(self, packet: av.Packet[Any]) -> bool:
        """Whether a packet is heard: not if most of it lies before the end of what was heard."""
        if not self._exact or packet.stream.type != "audio" or packet.pts is None or not packet.duration:
            return True
        time, length = packet.pts * packet.time_base, packet.duration * packet.time_base
        sound = self._sounds.setdefault(packet.stream_index, _Sound(time))
        overlap = sound.end - time
        if overlap > length / 2 + _ROUNDING:
            sound.cut = True
            return False
        joins = sound.cut and -overlap <= length / 2
        if joins or overlap - sound.shift > _ROUNDING:
            sound.shift = overlap
        elif sound.shift - overlap > _ROUNDING:  # a gap
            sound.shift = Fraction(0)
        sound.cut = False
        ticks = round(sound.shift / packet.time_base)
        packet.pts += ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        sound.end = time + sound.shift + length
        return True
