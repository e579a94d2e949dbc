"""A transport stream as one recording, also where others were joined to it that number their streams otherwise.

    file = JoinedRecordings.of(path)                # for av.open; None if it is no such file

The tables of a recording say which number the packets of each stream have (ISO/IEC 13818-1, section 2.4.4). For
FFmpeg other numbers are other streams, and the last packet of the stream before is held back to the end. So
all streams get the numbers of the first recording here, and tables of the others are taken out.
"""

from __future__ import annotations

import io
import os
import re
import struct
from pathlib import Path

import numpy as np

_PACKET = 188  # bytes
_SIZES = (_PACKET, 192)  # the latter with a time stamp of Blu-ray discs and cameras
_SYNC = 0x47  # first byte of a packet
_HEADER = 5  # bytes before a table that begins with its packet
# A packet with nothing before its table: of programs on stream 0, or of the streams of a program on any other.
_TABLE = re.compile(rb"\x47(?:\x40\x00[\x10-\x1f]\x00\x00|[\x40-\x5f].[\x10-\x1f]\x00\x02)[\xb0-\xb3]", re.DOTALL)
_BEGIN = 1 << 20  # bytes in which the first tables must be
_PROGRAMS = 0  # kind of table
_NOTHING = 0x1FFF  # the number of packets that fill up
_POLYNOMIAL = 0x04C11DB7

_Streams = tuple[tuple[int, int], ...]  # kind and number of each stream of a program


class JoinedRecordings(io.RawIOBase):
    """A file whose packets are renumbered while it is read. Used in one thread."""

    def __init__(self, path: Path, size: int, programs: bytes, streams: _Streams) -> None:
        """Open a transport stream with packets of this size, whose first recording has these tables."""
        self.name = str(path.absolute())
        self.has_others = False  # streams that the first recording has not; they are left out
        self._file, self._size, self._programs, self._streams = path.open("rb"), size, programs, streams
        self._numbers: np.ndarray[tuple[int], np.dtype[np.uint16]] | None = None  # new ones; None leaves all
        self._anchor = self._at = 0  # where a packet begins, and where the next read is expected

    @classmethod
    def of(cls, path: Path) -> JoinedRecordings | None:
        """A transport stream that begins with one program; None for any other file."""
        try:
            with path.open("rb") as file:
                begin = file.read(_BEGIN)
        except OSError:
            return None
        if begin[:1] != b"\x47" and begin[4:5] != b"\x47":
            return None
        programs: bytes | None = None
        for match in _TABLE.finditer(begin):
            table, at = _table(begin, match.start()), match.start()
            if table is None:
                continue
            if table[0] == _PROGRAMS:
                programs = _only_program(table)
            elif programs is not None and (streams := _streams(table)):
                size = next((size for size in _SIZES if begin[at + size : at + size + 1] == b"\x47"), _PACKET)
                return cls(path, size, programs, streams)
        return None

    def close(self) -> None:  # noqa: D102
        self._file.close()
        super().close()

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:  # noqa: D102
        return self._file.seek(offset, whence)

    def tell(self) -> int:  # noqa: D102
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; all that are left without a size."""
        start = self._file.tell()
        if start != self._at:
            self._numbers = None
        before = min(start, _PACKET - 1)  # a packet may lie across the border
        self._file.seek(start - before)
        data = bytearray(self._file.read(-1 if size < 0 else before + size + _PACKET - 1))
        self._change(data, start - before)
        wanted = bytes(data[before:] if size < 0 else data[before : before + size])
        self._at = self._file.seek(start + len(wanted))
        return wanted

    def _change(self, data: bytearray, start: int) -> None:
        """Renumber the packets of a stretch that begins at this place of the file."""
        done = 0
        for match in list(_TABLE.finditer(data)):
            table, at = _table(data, match.start()), match.start()
            if table is None:
                continue
            is_list = table[0] == _PROGRAMS
            if is_list and _only_program(table) is None:
                continue
            self._renumber(data, done, at, start)
            self._anchor, done = start + at, at + _PACKET
            if is_list:
                is_other = _only_program(table) != self._programs
            else:
                self._numbers = self._numbers_for(_streams(table))
                is_other = self._numbers is not None
            if is_other:
                data[at + 1] |= _NOTHING >> 8
                data[at + 2] = _NOTHING & 0xFF
        self._renumber(data, done, len(data), start)

    def _renumber(self, data: bytearray, begin: int, end: int, start: int) -> None:
        """Give the packets between two places of a stretch their numbers."""
        if self._numbers is None:
            return
        first = begin + (self._anchor - start - begin) % self._size
        places = np.arange(first, min(end, len(data) - 2), self._size)
        view = np.frombuffer(data, np.uint8)
        places = places[view[places] == _SYNC]
        high, low = view[places + 1], view[places + 2]
        numbers = self._numbers[(high & 0x1F).astype(np.uint16) << 8 | low]
        view[places + 1], view[places + 2] = high & 0xE0 | numbers >> 8, numbers & 0xFF

    def _numbers_for(self, streams: _Streams) -> np.ndarray[tuple[int], np.dtype[np.uint16]] | None:
        """For each number of a packet the one that its stream has in the first recording; None if they are the same."""
        if streams == self._streams or not streams:
            return None
        numbers = np.arange(_NOTHING + 1, dtype=np.uint16)
        left = list(self._streams)
        for kind, number in streams:
            same = next((each for each in left if each[0] == kind), None)
            self.has_others |= same is None
            numbers[number] = _NOTHING if same is None else same[1]
            if same is not None:
                left.remove(same)
        return numbers


def _table(data: bytes | bytearray, packet: int) -> bytes | None:
    """The table in a packet; None if it is damaged or goes on in another packet."""
    start = packet + _HEADER
    length = struct.unpack_from(">H", data, start + 1)[0] & 0x3FF if start + 3 <= len(data) else 0
    table = bytes(data[start : min(start + 3 + length, packet + _PACKET)])
    return table if len(table) == 3 + length >= 12 and _checksum(table) == 0 else None


def _only_program(table: bytes) -> bytes | None:
    """The entry of the program in a table of programs; None if it has more than one, or none."""
    entries = [table[at : at + 4] for at in range(8, len(table) - 4, 4)]
    programs = [entry for entry in entries if any(entry[:2])]  # number 0 is the network
    return programs[0] if len(programs) == 1 else None


def _streams(table: bytes) -> _Streams:
    """Kinds and numbers in a table of the streams of a program."""
    found, at = [], 12 + (struct.unpack_from(">H", table, 10)[0] & 0xFFF)
    while at + 9 <= len(table):
        kind, number, described = struct.unpack_from(">BHH", table, at)
        found.append((kind, number & _NOTHING))
        at += 5 + (described & 0xFFF)
    return tuple(found)


def _checksum(data: bytes) -> int:
    """CRC-32 of MPEG (ISO/IEC 13818-1, annex A); 0 for a table with its own."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 & 0xFFFFFFFF) ^ (_POLYNOMIAL if crc >> 31 else 0)
    return crc
