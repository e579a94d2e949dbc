"""Colors on arrays: sRGB to L*a*b* and back, coloring, color difference, colorfulness.

    lab = lab_of_image(image)
    difference = ciede2000(recolor(predict, lab[None]), lab[None])

Colors are L*a*b* float arrays (..., 3), D65. `quality.py` measures whole sets of images.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import torch

from cgan_runtime.manifest import AB_SCALE
from cgan_train.color import lab_of_rgb
from cgan_train.data.sources import Image

Array = npt.NDArray[np.float32]
Predict = Callable[[Array], Array]
"""L*/50 - 1 (N, 1, H, W) to (a*, b*)/110 (N, 2, H, W), or to L*/50 - 1 and these (N, 3, H, W)."""

_POW7 = 25.0**7


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
