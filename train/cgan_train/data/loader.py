"""Batches of training pictures, cropped and zoomed on a few threads while the network trains.

The order of an epoch and every crop follow from (seed, epoch, index) alone, so that a run that was
resumed sees the very pictures that it would have seen.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor

from cgan_runtime.errors import DataError
from cgan_train.config import Augmentation
from cgan_train.data.sources import Picture, Source

_AHEAD = 4  # batches


class Loader:
    """Batches of uint8 RGB crops, (N, 3, side, side).

    Attributes:
        skipped: What was left out because it could not be read: index and reason.
    """

    def __init__(
        self, source: Source, batch_size: int, augmentation: Augmentation, seed: int, *, sampling: int = 0,
        threads: int = 2,
    ) -> None:  # fmt: skip
        self._source = source
        self._batch_size = min(batch_size, len(source))
        self._augmentation = augmentation
        self._seed = seed
        self._pictures = min(sampling, len(source)) if sampling else len(source)
        self._threads = threads
        self.skipped: dict[int, str] = {}

    def __len__(self) -> int:
        """Batches in an epoch; the last incomplete one is left out."""
        return max(1, self._pictures // self._batch_size)

    @property
    def batch_size(self) -> int:
        """Pictures in a batch."""
        return self._batch_size

    def epoch(self, epoch: int, side: int, start: int = 0) -> Iterator[Tensor]:
        """The batches of an epoch from number `start` on, crops of `side` px."""
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._source))
        batches = [order[i * self._batch_size : (i + 1) * self._batch_size] for i in range(start, len(self))]
        pending: collections.deque[list[Future[Picture]]] = collections.deque()
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                for number in range(len(batches) + _AHEAD):
                    if number < len(batches):
                        jobs = [pool.submit(self._crop, int(index), epoch, side) for index in batches[number]]
                        pending.append(jobs)
                    if number >= _AHEAD:
                        crops = np.stack([job.result() for job in pending.popleft()])
                        yield torch.from_numpy(crops).permute(0, 3, 1, 2)
            finally:
                pool.shutdown(cancel_futures=True)

    def _crop(self, index: int, epoch: int, side: int) -> Picture:
        """One picture's crop; a picture that cannot be read is replaced by another."""
        rng = np.random.default_rng((self._seed, epoch, index))
        reason = ""
        for _ in range(10):
            try:
                return random_crop(self._source.read(index), side, self._augmentation, rng)
            except DataError as error:
                reason = self.skipped[index] = str(error)
                index = int(rng.integers(len(self._source)))
        raise DataError(f"ten pictures one after the other could not be read; the last: {reason}")


def random_crop(picture: Picture, side: int, augmentation: Augmentation, rng: np.random.Generator) -> Picture:
    """A square part of a picture at a random place and zoom, resized to (side, side, 3)."""
    height, width = picture.shape[:2]
    low, high = augmentation.zoom
    cut = max(1, min(height, width, round(min(height, width) * rng.uniform(low, high))))
    top = int(rng.integers(height - cut + 1))
    left = int(rng.integers(width - cut + 1))
    part = picture[top : top + cut, left : left + cut]
    if cut != side:
        how = cv2.INTER_AREA if cut > side else cv2.INTER_CUBIC
        part = np.asarray(cv2.resize(part, (side, side), interpolation=how), np.uint8)
    if augmentation.flip and rng.random() < 0.5:
        part = part[:, ::-1]
    return np.ascontiguousarray(part)


def centre_fit(picture: Picture, side: int) -> Picture:
    """The middle square of a picture, resized to (side, side, 3): what is measured."""
    height, width = picture.shape[:2]
    cut = min(height, width)
    top, left = (height - cut) // 2, (width - cut) // 2
    part = picture[top : top + cut, left : left + cut]
    if cut == side:
        return np.ascontiguousarray(part)
    how = cv2.INTER_AREA if cut > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (side, side), interpolation=how), np.uint8)
