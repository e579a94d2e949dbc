"""Batches of training images: order, crops, zoom and flips.

    for rgb in Loader(source, 128, augmentation, seed=0, device=device).epoch(epoch=3, side=32):
        ...                                           # uint8 (N, 3, side, side)

Photos are read, cropped and resized on a few threads while the network trains. CIFAR-10 without zoom stays on
the training device as uint8; its batches are gathered and mirrored there. Both ways give the same batches.
Order and crops depend on (seed, epoch, image) only, so a resumed run sees the images that it would have seen.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cgan_runtime.errors import ConfigError, DataError
from cgan_train.config.schema import Augmentation
from cgan_train.data.cifar import CifarSource
from cgan_train.data.finding import DAMAGED, MEASURED, NO_COLOR, count_reasons
from cgan_train.data.readers import Readers, Stuck, wait
from cgan_train.data.sources import Image, ImageSource

READERS = 2
"""Threads that read photos while the other cores train."""

_PREFETCH = 4  # batches
_GRAY_SPREAD = 3.0  # mean difference between a pixel's largest and smallest code; JPEG alone makes about 1
_GRAY_STEP = 4  # px; the difference is taken in every fourth row and column

Draws = npt.NDArray[np.float64]
"""Random numbers in [0, 1), (..., 4): zoom, top, left and flip of each image."""


@dataclass(frozen=True)
class Crop:
    """Which part of an image is taken: size and position as fractions, in [0, 1), of what is possible.

    `flip` mirrors it.
    """

    zoom: float
    top: float
    left: float
    flip: bool


class Loader:
    """Batches of uint8 RGB crops, (N, 3, side, side).

    Args:
        source: The images.
        batch_size: Images in a batch, over all processes.
        augmentation: Its `flip` and `zoom` are applied here.
        seed: The run's.
        sampling: Images in an epoch; 0 for all.
        threads: Threads that read photos.
        device: Where CIFAR-10 may stay; its batches are on this device.
        part: Rank of this process and number of processes; each gets its part of every batch.

    Attributes:
        measured: Images that are measured on: one with the same pixels is not trained on. None at first.
        skipped: Images left out because they are damaged, gray or measured on: index to reason.
        enlarged: Indices of the images that are smaller than the crops.
        resident: Whether the images stay on the device.
        stopping: Whether to stop, asked while a read takes long; epochs then end early. Never at first.

    Raises:
        ConfigError: The batch cannot be shared evenly by the processes.
    """

    def __init__(
        self, source: ImageSource, batch_size: int, augmentation: Augmentation, seed: int, *,
        sampling: int = 0, threads: int = READERS, device: torch.device | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:  # fmt: skip
        self._source = source
        self._images = min(sampling, len(source)) if sampling else len(source)
        self.batch_size = min(batch_size, self._images)
        self._rank, self._processes = part
        if self.batch_size % self._processes:
            raise ConfigError(
                f"a batch of {self.batch_size} cannot be shared evenly by {self._processes} processes; "
                "give another --batch-size"
            )
        self._augmentation = augmentation
        self._seed = seed
        self.measured: Sequence[Image] = ()
        self.stopping: Callable[[], bool] = lambda: False
        self._threads = threads
        self._on_gpu = device is not None and device.type == "cuda"
        self.skipped: dict[int, str] = {}
        self.enlarged: set[int] = set()
        self.resident = isinstance(source, CifarSource) and augmentation.zoom == (1.0, 1.0)
        self._stack = _stack(source, device or torch.device("cpu")) if self.resident else None

    def __len__(self) -> int:
        """Batches in an epoch, without the last incomplete one."""
        return max(1, self._images // self.batch_size)

    def epoch(self, epoch: int, side: int, start: int = 0) -> Iterator[Tensor]:
        """The batches of an epoch from number `start` on, in crops of `side` px.

        Raises:
            DataError: No image can be used.
        """
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(len(self._source))
        draws = rng.random((len(self._source), 4))
        share = self.batch_size // self._processes
        first = [number * self.batch_size + self._rank * share for number in range(start, len(self))]
        batches = [order[at : at + share] for at in first]
        if self._stack is not None and self._stack.shape[-1] == side:
            return self._gather(self._stack, batches, draws)
        return self._read_ahead(batches, draws, epoch, side)

    def _gather(self, stack: Tensor, batches: list[npt.NDArray[np.int64]], draws: Draws) -> Iterator[Tensor]:
        """Batches of whole images that are on the device."""
        for indices in batches:
            rgb = stack[torch.from_numpy(indices).to(stack.device)]
            flip = torch.from_numpy(self._flips(draws[indices])).to(stack.device)
            yield torch.where(flip[:, None, None, None], rgb.flip(-1), rgb)

    def _read_ahead(
        self, batches: list[npt.NDArray[np.int64]], draws: Draws, epoch: int, side: int
    ) -> Iterator[Tensor]:
        """Batches of images that threads read and crop."""
        pending: collections.deque[list[Future[Image]]] = collections.deque()
        readers = Readers(self._threads)
        try:
            for number in range(len(batches) + _PREFETCH):
                if number < len(batches):
                    indices = batches[number].tolist()
                    pending.append([readers.submit(self._crop, i, draws[i], epoch, side) for i in indices])
                if number >= _PREFETCH:
                    crops = torch.from_numpy(np.stack([wait(job, self.stopping) for job in pending.popleft()]))
                    yield (crops.pin_memory() if self._on_gpu else crops).permute(0, 3, 1, 2)
        except Stuck:
            pass
        finally:
            readers.close()

    def _flips(self, draws: Draws) -> npt.NDArray[np.bool_]:
        return self._augmentation.flip & (draws[..., 3] < 0.5)

    def _crop(self, index: int, draw: Draws, epoch: int, side: int) -> Image:
        """One image's crop; an image that cannot be used is always replaced by the same other one."""
        zoom, top, left, _ = draw.tolist()
        crop = Crop(zoom, top, left, bool(self._flips(draw)))
        for candidate in itertools.chain((index,), self._substitutes(epoch, index)):
            try:
                image = self._read(candidate)
                if min(image.shape[:2]) < side:
                    self.enlarged.add(candidate)
                return crop_square(image, side, self._augmentation.zoom, crop)
            except DataError as error:
                self.skipped[candidate] = str(error)
        raise DataError(
            f"none of the {len(self._source)} images can be used; give others with --data; of the first: "
            f"{self.skipped[0]}"
        )

    def _substitutes(self, epoch: int, index: int) -> Iterator[int]:
        """All images, in an order that depends on the replaced one alone."""
        yield from np.random.default_rng((self._seed, epoch, index)).permutation(len(self._source)).tolist()

    def _read(self, index: int) -> Image:
        if index in self.skipped:
            raise DataError(self.skipped[index])
        image = self._source.read(index)
        if not isinstance(self._source, CifarSource) and is_gray(image):  # CIFAR-10 is trained on as it is
            raise DataError(f"{self._source.names[index]} has {NO_COLOR}")
        if any(_equal(image, other) for other in self.measured):
            raise DataError(f"{self._source.names[index]} is {MEASURED}")
        return image


def count_skipped(skipped: Mapping[int, str]) -> str:
    """Count the images that a loader left out by reason."""
    return count_reasons(
        next((kind for kind in (NO_COLOR, MEASURED) if reason.endswith(kind)), DAMAGED) for reason in skipped.values()
    )


def _equal(image: Image, other: Image) -> bool:
    """Whether two images have the same pixels; mostly the middle row tells."""
    middle = len(image) // 2
    return image.shape == other.shape and np.array_equal(image[middle], other[middle]) and np.array_equal(image, other)


def is_gray(image: Image) -> bool:
    """Whether an image has no color, apart from the noise of its compression."""
    some = image[::_GRAY_STEP, ::_GRAY_STEP].astype(np.int16)
    return float((some.max(axis=-1) - some.min(axis=-1)).mean()) < _GRAY_SPREAD


def crop_square(image: Image, side: int, zoom: tuple[float, float], crop: Crop) -> Image:
    """A square part of an image, (side, side, 3); `zoom` is its side relative to the image's short one."""
    height, width = image.shape[:2]
    low, high = zoom
    shorter = min(height, width)
    size = max(1, min(shorter, round(shorter * (low + (high - low) * crop.zoom))))
    top = int(crop.top * (height - size + 1))
    left = int(crop.left * (width - size + 1))
    part = _resized(image[top : top + size, left : left + size], side, side)
    return np.ascontiguousarray(part[:, ::-1] if crop.flip else part)


def center_crop(image: Image, height: int, width: int) -> Image:
    """The largest part of that aspect ratio around the middle, resized to (height, width, 3)."""
    tall, wide = image.shape[:2]
    scale = min(tall / height, wide / width)
    cut_h, cut_w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (tall - cut_h) // 2, (wide - cut_w) // 2
    return np.ascontiguousarray(_resized(image[top : top + cut_h, left : left + cut_w], height, width))


def _resized(image: Image, height: int, width: int) -> Image:
    """An image at another size: by area to a smaller one, bicubic to a larger one."""
    if image.shape[:2] == (height, width):
        return image
    how = cv2.INTER_AREA if len(image) > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def _stack(source: ImageSource, device: torch.device) -> Tensor:
    """All images of a source, which are of one size, uint8 (N, 3, H, W)."""
    images = np.stack([source.read(index) for index in range(len(source))])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(device)
