"""Batches of training images: order, crops, zoom and flips.

    for rgb in Loader(source, 128, augmentation, seed=0, device=device).epoch(epoch=3, side=32):
        ...                                           # uint8 (N, 3, side, side)

Photos are read, cropped and resized on a few threads while the network trains. Images that need neither
(CIFAR-10) lie on the training device as uint8 from the start, and are gathered and mirrored there.
Both ways give the same batches, and order and crops follow from (seed, epoch, image) alone, so that a run
that was resumed sees the very images that it would have seen. Of several processes each gets its part of
every batch.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cgan_runtime.errors import ConfigError, DataError
from cgan_train.config.schema import Augmentation
from cgan_train.data.sources import Cifar, Image, Source

READERS = 2
"""Threads that read photos where the other cores train."""

_AHEAD = 4  # batches
_GRAY = 3.0  # mean difference between a pixel's largest and smallest code; JPEG alone makes about 1
_GRAY_STEP = 4  # px; every fourth row and column tell


@dataclass(frozen=True)
class Place:
    """Which part of an image is taken, as fractions that hold for any size.

    Attributes:
        zoom: 0 for the smallest cut that the augmentation allows, 1 for the largest.
        top: 0 to below 1, of the rows where the cut may begin.
        left: Same of the columns.
        flip: Whether it is mirrored.
    """

    zoom: float
    top: float
    left: float
    flip: bool


class Loader:
    """Batches of uint8 RGB crops, (N, 3, side, side).

    Args:
        source: The images.
        batch_size: Images of a batch, over all processes.
        augmentation: What is done to them.
        seed: Of the run.
        sampling: Images of an epoch; 0 for all.
        threads: That read photos.
        device: Where images may lie, and batches of such come out.
        part: Which process of how many this is.

    Attributes:
        skipped: What was left out because it could not be read or has no color: index and reason.
        resident: Whether the images lie on the device.
    """

    def __init__(
        self, source: Source, batch_size: int, augmentation: Augmentation, seed: int, *, sampling: int = 0,
        threads: int = READERS, device: torch.device | None = None, part: tuple[int, int] = (0, 1),
    ) -> None:  # fmt: skip
        self._source = source
        self._images = min(sampling, len(source)) if sampling else len(source)
        self._batch_size = min(batch_size, self._images)
        self._rank, self._world = part
        if self._batch_size % self._world:
            raise ConfigError(
                f"a batch of {self._batch_size} cannot be shared evenly by {self._world} processes; "
                "give another --batch-size"
            )
        self._augmentation = augmentation
        self._seed = seed
        self._threads = threads
        self._on_gpu = device is not None and device.type == "cuda"
        self.skipped: dict[int, str] = {}
        self.resident = isinstance(source, Cifar) and augmentation.zoom == (1.0, 1.0)
        self._stack = _stack(source, device or torch.device("cpu")) if self.resident else None

    def __len__(self) -> int:
        """Batches in an epoch; the last incomplete one is left out."""
        return max(1, self._images // self._batch_size)

    @property
    def batch_size(self) -> int:
        """Images in a batch, over all processes."""
        return self._batch_size

    def epoch(self, epoch: int, side: int, start: int = 0) -> Iterator[Tensor]:
        """The batches of an epoch from number `start` on, crops of `side` px."""
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(len(self._source))
        draws = rng.random((len(self._source), 4))
        share = self._batch_size // self._world
        first = [number * self._batch_size + self._rank * share for number in range(start, len(self))]
        batches = [order[at : at + share] for at in first]
        if self._stack is not None and self._stack.shape[-1] == side:
            return self._gathered(self._stack, batches, draws)
        return self._read_ahead(batches, draws, epoch, side)

    def _gathered(
        self, stack: Tensor, batches: list[npt.NDArray[np.int64]], draws: npt.NDArray[np.float64]
    ) -> Iterator[Tensor]:
        """Batches of images that lie on the device and are taken whole."""
        for chosen in batches:
            rgb = stack[torch.from_numpy(chosen).to(stack.device)]
            mirrored = torch.from_numpy(self._mirrored(draws[chosen])).to(stack.device)
            yield torch.where(mirrored[:, None, None, None], rgb.flip(-1), rgb)

    def _read_ahead(
        self, batches: list[npt.NDArray[np.int64]], draws: npt.NDArray[np.float64], epoch: int, side: int
    ) -> Iterator[Tensor]:
        """Batches of images that are read and cut on threads."""
        pending: collections.deque[list[Future[Image]]] = collections.deque()
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                for number in range(len(batches) + _AHEAD):
                    if number < len(batches):
                        pending.append(
                            [
                                pool.submit(self._crop, int(index), draws[index], epoch, side)
                                for index in batches[number]
                            ]
                        )
                    if number >= _AHEAD:
                        crops = torch.from_numpy(np.stack([job.result() for job in pending.popleft()]))
                        yield (crops.pin_memory() if self._on_gpu else crops).permute(0, 3, 1, 2)
            finally:
                pool.shutdown(cancel_futures=True)

    def _mirrored(self, draws: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return self._augmentation.flip & (draws[..., 3] < 0.5)

    def _crop(self, index: int, draw: npt.NDArray[np.float64], epoch: int, side: int) -> Image:
        """One image's crop; one that cannot be used is replaced by another, the same one each time."""
        zoom, top, left, _ = draw.tolist()
        place = Place(zoom, top, left, bool(self._mirrored(draw)))
        for instead in itertools.chain((index,), self._others(epoch, index)):
            try:
                return cut_out(self._read(instead), side, self._augmentation.zoom, place)
            except DataError as error:
                self.skipped[instead] = str(error)
        raise DataError(
            f"none of the {len(self._source)} images can be used; give others with --data; of the first: "
            f"{self.skipped[0]}"
        )

    def _others(self, epoch: int, index: int) -> Iterator[int]:
        """All images, in an order that only depends on which one they stand in for."""
        yield from np.random.default_rng((self._seed, epoch, index)).permutation(len(self._source)).tolist()

    def _read(self, index: int) -> Image:
        if index in self.skipped:
            raise DataError(self.skipped[index])
        image = self._source.read(index)
        if not isinstance(self._source, Cifar) and colorless(image):  # CIFAR-10 is trained on as it is
            raise DataError(f"{self._source.names[index]} has no color to learn from")
        return image


def colorless(image: Image) -> bool:
    """Whether an image is gray, but for the noise of its compression."""
    some = image[::_GRAY_STEP, ::_GRAY_STEP].astype(np.int16)
    return float((some.max(axis=-1) - some.min(axis=-1)).mean()) < _GRAY


def cut_out(image: Image, side: int, zoom: tuple[float, float], place: Place) -> Image:
    """A square part of an image, (side, side, 3); `zoom` is its side relative to the image's short one."""
    height, width = image.shape[:2]
    low, high = zoom
    shorter = min(height, width)
    cut = max(1, min(shorter, round(shorter * (low + (high - low) * place.zoom))))
    top = int(place.top * (height - cut + 1))
    left = int(place.left * (width - cut + 1))
    part = _resized(image[top : top + cut, left : left + cut], side)
    return np.ascontiguousarray(part[:, ::-1] if place.flip else part)


def center_fit(image: Image, side: int) -> Image:
    """The middle square of an image, resized to (side, side, 3): what is measured."""
    height, width = image.shape[:2]
    cut = min(height, width)
    top, left = (height - cut) // 2, (width - cut) // 2
    return np.ascontiguousarray(_resized(image[top : top + cut, left : left + cut], side))


def _resized(square: Image, side: int) -> Image:
    if len(square) == side:
        return square
    how = cv2.INTER_AREA if len(square) > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8)


def _stack(source: Source, device: torch.device) -> Tensor:
    """All images of a source whose images are of one size, uint8 (N, 3, H, W)."""
    images = np.stack([source.read(index) for index in range(len(source))])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(device)
