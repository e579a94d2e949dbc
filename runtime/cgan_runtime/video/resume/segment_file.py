"""The file of one segment: its encoded packets, complete or absent.

    segment = SegmentWriter(folder, 3, token)
    segment.add(packet)
    segment.complete(filter_state)                  # now the folder has 000003.segment
    for packet in read_packets(folder, 3, clock): ...

A file holds a record and the data of each packet, then a mark and the number of packets. The state of the
temporal filter after it has a file of its own, kept for the latest segments.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

_RECORD = struct.Struct("<qqqBI")  # pts, dts, duration (ticks of the video's clock), key frame, bytes
_END = struct.Struct("<8sI")  # mark, packets; the last bytes of the file
_END_MARK = b"cgan-end"
KEPT_STATES = 2  # of the latest segments; each may take a megabyte


class SegmentWriter:
    """A segment that is being written. It counts only when it is complete."""

    def __init__(self, folder: Path, index: int, token: str) -> None:
        self._folder, self._index = folder, index
        self._path, self._state_draft = folder / f"unfinished-{token}", folder / f"unfinished-{token}-state"
        self._file = self._path.open("wb", buffering=0)  # what does not fit can be taken back
        self._packets = 0
        self._end = 0  # bytes of whole packets

    def add(self, packet: av.Packet[Any]) -> None:
        """Append a packet with its final times; after an OSError it may be tried again."""
        times = (packet.pts or 0, packet.dts or 0, packet.duration or 0)
        self._append(_RECORD.pack(*times, packet.is_keyframe, packet.size) + bytes(packet))
        self._packets += 1

    def complete(self, filter_state: bytes) -> None:
        """Put the segment and the filter state after it on the disk, so that they survive a power cut.

        After an OSError it may be tried again.
        """
        with self._state_draft.open("wb") as file:
            _write_through(file, filter_state)
        self._state_draft.replace(state_path(self._folder, self._index))
        before = self._end
        self._append(_END.pack(_END_MARK, self._packets))
        try:
            os.fsync(self._file.fileno())
        except OSError:
            self._take_back(before)
            raise
        self._file.close()
        self._path.replace(segment_path(self._folder, self._index))
        state_path(self._folder, self._index - KEPT_STATES).unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        """Write all of it, or nothing."""
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._take_back(self._end)
            raise
        self._end += len(data)

    def _take_back(self, end: int) -> None:
        self._file.seek(self._file.truncate(end))
        self._end = end

    def close(self) -> None:
        """Close and remove an unfinished segment."""
        with suppress(OSError):  # a full disk was reported by the write before
            self._file.close()
        for path in (self._path, self._state_draft):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _write_through(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def segment_path(folder: Path, index: int) -> Path:
    """The file of a segment."""
    return folder / f"{index:06d}.segment"


def state_path(folder: Path, index: int) -> Path:
    """The file with the filter state after a segment."""
    return folder / f"{index:06d}.state"


def count_packets(path: Path) -> int:
    """Packets, which are as many as frames, of a segment's file; 0 if it is missing or incomplete."""
    try:
        with path.open("rb") as file:
            file.seek(-_END.size, os.SEEK_END)
            mark, packets = _END.unpack(file.read())
    except OSError:
        return 0
    return int(packets) if mark == _END_MARK else 0


def read_packets(folder: Path, index: int, clock: Fraction) -> Iterator[av.Packet[Any]]:
    """The packets of a complete segment; `clock` is the time base of the video."""
    path = segment_path(folder, index)
    with path.open("rb") as file:
        for _ in range(count_packets(path)):
            pts, dts, duration, is_key, size = _RECORD.unpack(file.read(_RECORD.size))
            packet: av.Packet[Any] = av.Packet(file.read(size))
            packet.time_base, packet.pts, packet.dts, packet.duration = clock, pts, dts, duration
            packet.is_keyframe = bool(is_key)
            yield packet
