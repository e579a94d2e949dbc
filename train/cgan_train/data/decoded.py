"""Photos that are decoded once and kept as one array of pixels on the disk, which is read through a memory map.

    photos = decoded_photos(source, Path("decoded"), progress=show)     # a later call finds them there
    image = photos.read(7)                                              # the same pixels as source.read(7)

A set of photos has a folder of its own, named by a hash of the photos' names, sizes and times of change:
`pixels.u8`, all pixels one photo after the other, and `index.jsonl` with a line for each photo: its height and
width, or why it cannot be used. Decoding that was stopped goes on with the next photo.
"""

from __future__ import annotations

import collections
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cgan_runtime.callbacks import FractionCallback
from cgan_runtime.errors import DataError
from cgan_runtime.files.locks import FileLock
from cgan_train.data.readers import Readers, wait
from cgan_train.data.sources import Image, PhotoSource

_PIXELS, _INDEX = "pixels.u8", "index.jsonl"
_AHEAD = 32  # photos that are decoded before they are written
_CHANNELS = 3

Row = dict[str, Any]
"""`{"height": 480, "width": 640}` or `{"damage": "..."}`."""


class DecodedPhotos:
    """Photos of a source, decoded; the same names, pixels and errors."""

    def __init__(self, source: PhotoSource, folder: Path) -> None:
        """Open what `decoded_photos` has finished."""
        self.names, self.left_out = source.names, source.left_out
        self._fingerprint = source.fingerprint()
        self._rows, _ = _read_index(folder)
        self._starts = np.cumsum([0, *map(_size, self._rows)])
        empty = not self._starts[-1]  # a map of nothing is refused
        self._pixels: npt.NDArray[np.uint8] = (
            np.zeros(0, np.uint8) if empty else np.memmap(folder / _PIXELS, np.uint8, "r")
        )

    def __len__(self) -> int:
        return len(self._rows)

    def fingerprint(self) -> str:
        """That of the source: a run may go on with and without decoded photos."""
        return self._fingerprint

    def read(self, index: int) -> Image:
        """One photo, uint8 RGB (H, W, 3), read-only; raises DataError as the source would."""
        row = self._rows[index]
        if damage := row.get("damage"):
            raise DataError(damage)
        pixels = self._pixels[self._starts[index] : self._starts[index + 1]]
        return pixels.reshape(row["height"], row["width"], _CHANNELS)


def decoded_photos(
    source: PhotoSource, folder: Path, *, threads: int, progress: FractionCallback = lambda *_: None
) -> DecodedPhotos:
    """Decode what is not yet decoded of a source's photos into a folder, and open them.

    Args:
        source: The photos.
        folder: Holds a folder for each set of photos.
        threads: Photos that are decoded at a time.
        progress: Called with the share that is done, and words.

    Raises:
        DataError: The files cannot be written.
    """
    own = folder / source.state()[:16]
    try:
        own.mkdir(parents=True, exist_ok=True)
        with FileLock(own, wait=True):  # another process of the run may decode them
            _decode(source, own, threads, progress)
        return DecodedPhotos(source, own)
    except OSError as error:
        raise DataError(f"photos cannot be decoded into {own} ({error}); free some space, or give another") from error


def _decode(source: PhotoSource, folder: Path, threads: int, progress: FractionCallback) -> None:
    """Append the photos that are missing; the pixels of each are written before its line."""
    rows, length = _read_index(folder)
    if len(rows) == len(source):
        return
    with ExitStack() as stack:
        pixels, index = (stack.enter_context((folder / name).open("ab")) for name in (_PIXELS, _INDEX))
        pixels.truncate(sum(map(_size, rows)))
        index.truncate(length)
        for number, (row, image) in enumerate(_decoded(source, len(rows), threads, stack.callback), len(rows) + 1):
            if image is not None:
                pixels.write(image.data)
            pixels.flush()
            index.write(json.dumps(row).encode() + b"\n")
            index.flush()
            progress(number / len(source), f"{number:,} of {len(source):,} photos decoded")
        os.fsync(pixels.fileno())


def _decoded(
    source: PhotoSource, first: int, threads: int, at_end: Callable[[Callable[[], None]], object]
) -> Iterator[tuple[Row, Image | None]]:
    """Decode photos ahead on threads, in their order."""
    readers = Readers(threads)
    at_end(readers.close)
    pending: collections.deque[Any] = collections.deque()
    for number in range(first, len(source) + _AHEAD):
        if number < len(source):
            pending.append(readers.submit(source.read, number))
        if number >= first + _AHEAD:
            try:
                image = wait(pending.popleft(), lambda: False)
                yield {"height": image.shape[0], "width": image.shape[1]}, np.ascontiguousarray(image)
            except DataError as error:
                yield {"damage": str(error)}, None


def _read_index(folder: Path) -> tuple[list[Row], int]:
    """The rows whose lines are whole and whose pixels are there, and the bytes of these lines."""
    rows: list[Row] = []
    length = pixels = 0
    if (folder / _INDEX).exists() and (folder / _PIXELS).exists():
        there = (folder / _PIXELS).stat().st_size
        for line in (folder / _INDEX).read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n") or (pixels := pixels + _size(row := json.loads(line))) > there:
                break
            rows.append(row)
            length += len(line)
    return rows, length


def _size(row: Row) -> int:
    return int(row.get("height", 0)) * int(row.get("width", 0)) * _CHANNELS
