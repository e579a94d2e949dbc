"""Where images come from: each source gives uint8 RGB images by index.

    train, val = open_sources([Path("photos")])

A path is CIFAR-10 (the official `cifar-10-batches-py` folder or its tar.gz), a folder of photos, a tar
shard of photos, or a folder of tar shards. Shards with `val` or `test` in their name, and CIFAR-10's test
batch, are for measuring only.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import DataError

Image = npt.NDArray[np.uint8]  # (H, W, 3) RGB

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
_CIFAR_FOLDER = "cifar-10-batches-py"
_CIFAR_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_CIFAR_TEST = "test_batch"
_MEASURING = ("val", "test")
_BAD_PICKLE = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, SystemError,
    TypeError, ValueError,
)  # fmt: skip


class Source(Protocol):
    """Images by index.

    Attributes:
        names: What each is called where it came from.
    """

    names: list[str]

    def __len__(self) -> int:
        """How many."""

    def read(self, index: int) -> Image:
        """One image, uint8 RGB (H, W, 3); raises DataError where it is damaged."""

    def fingerprint(self) -> str:
        """A hash that tells these images from others; not of every byte of theirs."""


class Photos:
    """Encoded photos, each a whole file or a part of a tar shard."""

    def __init__(self, places: Sequence[tuple[Path, int, int]], names: Sequence[str]) -> None:
        """Take (file, offset, size in bytes; -1 for the whole file) and a name for each photo."""
        self._places = list(places)
        self.names = list(names)

    @classmethod
    def of_folder(cls, folder: Path) -> Photos:
        """All photos below a folder, in the order of their names.

        Raises:
            DataError: A folder within it cannot be read.
        """
        paths = sorted(path for path in _files(folder) if path.suffix.lower() in SUFFIXES)
        return cls([(path, 0, -1) for path in paths], [str(path.relative_to(folder)) for path in paths])

    @classmethod
    def of_shards(cls, shards: Sequence[Path]) -> Photos:
        """All photos of some uncompressed tar files."""
        places, names = [], []
        for shard in shards:
            try:
                with tarfile.open(shard, "r:") as archive:
                    for member in archive:
                        if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                            places.append((shard, member.offset_data, member.size))
                            names.append(member.name)
                    _check_end(shard, archive.offset, len(names))
            except (tarfile.TarError, OSError) as error:
                raise DataError(
                    f"{shard} cannot be read as an uncompressed tar of photos ({error})"
                ) from error
        return cls(places, names)

    def __len__(self) -> int:
        return len(self._places)

    def fingerprint(self) -> str:
        """A hash of the photos' names and sizes, in their order; not of their content."""
        sizes = (_size(path) if size < 0 else size for path, _, size in self._places)
        told = "\n".join(f"{name} {size}" for name, size in zip(self.names, sizes, strict=True))
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()

    def read(self, index: int) -> Image:
        """One photo, uint8 RGB (H, W, 3)."""
        path, offset, size = self._places[index]
        try:
            with path.open("rb") as stream:
                stream.seek(offset)
                encoded = np.frombuffer(stream.read(size), np.uint8)
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        except (OSError, cv2.error) as error:
            raise DataError(f"{self.names[index]} in {path} cannot be read ({error})") from error
        if image is None:
            raise DataError(f"{self.names[index]} in {path} is not an image that can be decoded")
        return np.ascontiguousarray(image[..., ::-1])


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}); see to its permissions")

    for where, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(where) / name for name in names)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be looked into
        return False


def _size(path: Path) -> int:
    """A file's size in bytes; -1 where it cannot be told, and the photo is going to be left out."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _check_end(shard: Path, offset: int, photos: int) -> None:
    """Raise DataError unless a tar that was read to `offset` ends there.

    Python's tarfile takes a header that it cannot read for the end of the archive, and drops the rest in
    silence.
    """
    with shard.open("rb") as stream:
        stream.seek(offset)
        header = stream.read(tarfile.BLOCKSIZE)
    size = shard.stat().st_size
    if offset > size or header.strip(b"\0"):
        raise DataError(
            f"{shard} is damaged at byte {offset:,} of {size:,}, behind {photos} photos; copy it again"
        )


class Cifar:
    """CIFAR-10 in memory (A. Krizhevsky, 2009)."""

    def __init__(self, images: Image, names: Sequence[str]) -> None:
        self._images = images  # (N, 32, 32, 3)
        self.names = list(names)

    def __len__(self) -> int:
        return len(self._images)

    def fingerprint(self) -> str:
        """A hash of all images."""
        return hashlib.sha256(self._images.tobytes()).hexdigest()

    def read(self, index: int) -> Image:
        """One image, uint8 RGB (32, 32, 3)."""
        return self._images[index]  # type: ignore[no-any-return]


def open_sources(paths: Sequence[Path]) -> tuple[Source, Source | None]:
    """The training images below some paths, and those for measuring if there are any.

    Raises:
        DataError: A path is missing, holds no images, or both shards and other photos; or there is both
            CIFAR-10 and something else.
    """
    for path in paths:
        if not path.exists():
            raise DataError(f"no data at {path}; give CIFAR-10, a folder of photos or tar shards of photos")
    for path in paths:
        if (batches := _cifar_batches(path)) is not None:
            if len(paths) > 1:
                raise DataError(f"{path} is CIFAR-10; it cannot be mixed with other data in one run")
            return _read_cifar(path, batches, _CIFAR_TRAIN), _read_cifar(path, batches, (_CIFAR_TEST,))
    shards = [shard for path in paths for shard in _shards(path)]
    folders = [path for path in paths if path.is_dir() and not _shards(path)]
    train = _join(
        [Photos.of_folder(f) for f in folders] + [Photos.of_shards([s for s in shards if not _measures(s)])]
    )
    val = Photos.of_shards([s for s in shards if _measures(s)])
    if len(train) == 0:
        where = ", ".join(str(path) for path in paths)
        raise DataError(
            f"no training images in {where}; give CIFAR-10, a folder of photos or tar shards of photos"
        )
    return train, val if len(val) else None


def open_measuring(path: Path) -> Source:
    """What a path has to measure on: CIFAR-10's test split, or all its photos (see `open_photos`).

    Raises:
        DataError: There is neither.
    """
    if path.exists() and (batches := _cifar_batches(path)) is not None:
        return _read_cifar(path, batches, (_CIFAR_TEST,))
    return open_photos(path)


def open_photos(path: Path) -> Photos:
    """All photos of one folder, tar shard or folder of shards, whatever their names.

    Raises:
        DataError: The path is missing or holds no photos.
    """
    if not path.exists():
        raise DataError(f"no photos at {path}; give a folder or a tar shard of photos")
    photos = Photos.of_shards(_shards(path)) if _shards(path) else Photos.of_folder(path)
    if len(photos) == 0:
        raise DataError(f"{path} holds no photos ({', '.join(sorted(SUFFIXES))})")
    return photos


def evenly(some: int, of: int) -> list[int]:
    """Up to `some` of the numbers below `of`, evenly spread."""
    some = min(some, of)
    return [number * of // some for number in range(some)]


def _join(parts: Sequence[Photos]) -> Photos:
    places = [place for part in parts for place in part._places]
    return Photos(places, [name for part in parts for name in part.names])


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    shards = sorted(path.glob("*.tar"))
    if shards and len(Photos.of_folder(path)):
        raise DataError(f"{path} holds both photos and tar shards of photos; give either, or each by itself")
    return shards


def _measures(path: Path) -> bool:
    words = path.stem.lower().replace("_", "-").split("-")
    return any(word in words for word in _MEASURING)


def _cifar_batches(path: Path) -> dict[str, bytes] | None:
    """The batch files of CIFAR-10 at a path, by name; None where it is something else."""
    for folder in (path, path / _CIFAR_FOLDER):
        if _is_file(folder / _CIFAR_TEST):
            try:
                return {name: (folder / name).read_bytes() for name in (*_CIFAR_TRAIN, _CIFAR_TEST)}
            except OSError as error:
                raise DataError(f"{folder} is no complete CIFAR-10 ({error.filename} is missing)") from error
    if path.is_file() and path.name.endswith((".tar.gz", ".tgz")):
        try:
            with tarfile.open(path, "r:gz") as archive:
                members = {Path(member.name).name: member for member in archive if member.isfile()}
                streams = {n: archive.extractfile(members[n]) for n in (*_CIFAR_TRAIN, _CIFAR_TEST)}
                return {name: stream.read() for name, stream in streams.items() if stream}
        except (tarfile.TarError, OSError, KeyError, EOFError) as error:
            raise DataError(f"{path} is not CIFAR-10's cifar-10-python.tar.gz ({error})") from error
    return None


def _read_cifar(path: Path, batches: dict[str, bytes], files: Sequence[str]) -> Cifar:
    rows: list[npt.NDArray[np.uint8]] = []
    names: list[str] = []
    for file in files:
        try:
            batch = _BatchUnpickler(io.BytesIO(batches[file]), encoding="bytes").load()
            rows.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32))
            names += [f"{file}/{bytes(name).decode('utf-8', 'replace')}" for name in batch[b"filenames"]]
        except _BAD_PICKLE as error:
            raise DataError(f"{file} in {path} is not a batch of CIFAR-10 ({error})") from error
    return Cifar(np.ascontiguousarray(np.concatenate(rows).transpose(0, 2, 3, 1)), names)


class _BatchUnpickler(pickle.Unpickler):
    """Reads CIFAR-10's pickles, which hold arrays and byte strings alone, and nothing else."""

    _ALLOWED = ("ndarray", "dtype", "_reconstruct")

    def find_class(self, module: str, name: str) -> Any:
        """Only what an array needs."""
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class("numpy" if name != "_reconstruct" else "numpy._core.multiarray", name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in CIFAR-10")
