"""Guided enlargement of chroma: edges, flat areas, grain, depths."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.color.upsampling import enlarge_chroma

SIZES = st.tuples(st.integers(1, 70), st.integers(1, 70))


def bicubic(codes: FloatArray, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    return np.stack([cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_CUBIC) for plane in codes])


def smaller(plane: npt.NDArray[np.float32], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)


@given(SIZES, SIZES, st.floats(-500, 500), st.integers(0, 2**32))
@settings(max_examples=60)
def test_one_color_stays_one_color(low: tuple[int, int], high: tuple[int, int], level: float, seed: int) -> None:
    """Grain in the luma never becomes speckle where the color is even."""
    rng = np.random.default_rng(seed)
    guide_low, guide_high = (rng.uniform(0, 255, shape).astype(np.float32) for shape in (low, high))
    codes = np.full((2, *low), level, np.float32)
    large = enlarge_chroma(codes, guide_low, guide_high, span=255)
    assert large[0].shape == large[1].shape == high
    assert np.stack(large) == pytest.approx(level, abs=0.01)


@given(SIZES, SIZES, st.integers(0, 2**32))
@settings(max_examples=40)
def test_with_flat_luma_it_is_bicubic(low: tuple[int, int], high: tuple[int, int], seed: int) -> None:
    codes = np.random.default_rng(seed).uniform(16, 240, (2, *low)).astype(np.float32)
    large = enlarge_chroma(codes, np.full(low, 90, np.uint8), np.full(high, 90, np.uint8), span=219)
    assert np.stack(large) == pytest.approx(bicubic(codes, high), abs=0.01)


def test_color_edges_follow_luma_edges() -> None:
    """A dark blue disc on bright orange, enlarged four times: half of the bleeding is gone, no halo."""
    y, x = np.mgrid[:256, :256]
    inside = ((y - 131) ** 2 + (x - 122) ** 2 < 77**2).astype(np.float32)
    luma = 180 - 100 * inside
    truth = np.stack([90 + 80 * inside, 160 - 60 * inside])
    low = (64, 64)
    codes = np.stack([smaller(plane, low) for plane in truth])
    guided = np.stack(enlarge_chroma(codes, smaller(luma, low), luma, span=219))
    assert np.abs(guided - truth).mean() < 0.5 * np.abs(bicubic(codes, (256, 256)) - truth).mean()
    step = np.array([80, 60])[:, None, None]
    assert ((guided - truth.max(axis=(1, 2), keepdims=True)) < 0.1 * step).all()
    assert ((truth.min(axis=(1, 2), keepdims=True) - guided) < 0.1 * step).all()


def test_grain_is_not_amplified() -> None:
    """Smooth color under grain of 3 % of the span: the speckle is under a quarter of a code."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:256, :256].astype(np.float32) / 256
    luma = (120 + 219 * 0.03 * rng.standard_normal((256, 256))).astype(np.float32)
    codes = np.stack([smaller(128 + 60 * (x - 0.5), (64, 64)), smaller(128 + 60 * (y - 0.5), (64, 64))])
    guided = np.stack(enlarge_chroma(codes, smaller(luma, (64, 64)), luma, span=219))
    assert (guided - bicubic(codes, (256, 256))).std() < 0.25


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_rounded_and_saturated(dtype: type[np.uint8] | type[np.uint16]) -> None:
    peak = np.iinfo(dtype).max
    codes = np.stack([np.full((4, 4), -30.0), np.full((4, 4), peak + 30.0)]).astype(np.float32)
    guide = np.zeros((8, 8), dtype)
    out = np.empty((8, 8), dtype), np.empty((8, 8), dtype)
    result = enlarge_chroma(codes, guide[:4, :4], guide, out=out)
    assert result[0] is out[0]
    assert (out[0] == 0).all()
    assert (out[1] == peak).all()
    enlarge_chroma(np.full((2, 4, 4), 100.6, np.float32), guide[:4, :4], guide, out=out)
    assert (out[0] == 101).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_code_is_beyond_the_limits(dtype: type[np.uint8] | type[np.uint16]) -> None:
    codes = np.stack([np.linspace(-20, 255, 64), np.linspace(0, 300, 64)]).reshape(2, 8, 8).astype(np.float32)
    guide = np.full((16, 16), 90, dtype)
    out = np.empty((16, 16), dtype), np.empty((16, 16), dtype)
    enlarge_chroma(codes, guide[:8, :8], guide, limits=(16, 240), out=out)
    for plane, free in zip(out, bicubic(codes, (16, 16)), strict=True):
        assert (plane.min(), plane.max()) == (16, 240)
        assert np.abs(plane - free.clip(16, 240)).max() <= 0.51
