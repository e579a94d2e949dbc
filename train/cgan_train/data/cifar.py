"""CIFAR-10 (A. Krizhevsky, 2009): its official folder `cifar-10-batches-py`, or its tar.gz.

batches = cifar_batches(Path("cifar-10-batches-py"))        # None: the path is something else
train = read_cifar(path, batches, TRAIN)
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import DataError

_FOLDER = "cifar-10-batches-py"
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)


class CifarSource:
    """CIFAR-10 in memory (A. Krizhevsky, 2009)."""

    def __init__(self, images: npt.NDArray[np.uint8], names: Sequence[str]) -> None:
        """Take all images as one array, uint8 RGB (N, 32, 32, 3), and their names."""
        self._images = images
        self.names = list(names)
        self.left_out: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._images)

    def fingerprint(self) -> str:
        """Hash all images."""
        return hashlib.sha256(self._images.tobytes()).hexdigest()

    def read(self, index: int) -> npt.NDArray[np.uint8]:
        """One image, uint8 RGB (32, 32, 3)."""
        return self._images[index]  # type: ignore[no-any-return]

    def without(self, left_out: Mapping[int, str]) -> CifarSource:
        """The images but for some, index to reason."""
        kept = [index for index in range(len(self)) if index not in left_out]
        source = CifarSource(self._images[kept], [self.names[index] for index in kept])
        source.left_out = {self.names[index]: reason for index, reason in left_out.items()}
        return source


def cifar_batches(path: Path) -> dict[str, bytes] | None:
    """The batch files of CIFAR-10 at a path, name to content; None if it is something else."""
    wanted = (*TRAIN, *TEST)
    for folder in (path, path / _FOLDER):
        if os.path.isfile(folder / TEST[0]):  # noqa: PTH113 (False, too, in a folder without permission)
            try:
                for name in wanted:
                    if not (folder / name).is_file():  # a pipe would be waited for
                        raise FileNotFoundError(0, "no file", str(folder / name))
                return {name: (folder / name).read_bytes() for name in wanted}
            except OSError as error:
                raise DataError(f"{folder} is no complete CIFAR-10 ({error.filename} is missing)") from error
    if path.is_file() and path.name.endswith((".tar.gz", ".tgz")):
        try:
            with tarfile.open(path, "r:gz") as archive:
                members = {Path(member.name).name: member for member in archive if member.isfile()}
                streams = {name: archive.extractfile(members[name]) for name in wanted}
                return {name: stream.read() for name, stream in streams.items() if stream}
        except Exception as error:  # of tarfile, gzip and zlib
            raise DataError(f"{path} is not CIFAR-10's cifar-10-python.tar.gz ({error})") from error
    return None


def read_cifar(path: Path, batches: dict[str, bytes], files: Sequence[str]) -> CifarSource:
    """Read some of the batch files that were found at a path; raises DataError if one is damaged."""
    rows: list[npt.NDArray[np.uint8]] = []
    names: list[str] = []
    for file in files:
        try:
            batch = _BatchUnpickler(io.BytesIO(batches[file]), encoding="bytes").load()
            if (data := np.asarray(batch[b"data"])).dtype != np.uint8:
                raise TypeError(f"the images are {data.dtype}, not uint8")
            rows.append(data.reshape(-1, 3, 32, 32))
            names += [f"{file}/{bytes(name).decode('utf-8', 'replace')}" for name in batch[b"filenames"]]
            if len(rows[-1]) == 0 or len(names) != sum(map(len, rows)):
                raise ValueError("there is not one name for each image")
        except Exception as error:  # pickles raise whatever their classes raise
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
