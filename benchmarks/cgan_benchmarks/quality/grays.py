"""Grays other than lightness, as old film and cameras record them, for measuring what a model makes of them.

    seen = gray_as("orthochromatic", rgb, number=3)

They are fixed, so that figures of different days compare; training draws its own (`cgan_train.data.augment`).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from cgan_train.color import lightness_of_gray
from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import Array

_SEED = 11
_PANCHROMATIC = (0.4, 0.35, 0.25)  # more red and less green than the eye sees
_ORTHOCHROMATIC = (0.02, 0.43, 0.55)  # reds are dark, blues are bright
_FADED = (0.22, 0.75)  # the darkest and the brightest gray, of 0 to 1
_GRAIN, _GRAIN_SIZE = 0.05, 0.8  # standard deviation of 0 to 1; of a grain, px of 256
_BLUR = 1.5  # standard deviation, px of 256
_SCRATCHES, _DUST = 4, 12  # in an image
_SIDE = 256  # px, to which sizes refer

_Random = np.random.Generator


def gray_as(name: str, image: Image, number: int) -> Array:
    """Lightness L*/50 - 1 of an image as one of `GRAYS` records it.

    Args:
        name: In `GRAYS`.
        image: sRGB, uint8 (H, W, 3).
        number: Of the image; grain and scratches depend on it.

    Returns:
        float32 (H, W) in [-1, 1].
    """
    rgb = image.astype(np.float32) / np.float32(255)
    gray = np.asarray(GRAYS[name](rgb, np.random.default_rng((_SEED, number))).clip(0, 1), np.float32)
    return np.asarray(lightness_of_gray(torch.from_numpy(gray)).numpy(), np.float32)


def _panchromatic(rgb: Array, random: _Random) -> Array:
    return _grain(rgb @ np.array(_PANCHROMATIC, np.float32), random)


def _orthochromatic(rgb: Array, random: _Random) -> Array:
    return _grain(rgb @ np.array(_ORTHOCHROMATIC, np.float32), random)


def _infrared(rgb: Array, _: _Random) -> Array:
    """Vegetation is bright, clear sky is dark, skin is light; estimated from R, G and B."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    leaves = np.maximum(green - (red + blue) / 2, 0)
    sky = np.maximum(blue - red, 0)
    return np.asarray(0.6 * red + 0.4 * green + 1.5 * leaves - 0.6 * sky, np.float32)


def _faded(rgb: Array, random: _Random) -> Array:
    low, high = _FADED
    return np.asarray(low + (high - low) * _panchromatic(rgb, random).clip(0, 1), np.float32)


def _blurred(rgb: Array, random: _Random) -> Array:
    sigma = _BLUR * len(rgb) / _SIDE
    return _panchromatic(np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.float32), random)


def _scratched(rgb: Array, random: _Random) -> Array:
    """Bright and dark lines from top to bottom, and specks of dust."""
    gray = _panchromatic(rgb, random)
    height, width = gray.shape
    for _ in range(_SCRATCHES):
        column, slope = random.uniform(0, width), random.uniform(-0.05, 0.05) * width
        ends = (round(column), 0), (round(column + slope), height - 1)
        cv2.line(gray, *ends, float(random.choice([0.05, 0.95])), max(1, width // _SIDE))
    for _ in range(_DUST):
        place = (int(random.integers(width)), int(random.integers(height)))
        cv2.circle(gray, place, max(1, width // 128), float(random.choice([0.05, 0.95])), -1)
    return gray


def _grain(gray: Array, random: _Random) -> Array:
    noise = cv2.GaussianBlur(random.standard_normal(gray.shape, np.float32), (0, 0), _GRAIN_SIZE * len(gray) / _SIDE)
    return np.asarray(gray + noise * np.float32(_GRAIN / noise.std()), np.float32)


GRAYS: dict[str, Callable[[Array, _Random], Array]] = {
    "panchromatic": _panchromatic,
    "orthochromatic": _orthochromatic,
    "infrared": _infrared,
    "faded": _faded,
    "blurred": _blurred,
    "scratched": _scratched,
}
"""Panchromatic film with grain; the same but for one thing: orthochromatic, faded, blurred, scratched; and infrared."""
