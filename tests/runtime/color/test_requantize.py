"""Luma in fewer bits or another range: right on the mean, and black and white stay."""

from __future__ import annotations

import numpy as np
import pytest

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.requantize import requantize

TARGET = Encoding("bt709", full_range=False, bits=8)


@pytest.mark.parametrize(("full_range", "bits"), [(True, 8), (False, 10), (True, 10), (False, 16)])
def test_the_mean_of_every_gray_is_kept(full_range: bool, bits: int) -> None:
    source = Encoding("bt709", full_range, bits)
    for level in np.linspace(0, 1, 33):
        code = round(source.black + level * source.luma_span)
        luma = np.full((37, 53), code, source.dtype)
        out = np.zeros(luma.shape, np.uint8)
        requantize(luma, source, TARGET, out=out)
        exact = TARGET.black + (code - source.black) / source.luma_span * TARGET.luma_span
        assert abs(out.mean() - exact) < 0.03
        assert int(out.max()) - int(out.min()) <= 1


@pytest.mark.parametrize(("full_range", "bits"), [(True, 8), (False, 10), (True, 12)])
def test_black_and_white_are_not_dithered(full_range: bool, bits: int) -> None:
    source = Encoding("bt709", full_range, bits)
    for code, expected in ((source.black, 16), (source.white, 235)):
        out = np.zeros((9, 9), np.uint8)
        requantize(np.full((9, 9), code, source.dtype), source, TARGET, out=out)
        assert np.all(out == expected)


def test_to_10_bits() -> None:
    out = np.zeros((8, 8), np.uint16)
    source, target = Encoding("bt709", True, 12), Encoding("bt709", False, 10)
    requantize(np.full((8, 8), 4095, np.uint16), source, target, out=out)
    assert np.all(out == 940)
