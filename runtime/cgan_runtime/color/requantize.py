"""Luma codes in another depth or range, dithered.

requantize(luma, Encoding("bt709", True, 10), Encoding("bt709", False, 8), out=plane)

A gradient of a deeper video would show steps in fewer bits. An ordered dither hides them, at the cost of one
code of noise, and does not flicker.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cgan_runtime.color.encoding import Encoding, Plane

_SIDE = 8  # of the square of thresholds, pixels


def requantize(luma: Plane, source: Encoding, target: Encoding, *, out: Plane) -> None:
    """Write luma codes as those of another encoding; the matrix must be the same.

    A code between two others becomes the upper one at that share of the pixels. Black and white stay so.

    Args:
        luma: Codes of `source`, uint8 or uint16 (H, W).
        source: How they are read.
        target: How they are written.
        out: Takes the codes of `target`, uint8 or uint16 (H, W).
    """
    whole, share = _tables(source, target)
    height, width = luma.shape
    thresholds = np.tile(_thresholds(), (1, -(-width // _SIDE)))[:, :width]
    for start in range(0, height, _SIDE):  # a band at a time stays in the cache
        band = luma[start : start + _SIDE]
        upper = share.take(band, mode="clip") > thresholds[: len(band)]
        np.add(whole.take(band, mode="clip"), upper, out=out[start : start + _SIDE], casting="unsafe")


@lru_cache(maxsize=8)
def _tables(source: Encoding, target: Encoding) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """For each code of the source, the code below it in the target, and how far above that it is, 0 to 63."""
    codes = np.arange(source.peak + 1, dtype=np.float64)
    exact = target.black + (codes - source.black) * (target.luma_span / source.luma_span)
    steps = _SIDE * _SIDE
    fine = np.round(np.clip(exact, 0, target.peak) * steps).astype(np.int64)
    return (fine // steps).astype(np.uint16), (fine % steps).astype(np.uint8)


@lru_cache(maxsize=1)
def _thresholds() -> npt.NDArray[np.uint8]:
    """Bayer's matrix of 0 to 63, uint8 (8, 8): each threshold as far as can be from those near it."""
    matrix = np.zeros((1, 1), np.uint8)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix.astype(np.uint8)
