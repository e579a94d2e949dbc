"""TODO."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import av

SEGMENT_FRAMES = 250
"""Frames of a segment. Also the most that x264 goes without a key frame: a border costs no bits."""


_RECORD = struct.Struct("<qqqBI")  # pts, dts, duration (ticks of the video's clock), key frame, bytes


_END = struct.Struct("<8sI")  # mark, frames; the file's last bytes


_END_MARK = b"cgan-end"


_MEMORIES = 2  # of the latest segments; a megabyte each would be too much for all


class Segment:
    """A segment being written; it counts only once it is complete."""

    def __init__(self, folder: Path, index: int, token: str) -> None:
        self._folder, self._index = folder, index
        self._path = folder / f"unfinished-{token}"
        self._file: BinaryIO = self._path.open("wb")
        self._packets = 0

    def add(self, packet: av.Packet[Any]) -> None:
        """Append a packet as it goes into the video."""
        head = _RECORD.pack(
            packet.pts or 0, packet.dts or 0, packet.duration or 0, packet.is_keyframe, packet.size
        )
        self._file.write(head)
        self._file.write(bytes(packet))
        self._packets += 1

    def complete(self, memory: bytes) -> None:
        """Make it outlive this run, a power cut included.

        Args:
            memory: What the painter remembers at its end.
        """
        unfinished = self._path.with_name(f"{self._path.name}-memory")
        with unfinished.open("wb") as file:
            file.write(memory)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(_memory(self._folder, self._index))
        self._file.write(_END.pack(_END_MARK, self._packets))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(_segment(self._folder, self._index))
        _memory(self._folder, self._index - _MEMORIES).unlink(missing_ok=True)

    def close(self) -> None:
        """Close an unfinished one."""
        with suppress(OSError):  # a full disk was told when it was written to; this one is thrown away
            self._file.close()


def _segment(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.segment"


def _memory(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.memory"


def _frames(path: Path) -> int:
    """Frames of a segment file, 0 where it is absent or torn."""
    try:
        with path.open("rb") as file:
            file.seek(-_END.size, os.SEEK_END)
            mark, frames = _END.unpack(file.read())
    except OSError:
        return 0
    return int(frames) if mark == _END_MARK else 0
