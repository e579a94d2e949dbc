"""The trials of a visual Turing test, and the score of the answers.

As in Nazeri, Ng and Ebrahimi 2018, section 4.4: one image at a time, true or colored, for a limited time.
The result is the rate at which colored images are taken for true.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import DataError
from cgan_train.data.sources import PhotoSource

ImageArray = np.typing.NDArray[np.uint8]  # (H, W, 3) RGB

_LARGEST = 640  # pixels of the longer side: fits on a phone and a laptop
_JPEG_QUALITY = 92
_NORMAL = 1.960  # two-sided 95 % quantile


@dataclass(frozen=True)
class Trial:
    """One image to judge: its name, whether the model colored it, and what is shown."""

    photo: str
    colored: bool
    jpeg: bytes


@dataclass(frozen=True)
class Answer:
    """A person's answer to one image, and the seconds from its appearance to the answer."""

    photo: str
    colored: bool
    said_true: bool
    seconds: float


@dataclass(frozen=True)
class Rate:
    """A share of some images, with its 95 % interval by Wilson 1927."""

    count: int
    of: int
    rate: float
    low: float
    high: float

    @classmethod
    def wilson(cls, count: int, of: int) -> Rate:
        """The rate of `count` in `of`, and its interval: 0 to 1 where there are no images."""
        if of == 0:
            return cls(0, 0, 0.0, 0.0, 1.0)
        part, weight = count / of, _NORMAL**2 / of
        center = part + weight / 2
        half = _NORMAL * math.sqrt(part * (1 - part) / of + weight / (4 * of))
        low, high = (center - half) / (1 + weight), (center + half) / (1 + weight)
        return cls(count, of, part, max(0.0, low), min(1.0, high))

    def __str__(self) -> str:
        return f"{self.count} of {self.of}, {self.rate:.0%} ({self.low:.0%} to {self.high:.0%} with 95 %)"


@dataclass(frozen=True)
class Score:
    """The score of all answers."""

    fooled: Rate  # colored images taken for true; a rate of one half means that nobody can tell
    recognized: Rate  # true images taken for true

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Score:
        """Count the answers."""
        colored = [answer.said_true for answer in answers if answer.colored]
        true = [answer.said_true for answer in answers if not answer.colored]
        return cls(Rate.wilson(sum(colored), len(colored)), Rate.wilson(sum(true), len(true)))


def make_trials(
    photos: PhotoSource,
    colorizer: Colorizer,
    *,
    count: int | None,
    seed: int,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> list[Trial]:
    """Choose `count` photos in color (None: all), and color half of them from their own lightness, by the
    seed. Raises DataError for fewer than two photos, or one that cannot be read.
    """
    if len(photos) < 2:
        raise DataError(f"a test needs two photos at least, there are {len(photos)}; give a larger folder")
    shuffler = random.Random(seed)
    chosen = shuffler.sample(range(len(photos)), min(count or len(photos), len(photos)))
    kinds = [number % 2 == 0 for number in range(len(chosen))]
    shuffler.shuffle(kinds)
    trials = []
    for number, (index, colored) in enumerate(zip(chosen, kinds, strict=True)):
        image = _fit(photos.read(index))
        if colored:
            image = colorizer.image(image)
        trials.append(Trial(photos.names[index], colored, _jpeg(image)))
        on_image(number + 1, len(chosen))
    return trials


def _fit(image: ImageArray) -> ImageArray:
    scale = _LARGEST / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: ImageArray) -> bytes:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    settings = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", bgr, settings)[1].tobytes()
