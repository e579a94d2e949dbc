"""Whether a transport stream goes on at a place in its file, by the counters of its packets (ISO/IEC 13818-1).

    Continuity(path).holds(position)

Each packet of a stream counts one further, from 0 to 15. Where recordings are joined or a piece is missing, the
counters of video, sound and tables do not go on; where both are only silent for a while, they do.
"""

from __future__ import annotations

from pathlib import Path

_SYNC = 0x47  # first byte of a packet
_SIZES = (188, 192)  # bytes of a packet; the latter with a time stamp of Blu-ray discs and cameras
_WINDOW = 6000  # packets that are looked at before and after a place, a megabyte
_NULL = 0x1FFF  # the stream of packets that fill up
_LEAST = 3  # streams that must go on: by chance one of 16 does


class Continuity:
    """The packets of one file. Used in one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, position: int) -> bool:
        """Whether all streams go on at a position in bytes, where a packet begins. False if that is unknown."""
        try:
            with self._path.open("rb") as file:
                file.seek(position)
                after = file.read(_WINDOW * max(_SIZES))
                size = next(size for size in _SIZES if after[: size + 1 : size] == bytes([_SYNC, _SYNC]))
                begin = max(position % size, position - _WINDOW * size)
                file.seek(begin)
                before = file.read(position - begin)
        except (OSError, StopIteration):
            return False
        last, first = _counters(before, size), _counters(after, size, first=True)
        there = last.keys() & first.keys()
        return len(there) >= _LEAST and all(first[pid] == (last[pid] + 1) % 16 for pid in there)


def _counters(data: bytes, size: int, *, first: bool = False) -> dict[int, int]:
    """The last, or the first, counter of each stream."""
    counters: dict[int, int] = {}
    for at in range(0, len(data) - 3, size):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        has_payload = data[at + 3] & 0x10
        if data[at] == _SYNC and has_payload and pid != _NULL and not (first and pid in counters):
            counters[pid] = data[at + 3] & 0x0F
    return counters
