"""How close a coloring is to the truth.

    quality = measure_quality(predict, images, 256)

Colors are L*a*b* float arrays (..., 3), D65. The baseline is the gray image: the truth with a* = b* = 0.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
import torch

from cgan_runtime.errors import DataError
from cgan_runtime.manifest import AB_SCALE
from cgan_train.color import lab_of_rgb
from cgan_train.data.loader import center_crop, is_gray
from cgan_train.data.sources import Image

Array = npt.NDArray[np.float32]
Predict = Callable[[Array], Array]
"""L*/50 - 1 (N, 1, H, W) to (a*, b*)/110 (N, 2, H, W), or to L*/50 - 1 and these (N, 3, H, W)."""

_POW7 = 25.0**7
_TOLERANCES = (2, 5)  # percent; Quality names them
_AB_SPAN = 2.2  # a* and b* of -110 to 110, relative to L* of 0 to 100
_ROUNDING = 1e-4  # of float32 arithmetic; the compared numbers lie at least 0.09 apart
_MIN_SQUARE = 1e-6  # error of equal images: a thousandth of a code
_BIN, _BINS = 0.005, 40_000  # of CIEDE2000; no two colors of L*a*b* are 200 apart


@dataclass(frozen=True)
class Quality:
    """Quality over a set of images. Names that end in `_gray` are of the gray images, the baseline.

    Attributes:
        images: Number of images.
        ciede2000: Mean color difference from the truth.
        ciede2000_p90: Its 90th percentile over all pixels.
        gain_percent: How far the mean lies below the gray images', in percent.
        chroma_ratio: Mean chroma relative to the truth's.
        colorfulness: Mean of the images' colorfulness (Hasler and Suesstrunk 2003).
        colorfulness_ratio: Relative to the truth's.
        mae: Mean absolute error of R, G and B as 8-bit codes, in percent of their range; the measure of
            Nazeri et al. 2018 (arXiv 1803.05400), as their code's authors explain it.
        accuracy_2: Percentage of pixels that are right to within 2 %: L*, a* and b* rounded, |dL| <= t,
            |da| <= 2.2 t and |db| <= 2.2 t with t = 2 (same paper; the range of a* and b* is 2.2 times L*'s).
        accuracy_5: The same with t = 5.
        psnr_ab: Peak signal-to-noise ratio in dB of a* and b* as 8-bit codes (peak 255), over all pixels.
        without_color: Images left out, beside `images`: a truth without color has nothing to compare with.
    """

    images: int
    ciede2000: float
    ciede2000_p90: float
    ciede2000_gray: float
    gain_percent: float
    chroma_ratio: float
    colorfulness: float
    colorfulness_ratio: float
    mae: float
    mae_gray: float
    accuracy_2: float
    accuracy_2_gray: float
    accuracy_5: float
    accuracy_5_gray: float
    psnr_ab: float
    psnr_ab_gray: float
    without_color: int = 0


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
    return measure_each(lambda lab: [recolor(predict, lab)], images, side, batch=batch)[0]


def measure_each(
    color: Callable[[Array], Sequence[Array]], images: Iterable[Image], side: int, *, batch: int = 1
) -> list[Quality]:
    """Compare several colorings of the same images with the truth, each as `measure_quality` does.

    Args:
        color: Takes L*a*b*, (N, side, side, 3), and returns colorings of it, each of the same shape.
        images: uint8 RGB (H, W, 3), of any size.
        side: Their middle squares are resized to this, in px.
        batch: Images that `color` gets at once.

    Raises:
        DataError: No image has color.
    """
    threads = torch.get_num_threads()
    tallies: list[_Tally] = []
    gray_images = 0

    def colored() -> Iterator[Image]:
        nonlocal gray_images
        for image in images:
            crop = center_crop(image, side, side)
            if is_gray(crop):
                gray_images += 1
            else:
                yield crop

    every = colored()
    pending: collections.deque[list[Future[_Tally]]] = collections.deque()

    def collect() -> None:
        for index, job in enumerate(pending.popleft()):
            if index == len(tallies):
                tallies.append(_Tally())
            tallies[index].add(job.result())

    with ThreadPoolExecutor(threads) as pool:
        try:
            while chunk := list(itertools.islice(every, batch)):
                lab = lab_of_image(np.stack(chunk))
                shown = [*color(lab), without_color(lab)]
                jobs = [pool.submit(_Tally.of, each, lab) for each in shown]
                pending.append([*jobs, pool.submit(_Tally.of_truth, lab)])
                if len(pending) > threads:
                    collect()
            while pending:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
    if not tallies:
        raise DataError(f"none of the {gray_images} images to measure on has color; give others")
    *found, gray, truth = tallies
    return [_quality(ours, gray, truth, gray_images) for ours in found]


def _quality(ours: _Tally, gray: _Tally, truth: _Tally, without_color: int) -> Quality:
    errors, baseline = ours.errors(), gray.errors()
    colorful, true_colorful = (float(np.mean(tally.colorful)) for tally in (ours, truth))
    return Quality(
        images=len(truth.colorful),
        without_color=without_color,
        ciede2000_p90=ours.percentile(90),
        gain_percent=100 * (1 - _ratio(errors["ciede2000"], baseline["ciede2000"])),
        chroma_ratio=_ratio(ours.chroma, truth.chroma),
        colorfulness=colorful,
        colorfulness_ratio=_ratio(colorful, true_colorful),
        **errors,
        **{f"{name}_gray": value for name, value in baseline.items()},
    )


@dataclass
class _Tally:
    """Sums over images of how one coloring differs from the truth.

    Attributes:
        pixels: Number of pixels compared.
        error: Of CIEDE2000.
        counts: Histogram of CIEDE2000, in bins of `_BIN`.
        colorful: Colorfulness of each image.
        chroma: Of the pixels' chroma.
        rgb: Of absolute differences of R, G and B codes.
        square_ab: Of squared differences of a* and b*.
        right: Pixels within each of `_TOLERANCES`.
    """

    pixels: int = 0
    error: float = 0.0
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    colorful: list[float] = field(default_factory=list)
    chroma: float = 0.0
    rgb: int = 0
    square_ab: float = 0.0
    right: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(_TOLERANCES), np.int64))

    @classmethod
    def of_truth(cls, lab: Array) -> _Tally:
        """Tally the truth itself, (N, H, W, 3); it has no errors."""
        chroma = float(np.hypot(lab[..., 1], lab[..., 2]).sum())
        return cls(colorful=colorfulness(lab).tolist(), chroma=chroma)

    @classmethod
    def of(cls, lab: Array, truth: Array) -> _Tally:
        """Tally a coloring of some images, (N, H, W, 3)."""
        tally = cls.of_truth(lab)
        errors = ciede2000(lab, truth).ravel()
        tally.pixels = errors.size
        tally.error = float(errors.sum(dtype=np.float64))
        tally.counts = np.bincount(np.fmin(errors / _BIN, _BINS - 1).astype(np.intp), minlength=_BINS)
        tally.rgb = int(np.abs(rgb_of_lab(lab).astype(np.int16) - rgb_of_lab(truth)).sum())
        tally.square_ab = float(((lab - truth)[..., 1:].astype(np.float64) ** 2).sum())
        away = np.abs(np.rint(lab) - np.rint(truth)) / np.array([1, _AB_SPAN, _AB_SPAN], np.float32)
        largest = away.max(axis=-1)
        tally.right = np.array([(largest <= tolerance + _ROUNDING).sum() for tolerance in _TOLERANCES])
        return tally

    def add(self, other: _Tally) -> None:
        """Add the sums over other images."""
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            value += getattr(other, each.name)  # lists and arrays in place
            setattr(self, each.name, value)

    def errors(self) -> dict[str, float]:
        """The fields of `Quality` that the gray images have too."""
        accuracy = 100 * self.right / self.pixels
        return {
            "ciede2000": self.error / self.pixels,
            "mae": 100 * self.rgb / (3 * self.pixels * 255),
            "accuracy_2": float(accuracy[0]),
            "accuracy_5": float(accuracy[1]),
            "psnr_ab": 10 * math.log10(255**2 / max(self.square_ab / (2 * self.pixels), _MIN_SQUARE)),
        }

    def percentile(self, percent: float) -> float:
        """Percentile of all pixels' CIEDE2000, to within half a bin."""
        below = np.cumsum(self.counts)
        return float((np.searchsorted(below, percent / 100 * self.pixels) + 0.5) * _BIN)


def _ratio(value: float, truth: float) -> float:
    """`value` relative to `truth`; 0 if the truth has no color."""
    return value / truth if truth else 0.0


def lab_of_image(image: Image) -> Array:
    """sRGB images, uint8 (..., H, W, 3), to L*a*b*, float32, same shape."""
    several = image.reshape(-1, *image.shape[-3:])
    tensor = torch.from_numpy(several).permute(0, 3, 1, 2).float() / 255
    lab = lab_of_rgb(tensor).permute(0, 2, 3, 1).reshape(image.shape)
    return np.ascontiguousarray(lab.numpy())


def without_color(lab: Array) -> Array:
    """The gray image of the same L*: a* = b* = 0."""
    return lab * np.array([1, 0, 0], np.float32)


def recolor(predict: Predict, lab: Array) -> Array:
    """L*a*b* (N, H, W, 3) with predicted a* and b*, and its own L* unless L* is predicted too."""
    lightness = np.moveaxis(lab[..., :1], -1, 1) / np.float32(50) - np.float32(1)
    predicted = np.moveaxis(predict(np.ascontiguousarray(lightness)), 1, -1)
    own = (predicted[..., :-2] + np.float32(1)) * np.float32(50) if predicted.shape[-1] > 2 else lab[..., :1]
    return np.concatenate((own, predicted[..., -2:] * np.float32(AB_SCALE)), axis=-1)


def rgb_of_lab(lab: Array) -> Image:
    """L*a*b* (..., 3) to sRGB, uint8, same shape; colors outside the gamut are clipped."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab.reshape(1, -1, 3), np.float32), cv2.COLOR_Lab2RGB)
    return np.asarray((np.clip(rgb, 0, 1) * 255).round(), np.uint8).reshape(lab.shape)


def ciede2000(first: Array, second: Array) -> Array:
    """Color difference CIEDE2000, (..., 3) and (..., 3) to (...).

    Formula: Sharma, Wu, Dalal 2005, "The CIEDE2000 color-difference formula", equations 2 to 22; all
    parametric weights 1.
    """
    l1, a1, b1 = (first[..., i].astype(np.float64) for i in range(3))
    l2, a2, b2 = (second[..., i].astype(np.float64) for i in range(3))
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + _POW7)))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1 = np.arctan2(b1, a1 * stretch) % (2 * np.pi)
    h2 = np.arctan2(b2, a2 * stretch) % (2 * np.pi)
    gray = c1 * c2 == 0
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi
    d_hue = np.where(gray, 0, 2 * np.sqrt(c1 * c2) * np.sin(turn / 2))
    total = h1 + h2
    far = np.abs(h1 - h2) > np.pi
    mean_h = np.where(far, np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi), total) / 2
    mean_h = np.where(gray, total, mean_h)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    weight_t = (
        1 - 0.17 * np.cos(mean_h - np.pi / 6) + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.pi / 30) - 0.20 * np.cos(4 * mean_h - np.deg2rad(63))
    )  # fmt: skip
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c = 1 + 0.045 * mean_c
    s_h = 1 + 0.015 * mean_c * weight_t
    rotation = np.deg2rad(30) * np.exp(-(((np.rad2deg(mean_h) - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(mean_c**7 / (mean_c**7 + _POW7)) * np.sin(2 * rotation)
    t_l, t_c, t_h = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    square = t_l**2 + t_c**2 + t_h**2 + r_t * t_c * t_h
    return np.asarray(np.sqrt(np.maximum(square, 0)), np.float32)


def colorfulness(lab: Array) -> Array:
    """Colorfulness of images, (..., H, W, 3) to (...).

    Hasler and Suesstrunk 2003, "Measuring colourfulness in natural images", metric M1, in L*a*b*.
    """
    ab = lab[..., 1:]
    spread, mean = ab.std(axis=(-3, -2)), ab.mean(axis=(-3, -2))
    around, of_mean = np.hypot(spread[..., 0], spread[..., 1]), np.hypot(mean[..., 0], mean[..., 1])
    return np.asarray(around + 0.37 * of_mean, np.float32)
