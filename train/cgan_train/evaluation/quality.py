"""How close a coloring of many images is to the truth.

    quality = measure_quality(predict, images, 256)

    sums = tally_images(color, images, 256, features=features)      # several colorings, and sets to be joined
    sums.add(tally_images(color, more_images, 256, features=features))
    sums.quality(), sums.frechet()

The baseline is the gray image: the truth with a* = b* = 0.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch

from cgan_runtime.errors import DataError
from cgan_train.data.loader import center_crop, is_gray
from cgan_train.data.sources import Image
from cgan_train.evaluation.frechet import frechet_distance
from cgan_train.evaluation.metrics import Array, Predict, lab_of_image, recolor, without_color
from cgan_train.evaluation.tally import Features, Tally

MIN_FRECHET = 50
"""Images from which on a Fréchet distance is reported: of fewer, the covariances say next to nothing."""


@dataclass(frozen=True)
class Quality:
    """Quality over a set of images. Names that end in `_gray` are of the gray images, the baseline.

    Attributes:
        images: Number of images.
        ciede2000: Mean color difference from the truth (Sharma, Wu, Dalal 2005).
        ciede2000_p90: Its 90th percentile over all pixels.
        gain_percent: How far the mean lies below the gray images', in percent.
        chroma: Mean chroma, the distance of (a*, b*) from gray; the gray images' is 0.
        chroma_truth: The truth's.
        chroma_ratio: The one relative to the other.
        colored: Percentage of pixels with a chroma above 10 (`COLORED`); the gray images' is 0.
        colored_truth: The truth's.
        colorfulness: Mean of the images' colorfulness (Hasler and Suesstrunk 2003, M1); the gray images' is 0.
        colorfulness_truth: The truth's.
        colorfulness_ratio: The one relative to the other.
        mae: Mean absolute error of R, G and B as 8-bit codes, in percent of their range; the measure of
            Nazeri et al. 2018 (arXiv 1803.05400), as their code's authors explain it.
        accuracy_2: Percentage of pixels that are right to within 2 %: L*, a* and b* rounded, |dL| <= t,
            |da| <= 2.2 t and |db| <= 2.2 t with t = 2 (same paper; the range of a* and b* is 2.2 times L*'s).
        accuracy_5: The same with t = 5.
        psnr_ab: Peak signal-to-noise ratio in dB of a* and b* as 8-bit codes (peak 255), over all pixels.
        psnr_rgb: The same of R, G and B, of each image, and of these the mean (as Zhang et al. 2017,
            arXiv 1705.02999).
        without_color: Images left out, beside `images`: a truth without color has nothing to compare with.
    """

    images: int
    ciede2000: float
    ciede2000_p90: float
    ciede2000_gray: float
    gain_percent: float
    chroma: float
    chroma_truth: float
    chroma_ratio: float
    colored: float
    colored_truth: float
    colorfulness: float
    colorfulness_truth: float
    colorfulness_ratio: float
    mae: float
    mae_gray: float
    accuracy_2: float
    accuracy_2_gray: float
    accuracy_5: float
    accuracy_5_gray: float
    psnr_ab: float
    psnr_ab_gray: float
    psnr_rgb: float
    psnr_rgb_gray: float
    without_color: int = 0


@dataclass(frozen=True)
class Frechet:
    """Fréchet distance from the true images, as of `frechet_distance`, and the gray images'; the truth's is 0."""

    distance: float
    distance_gray: float


@dataclass
class Tallies:
    """Sums over images: of each coloring, of the gray images and of the truth."""

    ours: list[Tally] = field(default_factory=list)
    gray: Tally = field(default_factory=Tally)
    truth: Tally = field(default_factory=Tally)
    without_color: int = 0

    def add(self, other: Tallies) -> None:
        """Add the sums over other images."""
        self.ours += [Tally() for _ in other.ours[len(self.ours) :]]
        for mine, theirs in zip(self.ours, other.ours, strict=False):  # one of them may be empty
            mine.add(theirs)
        self.gray.add(other.gray)
        self.truth.add(other.truth)
        self.without_color += other.without_color

    def quality(self, number: int = 0) -> Quality:
        """Quality of a coloring, the first by default.

        Raises:
            DataError: No image has color.
        """
        if not self.ours:
            raise DataError(f"none of the {self.without_color} images to measure on has color; give others")
        ours, truth = self.ours[number], self.truth
        errors, baseline = ours.errors(), self.gray.errors()
        colorful, true_colorful = (float(np.mean(tally.colorful)) for tally in (ours, truth))
        return Quality(
            images=len(truth.colorful),
            without_color=self.without_color,
            ciede2000_p90=ours.percentile(90),
            gain_percent=100 * (1 - _ratio(errors["ciede2000"], baseline["ciede2000"])),
            chroma=ours.chroma / ours.pixels,
            chroma_truth=truth.chroma / truth.pixels,
            chroma_ratio=_ratio(ours.chroma, truth.chroma),
            colored=100 * ours.colored / ours.pixels,
            colored_truth=100 * truth.colored / truth.pixels,
            colorfulness=colorful,
            colorfulness_truth=true_colorful,
            colorfulness_ratio=_ratio(colorful, true_colorful),
            **errors,
            **{f"{name}_gray": value for name, value in baseline.items()},
        )

    def frechet(self, number: int = 0) -> Frechet | None:
        """Fréchet distance of a coloring; None for fewer than `MIN_FRECHET` images, or without features."""
        if len(self.truth.features) < MIN_FRECHET:
            return None
        truth = np.stack(self.truth.features)
        ours, gray = (np.stack(tally.features) for tally in (self.ours[number], self.gray))
        return Frechet(frechet_distance(ours, truth), frechet_distance(gray, truth))


def measure_quality(predict: Predict, images: Iterable[Image], side: int, *, batch: int = 1) -> Quality:
    """Color images from their own lightness and compare them with the truth.

    Args:
        predict: The colorizer. If it predicts lightness too, that is compared as well.
        images: uint8 RGB (H, W, 3), of any size.
        side: Their middle squares are resized to this, in px.
        batch: Images that `predict` gets at once.

    Raises:
        DataError: No image has color.
    """
    return tally_images(lambda lab: [recolor(predict, lab)], images, side, batch=batch).quality()


def measure_each(
    color: Callable[[Array], Sequence[Array]], images: Iterable[Image], side: int, *, batch: int = 1
) -> list[Quality]:
    """Compare several colorings of the same images with the truth, each as `measure_quality` does.

    Arguments are those of `tally_images`.

    Raises:
        DataError: No image has color.
    """
    tallies = tally_images(color, images, side, batch=batch)
    return [tallies.quality(number) for number in range(max(1, len(tallies.ours)))]


def tally_images(
    color: Callable[[Array], Sequence[Array]], images: Iterable[Image], side: int, *, batch: int = 1,
    features: Features | None = None, skip_gray: bool = True,
) -> Tallies:  # fmt: skip
    """Compare several colorings of the same images with the truth.

    Args:
        color: Takes L*a*b*, (N, side, side, 3), and returns colorings of it, each of the same shape.
        images: uint8 RGB (H, W, 3), of any size.
        side: Their middle squares are resized to this, in px.
        batch: Images that `color` gets at once.
        features: The network whose features are compared, if any.
        skip_gray: Leave out truths without color; False where they are known to be true, as in a color video.
    """
    threads = torch.get_num_threads()
    tallies = Tallies()

    def colored() -> Iterator[Image]:
        for image in images:
            crop = center_crop(image, side, side)
            if skip_gray and is_gray(crop):
                tallies.without_color += 1
            else:
                yield crop

    every = colored()
    pending: collections.deque[list[Future[Tally]]] = collections.deque()

    def collect() -> None:
        *ours, gray, truth = (job.result() for job in pending.popleft())
        tallies.add(Tallies(ours, gray, truth))

    with ThreadPoolExecutor(threads) as pool:
        try:
            while chunk := list(itertools.islice(every, batch)):
                lab = lab_of_image(np.stack(chunk))
                shown = [*color(lab), without_color(lab)]
                jobs = [pool.submit(Tally.of, each, lab, features) for each in shown]
                pending.append([*jobs, pool.submit(Tally.of_truth, lab, features)])
                if len(pending) > threads:
                    collect()
            while pending:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
    return tallies


def _ratio(value: float, truth: float) -> float:
    """`value` relative to `truth`; 0 if the truth has no color."""
    return value / truth if truth else 0.0
