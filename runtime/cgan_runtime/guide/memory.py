"""The color memory: places whose color is known, as the network looks them up.

rows = rows_of(keys, chroma, weight)               # of a picture, (h*w, 38)
guidance = Guidance(hints=planes, parts=((rows, 1.0),))
chroma = colorizer.chroma(lightness, guidance)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import Manifest
from cgan_runtime.temporal.blending import Certain

HINT_STRIDE, KEY_STRIDE = 4, 8  # pixels of the network's input for each cell of `hints` and each place of `keys`
PICTURE_STRIDE = 2  # the same for the colors of pictures, which are shown as they are where a picture is a key
KEY_CHANNELS = 32
COLUMNS = KEY_CHANNELS + 6
"""Of a row: key, y, x, nearness, a*/110, b*/110, weight."""

NEARNESS, WEIGHT = KEY_CHANNELS + 2, COLUMNS - 1
MAX_ROWS = 512  # of one picture, every second place of it; all of them are 0.5 % nearer and take twice the time
ROW_STEP = 256  # the number of rows is a multiple of this: engines prepare themselves for each number anew
INPUTS, KEYS = ("hints", "memory"), "keys"
FULL_SHARE = 4.0  # a quarter of a place that has a color gives it full weight: one cell of `hints`
_TINY = np.float32(1e-3)  # share of a place below which its color counts for nothing
_LOOKED_AT = 64  # places, at most, by which the memory's similarity is judged

HalfArray = npt.NDArray[np.float16]
Parts = Sequence[tuple[npt.NDArray[np.floating], float]]
"""Rows of several pictures, (rows, 38), each with a factor for their weights."""


@dataclass(frozen=True)
class Guidance:
    """What is known of the colors of one image, beside its lightness.

    Attributes:
        hints: As of `hints.rasterized`, float32 (3, h/4, w/4) at the network's size; None for no hints.
        parts: Places whose color is known.
        is_judged: Whether to tell how much the image is like the memory, which takes a while.
        painted: The colors of the image itself, where it is a key, float32 (3, h/2, w/2), as `hints`; None for no key.
        lasts: For how many frames certain colors are carried along the motion of a video.
    """

    hints: FloatArray | None = None
    parts: Parts = ()
    is_judged: bool = True
    painted: FloatArray | None = None
    lasts: float = 0

    @cached_property
    def memory(self) -> FloatArray | None:
        """Places whose color is known, float32 (rows, 38); None for none. Made when the network is to run."""
        return joined(self.parts)

    def certain(self, shape: tuple[int, int], saturation: float = 1.0) -> Certain | None:
        """The colors, (h, w), that are given and no guess, their chroma times the saturation; None for none at all."""
        if self.painted is not None:
            a, b, share = (_enlarged(plane, shape) for plane in self.painted)
            factor = np.float32(saturation) / np.maximum(share, _TINY)
            return Certain(share, np.stack((a * factor, b * factor)))
        return None if self.hints is None else Certain(_enlarged(self.hints[2], shape))

    def inputs(self, manifest: Manifest) -> dict[str, FloatArray]:
        """The network's further inputs, for one image."""
        given = {}
        if self.hints is not None:
            given[INPUTS[0]] = self.hints[None]
        if self.memory is not None and len(self.memory):
            rows = next(tensor.shape[1] for tensor in manifest.inputs if tensor.name == INPUTS[1])
            given[INPUTS[1]] = fitted(self.memory, rows if isinstance(rows, int) else None)[None]
        return given

    def similarity(self, keys: FloatArray) -> float | None:
        """How much an image, by its keys (32, h, w), is like the memory, 0 to 1; None if there is nothing to say."""
        if not self.is_judged or self.memory is None or not (known := self.memory[:, WEIGHT] > 0).any():
            return None
        places = keys.reshape(KEY_CHANNELS, -1)
        places = places[:, :: max(1, places.shape[1] // _LOOKED_AT)]
        return likeness_of(self.memory[known, :KEY_CHANNELS], places)


def likeness_of(known: FloatArray, places: FloatArray) -> float:
    """How much places, by their keys (32, n), are like something that is known, by its (m, 32): 0 to 1, the mean."""
    # Not by a BLAS, as of `@` and OpenCV's product: its threads go on spinning for 40 ms after each product.
    best = np.einsum("mk,kn->mn", known, places).max(axis=0)
    return float(np.clip(best, 0, 1).mean())


def takes_guide(manifest: Manifest) -> bool:
    """Whether a model has the inputs and the output of a guided one."""
    inputs, outputs = ({tensor.name for tensor in tensors} for tensors in (manifest.inputs, manifest.outputs))
    return inputs >= set(INPUTS) and KEYS in outputs


def check_takes_guide(manifest: Manifest) -> None:
    """Refuse a model that is not a guided one; a ConfigError."""
    if not takes_guide(manifest):
        raise ConfigError(
            f"{manifest.file} takes no hints, references or keys, as it was trained without; name a model "
            "that takes them with --model, or leave them out"
        )


def rows_of(keys: FloatArray, hints: FloatArray, *, nearness: float) -> FloatArray:
    """The rows of a picture whose colors are known, float32 (rows, 38), at most `MAX_ROWS`.

    Args:
        keys: The network's answer to its lightness, float32 (32, h, w).
        hints: Its colors, float32 (3, n*h, n*w) as of `Guidance`; what it does not cover makes no rows.
        nearness: How much the place in the picture counts, from 0 (not at all) to 1.
    """
    height, width = keys.shape[1:]
    cells = pooled(hints, (height, width))
    places = np.flatnonzero(cells[2] > 0)
    if len(places) > MAX_ROWS:
        places = places[np.linspace(0, len(places) - 1, MAX_ROWS).astype(int)]
    y, x = np.divmod(places, width)
    share = cells[2, y, x]
    rows = np.empty((len(y), COLUMNS), np.float32)
    rows[:, :KEY_CHANNELS] = keys[:, y, x].T
    rows[:, KEY_CHANNELS], rows[:, KEY_CHANNELS + 1] = (y + 0.5) / height, (x + 0.5) / width
    rows[:, NEARNESS] = nearness
    rows[:, NEARNESS + 1 : WEIGHT] = (cells[:2, y, x] / share).T
    rows[:, WEIGHT] = np.minimum(share * FULL_SHARE, 1)
    return rows


def pooled(planes: FloatArray, grid: tuple[int, int]) -> FloatArray:
    """The means of planes, (n, k*h, k*w), over the cells of a grid, (n, h, w)."""
    count, (height, width) = len(planes), grid
    means: FloatArray = planes.reshape(count, height, -1, width, planes.shape[2] // width).mean(axis=(2, 4))
    return means


def joined(parts: Parts) -> FloatArray | None:
    """Rows of several pictures, each with a factor for their weights, filled up to a multiple of `ROW_STEP`."""
    count = sum(len(rows) for rows, _ in parts)
    if not count:
        return None
    memory = np.zeros((-(-count // ROW_STEP) * ROW_STEP, COLUMNS), np.float32)
    start = 0
    for rows, factor in parts:
        into = memory[start : start + len(rows)]
        into[:] = rows
        into[:, WEIGHT] *= np.float32(factor)
        start += len(rows)
    return memory


def fitted(rows: FloatArray, count: int | None) -> FloatArray:
    """Exactly so many rows, thinned out or filled up with empty ones; None takes them as they are."""
    if count is None or len(rows) == count:
        return rows
    kept = rows[rows[:, WEIGHT] > 0]
    if len(kept) > count:
        kept = kept[np.linspace(0, len(kept) - 1, count).astype(int)]
    return np.concatenate([kept, np.zeros((count - len(kept), COLUMNS), np.float32)])


def _enlarged(plane: FloatArray, shape: tuple[int, int]) -> FloatArray:
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
