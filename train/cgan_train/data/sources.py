"""Image sources: uint8 RGB images by index, from photos on disk or from CIFAR-10.

    train, val = open_sources([Path("photos")])
    train, val = open_sources([Path("photos")], Path("measured"))

A path is CIFAR-10 (the official folder `cifar-10-batches-py` or its tar.gz), a folder of photos, a tar shard
of photos, or a folder of tar shards. Shards with `val` or `test` in their name, and CIFAR-10's test batch,
are for validation only. An image that is measured on is never trained on, wherever else it lies.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import DataError
from cgan_train.data.cifar import TEST, TRAIN, CifarSource, cifar_batches, read_cifar
from cgan_train.data.damage import decode
from cgan_train.data.finding import ARCHIVED_LINK, MEASURED, NO_FILE, OTHER_KIND, SUFFIXES, find_photos

Image = npt.NDArray[np.uint8]
"""RGB, (H, W, 3)."""

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_VALIDATION_WORDS = ("val", "test")


class ImageSource(Protocol):
    """Images by index.

    Attributes:
        names: File name of each image, for messages.
        left_out: Files that were found but not taken: name to reason.
    """

    names: list[str]
    left_out: dict[str, str]

    def __len__(self) -> int:
        """Count the images."""

    def read(self, index: int) -> Image:
        """Read one image, uint8 RGB (H, W, 3); raises DataError if it is damaged."""

    def fingerprint(self) -> str:
        """Identify the set of images by a SHA-256 hash in hex; it need not cover every byte."""


class PhotoSource:
    """Encoded photos. Each is a file, or a part of a tar shard."""

    def __init__(
        self, places: Sequence[tuple[Path, int, int]], names: Sequence[str], left_out: Mapping[str, str] = {}
    ) -> None:
        """Take (file, offset, size in bytes; -1 for the whole file) and a name for each photo."""
        self._places = list(places)
        self.names = list(names)
        self.left_out = dict(left_out)
        self._sound: set[int] = set()  # photos that were checked, and of which the decoder writes nothing

    @classmethod
    def of_folder(cls, folder: Path) -> PhotoSource:
        """Find all photos below a folder, in the order of their names; raises DataError as `find_photos`."""
        paths, left_out = find_photos(folder)
        names = [str(path.relative_to(folder)) for path in paths]
        return cls([(path, 0, -1) for path in paths], names, left_out)

    @classmethod
    def of_shards(cls, shards: Sequence[Path]) -> PhotoSource:
        """Find all photos in uncompressed tar files.

        Raises:
            DataError: A file is damaged, or is no such tar.
        """
        places, names = [], []
        left_out: dict[str, str] = {}
        for shard in shards:
            if shard.exists() and not shard.is_file():
                left_out[str(shard)] = NO_FILE
                continue
            try:
                with tarfile.open(shard, "r:") as archive:
                    for member in archive:
                        if Path(member.name).suffix.lower() not in SUFFIXES:
                            left_out |= {} if member.isdir() else {member.name: OTHER_KIND}
                        elif member.isfile():
                            places.append((shard, member.offset_data, member.size))
                            names.append(member.name)
                        elif not member.isdir():
                            left_out[member.name] = ARCHIVED_LINK
                    _check_end(shard, archive.offset, len(names))
            except DataError:
                raise
            except Exception as error:  # tarfile lets through what damaged numbers raise
                raise DataError(f"{shard} cannot be read as an uncompressed tar of photos ({error})") from error
        return cls(places, names, left_out)

    def __add__(self, other: PhotoSource) -> PhotoSource:
        left_out = self.left_out | other.left_out
        return PhotoSource(self._places + other._places, self.names + other.names, left_out)

    def __len__(self) -> int:
        return len(self._places)

    def fingerprint(self) -> str:
        """Hash the photos' names and sizes in their order, not their content."""
        lines = "\n".join(f"{name} {self.size(index)}" for index, name in enumerate(self.names))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()

    def size(self, index: int) -> int:
        """A photo's encoded size in bytes; -1 if its file is gone, which `read` refuses."""
        path, _, size = self._places[index]
        try:
            return path.stat().st_size if size < 0 else size
        except OSError:
            return -1

    def state(self) -> str:
        """Hash of names, places, sizes and times of change of the photos' files: it changes as they do."""
        files = {path: path.stat().st_mtime_ns if path.exists() else 0 for path, _, _ in self._places}
        lines = "\n".join(f"{path} {at} {files[path]}" for path, at, _ in self._places)
        return hashlib.sha256(f"{self.fingerprint()}\n{lines}".encode("utf-8", "surrogateescape")).hexdigest()

    def digest(self, index: int) -> bytes:
        """Hash of a photo's encoded bytes; empty if they cannot be read."""
        try:
            return hashlib.sha256(self._encoded(index)).digest()
        except DataError:
            return b""

    def without(self, left_out: Mapping[int, str]) -> PhotoSource:
        """The photos but for some, index to reason."""
        kept = [index for index in range(len(self)) if index not in left_out]
        more = {self.names[index]: reason for index, reason in left_out.items()}
        places, names = [self._places[index] for index in kept], [self.names[index] for index in kept]
        return PhotoSource(places, names, self.left_out | more)

    def split(self, count: int) -> tuple[PhotoSource, PhotoSource]:
        """The photos without `count` evenly spaced ones, which are for measuring, and these."""
        held_out = evenly_spaced(count, len(self))
        places, names = [self._places[index] for index in held_out], [self.names[index] for index in held_out]
        return self.without(dict.fromkeys(held_out, MEASURED)), PhotoSource(places, names)

    def read(self, index: int) -> Image:
        """Read one photo, uint8 RGB (H, W, 3); raises DataError if it is damaged.

        A photo is checked for damage when it is first read.
        """
        encoded = self._encoded(index)
        name, place = self.names[index], self._places[index][0]
        where = str(place) if Path(place).name == Path(name).name else f"{name} in {place}"
        if index not in self._sound:
            try:
                image, quiet = decode(encoded)
            except DataError as error:
                raise DataError(f"{where} is damaged ({error})") from None
            if quiet:
                self._sound.add(index)
            return image
        try:
            bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            raise DataError(f"{where} cannot be read ({error})") from error
        if bgr is None:
            raise DataError(f"{where} is not an image that can be decoded")
        return np.ascontiguousarray(bgr[..., ::-1])

    def _encoded(self, index: int) -> bytes:
        path, offset, size = self._places[index]
        try:
            # A pipe that took a file's place is opened without waiting for its writer.
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NONBLOCK)) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    raise OSError("no regular file")
                stream.seek(offset)
                return stream.read(size)
        except OSError as error:
            raise DataError(f"{self.names[index]} in {path} cannot be read ({error})") from error


def _check_end(shard: Path, offset: int, photos: int) -> None:
    """Raise DataError unless a tar that was read up to `offset` ends there.

    Python's tarfile takes a header that it cannot read for the end of the archive and ignores the rest.
    """
    with shard.open("rb") as stream:
        stream.seek(offset)
        header = stream.read(tarfile.BLOCKSIZE)
    size = shard.stat().st_size
    if offset > size or header.strip(b"\0"):
        raise DataError(f"{shard} is damaged at byte {offset:,} of {size:,}, after {photos} photos; copy it again")


def open_sources(paths: Sequence[Path], val: Path | None = None) -> tuple[ImageSource, ImageSource | None]:
    """Open the training images below some paths, and the validation images if there are any.

    Those come from `val`, if it is given. Training images whose content is that of one are left out.

    Raises:
        DataError: A path is missing, holds no images, or holds both shards and photos; or CIFAR-10 is mixed
            with something else; or no image is left to train on.
    """
    where = ", ".join(str(path) for path in paths)
    train, measured = _open(paths)
    if len(train) == 0:
        raise DataError(f"no training images in {where}; give CIFAR-10, a folder of photos or tar shards of photos")
    if val is not None:
        measured = open_validation(val)
    if measured is None:
        return train, None
    train = train.without(dict.fromkeys(_in_both(train, measured), MEASURED))
    if len(train) == 0:
        raise DataError(f"all images in {where} are measured on; give others to train on with --data")
    return train, measured


def _open(paths: Sequence[Path]) -> tuple[PhotoSource | CifarSource, PhotoSource | CifarSource | None]:
    for path in paths:
        if not path.exists():
            raise DataError(f"no data at {path}; give CIFAR-10, a folder of photos or tar shards of photos")
    for path in paths:
        if (batches := cifar_batches(path)) is not None:
            if len(paths) > 1:
                raise DataError(f"{path} is CIFAR-10; it cannot be mixed with other data in one run")
            return read_cifar(path, batches, TRAIN), read_cifar(path, batches, TEST)
    folders = [path for path in paths if path.is_dir() and not _shards(path)]
    shards = [shard for path in paths for shard in _shards(path)]
    val = PhotoSource.of_shards([shard for shard in shards if _for_validation(shard)])
    train = PhotoSource.of_shards([shard for shard in shards if not _for_validation(shard)])
    train = sum((PhotoSource.of_folder(folder) for folder in folders), PhotoSource([], [])) + train
    return train, val if len(val) else None


def _in_both(train: PhotoSource | CifarSource, measured: PhotoSource | CifarSource) -> Iterator[int]:
    """Indices of the training images whose content, encoded or decoded, is that of a measured one.

    Photos are not decoded here; the loader compares their pixels with those of the images in use.
    """
    if isinstance(train, CifarSource):
        measured_pixels = {image.tobytes() for image in _readable(measured)}
        yield from (i for i in range(len(train)) if train.read(i).tobytes() in measured_pixels)
    elif isinstance(measured, PhotoSource):
        sizes = {measured.size(index) for index in range(len(measured))}
        same_size = [index for index in range(len(train)) if train.size(index) in sizes]
        digests = {measured.digest(index) for index in range(len(measured))} if same_size else set()
        yield from (index for index in same_size if train.digest(index) in digests - {b""})


def _readable(source: ImageSource) -> Iterator[Image]:
    for index in range(len(source)):
        with suppress(DataError):
            yield source.read(index)


def open_validation(path: Path) -> PhotoSource | CifarSource:
    """Open a path's validation images: CIFAR-10's test batch, or all photos (see `open_photos`).

    Raises:
        DataError: There is neither.
    """
    if path.exists() and (batches := cifar_batches(path)) is not None:
        return read_cifar(path, batches, TEST)
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
    shards = sorted(each for each in path.glob("*.tar") if not each.is_dir())
    if not any(shard.is_file() for shard in shards):
        return []
    if len(PhotoSource.of_folder(path)):
        raise DataError(f"{path} holds both photos and tar shards of photos; give either, or each by itself")
    return shards


def _for_validation(shard: Path) -> bool:
    words = shard.stem.lower().replace("_", "-").split("-")
    return any(word in words for word in _VALIDATION_WORDS)
