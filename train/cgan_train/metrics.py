"""How near a colouring is to the truth.

Colours are L*a*b* float arrays (..., 3), D65. The zero line is the grey picture: the truth with a* = b* = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from cgan_runtime.manifest import AB_SCALE
from cgan_train.color import lab_of_rgb
from cgan_train.data.loader import centre_fit
from cgan_train.data.sources import Picture

Array = npt.NDArray[np.float32]
Predict = Callable[[Array], Array]
"""Lightness (1, 1, H, W) to chroma (1, 2, H, W), as a back end's `infer`."""

_POW7 = 25.0**7


@dataclass(frozen=True)
class Quality:
    """Quality over a set of pictures.

    Attributes:
        pictures: How many.
        ciede2000: Mean colour difference from the truth.
        ciede2000_p90: Its 90th percentile over all pixels.
        ciede2000_grey: Mean of the grey pictures, the zero line.
        gain_percent: How far the mean lies below the grey pictures', in percent.
        chroma_ratio: Mean chroma relative to the truth's.
        colourfulness_ratio: Mean colourfulness (Hasler and Suesstrunk 2003) relative to the truth's.
    """

    pictures: int
    ciede2000: float
    ciede2000_p90: float
    ciede2000_grey: float
    gain_percent: float
    chroma_ratio: float
    colourfulness_ratio: float


def measure_quality(predict: Predict, pictures: Iterable[Picture], side: int) -> Quality:
    """Colour pictures from their own lightness and compare with the truth at `side` px square."""
    errors, greys, chroma, true_chroma, colourful, true_colourful = [], [], [], [], [], []
    for picture in pictures:
        lab = lab_of_picture(centre_fit(picture, side))
        predicted = recolour(predict, lab)
        errors.append(ciede2000(predicted, lab).ravel())
        greys.append(float(ciede2000(without_colour(lab), lab).mean()))
        chroma.append(float(np.hypot(predicted[..., 1], predicted[..., 2]).mean()))
        true_chroma.append(float(np.hypot(lab[..., 1], lab[..., 2]).mean()))
        colourful.append(colourfulness(predicted))
        true_colourful.append(colourfulness(lab))
    every = np.concatenate(errors)
    mean, grey = float(every.mean()), float(np.mean(greys))
    return Quality(
        pictures=len(errors),
        ciede2000=mean,
        ciede2000_p90=float(np.percentile(every, 90)),
        ciede2000_grey=grey,
        gain_percent=100 * (1 - _ratio(mean, grey)),
        chroma_ratio=_ratio(float(np.mean(chroma)), float(np.mean(true_chroma))),
        colourfulness_ratio=_ratio(float(np.mean(colourful)), float(np.mean(true_colourful))),
    )


def _ratio(value: float, truth: float) -> float:
    """`value` relative to `truth`; 0 where the truth has no colour at all."""
    return value / truth if truth else 0.0


def lab_of_picture(picture: Picture) -> Array:
    """An sRGB picture, uint8 (H, W, 3), as L*a*b*, float32 (H, W, 3)."""
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    return np.ascontiguousarray(lab_of_rgb(tensor)[0].permute(1, 2, 0).numpy())


def without_colour(lab: Array) -> Array:
    """The grey picture of the same L*."""
    return lab * np.array([1, 0, 0], np.float32)


def recolour(predict: Predict, lab: Array) -> Array:
    """The picture's own L* with predicted a* and b*, float32 (H, W, 3)."""
    chroma = predict(np.ascontiguousarray(lab[None, None, :, :, 0]) / np.float32(50) - np.float32(1))
    return np.concatenate((lab[..., :1], np.moveaxis(chroma[0], 0, -1) * np.float32(AB_SCALE)), axis=-1)


def ciede2000(first: Array, second: Array) -> Array:
    """Colour difference CIEDE2000, (..., 3) and (..., 3) to (...).

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
    grey = c1 * c2 == 0
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi
    d_hue = np.where(grey, 0, 2 * np.sqrt(c1 * c2) * np.sin(turn / 2))
    total = h1 + h2
    far = np.abs(h1 - h2) > np.pi
    mean_h = np.where(far, np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi), total) / 2
    mean_h = np.where(grey, total, mean_h)
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


def colourfulness(lab: Array) -> float:
    """Colourfulness in L*a*b*: Hasler and Suesstrunk 2003, "Measuring colourfulness", metric M1."""
    a, b = lab[..., 1], lab[..., 2]
    return float(np.hypot(a.std(), b.std()) + 0.37 * np.hypot(a.mean(), b.mean()))
