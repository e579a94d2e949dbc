"""Image sources: uint8 RGB images by index, from photos on disk or from CIFAR-10.

    train, val = open_sources([Path("photos")])

A path is CIFAR-10 (the official folder `cifar-10-batches-py` or its tar.gz), a folder of photos, a tar shard
of photos, or a folder of tar shards. Shards with `val` or `test` in their name, and CIFAR-10's test batch,
are for validation only.
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

Image = npt.NDArray[np.uint8]
"""RGB, (H, W, 3)."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
_CIFAR_FOLDER = "cifar-10-batches-py"
_CIFAR_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_CIFAR_TEST = "test_batch"
_VALIDATION_WORDS = ("val", "test")
_BAD_PICKLE = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, SystemError,
    TypeError, ValueError,
)  # fmt: skip


class ImageSource(Protocol):
    """Images by index.

    Attributes:
        names: File name of each image, for messages.
    """

    names: list[str]

    def __len__(self) -> int:
        """Count the images."""

    def read(self, index: int) -> Image:
        """Read one image, uint8 RGB (H, W, 3); raises DataError if it is damaged."""

    def fingerprint(self) -> str:
        """Identify the set of images by a SHA-256 hash in hex; it need not cover every byte."""


class PhotoSource:
    """Encoded photos. Each is a file, or a part of a tar shard."""

    def __init__(self, places: Sequence[tuple[Path, int, int]], names: Sequence[str]) -> None:
        """Take (file, offset, size in bytes; -1 for the whole file) and a name for each photo."""
        self._places = list(places)
        self.names = list(names)

    @classmethod
    def of_folder(cls, folder: Path) -> PhotoSource:
        """Find all photos below a folder, in the order of their names.

        Raises:
            DataError: A folder within it cannot be read.
        """
        paths = sorted(path for path in _files(folder) if path.suffix.lower() in SUFFIXES)
        return cls([(path, 0, -1) for path in paths], [str(path.relative_to(folder)) for path in paths])

    @classmethod
    def of_shards(cls, shards: Sequence[Path]) -> PhotoSource:
        """Find all photos in uncompressed tar files.

        Raises:
            DataError: A file is damaged, or is no such tar.
        """
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

    def __add__(self, other: PhotoSource) -> PhotoSource:
        return PhotoSource(self._places + other._places, self.names + other.names)

    def __len__(self) -> int:
        return len(self._places)

    def fingerprint(self) -> str:
        """Hash the photos' names and sizes in their order, not their content."""
        sizes = (_size(path) if size < 0 else size for path, _, size in self._places)
        lines = "\n".join(f"{name} {size}" for name, size in zip(self.names, sizes, strict=True))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()

    def read(self, index: int) -> Image:
        """Read one photo, uint8 RGB (H, W, 3); raises DataError if it is damaged."""
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
        raise DataError(f"{error.filename} cannot be read ({error.strerror}); check its permissions")

    for where, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(where) / name for name in names)


def _size(path: Path) -> int:
    """A file's size in bytes; -1 for a broken link, which the loader leaves out later."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _check_end(shard: Path, offset: int, photos: int) -> None:
    """Raise DataError unless a tar that was read up to `offset` ends there.

    Python's tarfile takes a header that it cannot read for the end of the archive and ignores the rest.
    """
    with shard.open("rb") as stream:
        stream.seek(offset)
        header = stream.read(tarfile.BLOCKSIZE)
    size = shard.stat().st_size
    if offset > size or header.strip(b"\0"):
        raise DataError(
            f"{shard} is damaged at byte {offset:,} of {size:,}, after {photos} photos; copy it again"
        )


class CifarSource:
    """CIFAR-10 in memory (A. Krizhevsky, 2009)."""

    def __init__(self, images: Image, names: Sequence[str]) -> None:
        """Take all images as one array, uint8 RGB (N, 32, 32, 3), and their names."""
        self._images = images
        self.names = list(names)

    def __len__(self) -> int:
        return len(self._images)

    def fingerprint(self) -> str:
        """Hash all images."""
        return hashlib.sha256(self._images.tobytes()).hexdigest()

    def read(self, index: int) -> Image:
        """One image, uint8 RGB (32, 32, 3)."""
        return self._images[index]  # type: ignore[no-any-return]


def open_sources(paths: Sequence[Path]) -> tuple[ImageSource, ImageSource | None]:
    """Open the training images below some paths, and the validation images if there are any.

    Raises:
        DataError: A path is missing, holds no images, or holds both shards and photos; or CIFAR-10 is mixed
            with something else.
    """
    for path in paths:
        if not path.exists():
            raise DataError(f"no data at {path}; give CIFAR-10, a folder of photos or tar shards of photos")
    for path in paths:
        if (batches := _cifar_batches(path)) is not None:
            if len(paths) > 1:
                raise DataError(f"{path} is CIFAR-10; it cannot be mixed with other data in one run")
            return _read_cifar(path, batches, _CIFAR_TRAIN), _read_cifar(path, batches, (_CIFAR_TEST,))
    folders = [path for path in paths if path.is_dir() and not _shards(path)]
    shards = [shard for path in paths for shard in _shards(path)]
    val = PhotoSource.of_shards([shard for shard in shards if _for_validation(shard)])
    train = PhotoSource.of_shards([shard for shard in shards if not _for_validation(shard)])
    train = sum((PhotoSource.of_folder(folder) for folder in folders), PhotoSource([], [])) + train
    if len(train) == 0:
        where = ", ".join(str(path) for path in paths)
        raise DataError(
            f"no training images in {where}; give CIFAR-10, a folder of photos or tar shards of photos"
        )
    return train, val if len(val) else None


def open_validation(path: Path) -> ImageSource:
    """Open a path's validation images: CIFAR-10's test batch, or all photos (see `open_photos`).

    Raises:
        DataError: There is neither.
    """
    if path.exists() and (batches := _cifar_batches(path)) is not None:
        return _read_cifar(path, batches, (_CIFAR_TEST,))
    return open_photos(path)


def open_photos(path: Path) -> PhotoSource:
    """Open all photos of one folder, tar shard or folder of shards, whatever their names.

    Raises:
        DataError: The path is missing or holds no photos.
    """
    if not path.exists():
        raise DataError(f"no photos at {path}; give a folder or a tar shard of photos")
    shards = _shards(path)
    photos = PhotoSource.of_shards(shards) if shards else PhotoSource.of_folder(path)
    if len(photos) == 0:
        raise DataError(f"{path} holds no photos ({', '.join(sorted(SUFFIXES))})")
    return photos


def evenly_spaced(count: int, total: int) -> list[int]:
    """Up to `count` indices below `total`, evenly spaced."""
    count = min(count, total)
    return [number * total // count for number in range(count)]


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    shards = sorted(path.glob("*.tar"))
    if shards and len(PhotoSource.of_folder(path)):
        raise DataError(f"{path} holds both photos and tar shards of photos; give either, or each by itself")
    return shards


def _for_validation(shard: Path) -> bool:
    words = shard.stem.lower().replace("_", "-").split("-")
    return any(word in words for word in _VALIDATION_WORDS)


def _cifar_batches(path: Path) -> dict[str, bytes] | None:
    """The batch files of CIFAR-10 at a path, name to content; None if it is something else."""
    wanted = (*_CIFAR_TRAIN, _CIFAR_TEST)
    for folder in (path, path / _CIFAR_FOLDER):
        if os.path.isfile(folder / _CIFAR_TEST):  # noqa: PTH113 (False, too, in a folder without permission)
            try:
                return {name: (folder / name).read_bytes() for name in wanted}
            except OSError as error:
                raise DataError(f"{folder} is no complete CIFAR-10 ({error.filename} is missing)") from error
    if path.is_file() and path.name.endswith((".tar.gz", ".tgz")):
        try:
            with tarfile.open(path, "r:gz") as archive:
                members = {Path(member.name).name: member for member in archive if member.isfile()}
                streams = {name: archive.extractfile(members[name]) for name in wanted}
                return {name: stream.read() for name, stream in streams.items() if stream}
        except (tarfile.TarError, OSError, KeyError, EOFError) as error:
            raise DataError(f"{path} is not CIFAR-10's cifar-10-python.tar.gz ({error})") from error
    return None


def _read_cifar(path: Path, batches: dict[str, bytes], files: Sequence[str]) -> CifarSource:
    rows: list[npt.NDArray[np.uint8]] = []
    names: list[str] = []
    for file in files:
        try:
            batch = _BatchUnpickler(io.BytesIO(batches[file]), encoding="bytes").load()
            rows.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32))
            names += [f"{file}/{bytes(name).decode('utf-8', 'replace')}" for name in batch[b"filenames"]]
        except _BAD_PICKLE as error:
            raise DataError(f"{file} in {path} is not a batch of CIFAR-10 ({error})") from error
    return CifarSource(np.ascontiguousarray(np.concatenate(rows).transpose(0, 2, 3, 1)), names)


class _BatchUnpickler(pickle.Unpickler):
    """Reads CIFAR-10's pickles: arrays and byte strings, nothing that could run code."""

    _ALLOWED = ("ndarray", "dtype", "_reconstruct")

    def find_class(self, module: str, name: str) -> Any:
        """Find what an array needs, and refuse everything else."""
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class("numpy" if name != "_reconstruct" else "numpy._core.multiarray", name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in CIFAR-10")
