"""Metrics against scikit-image and against what they must say of known colourings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000

from cgan_train.metrics import ciede2000, lab_of_picture, measure_quality, recolour

PICTURE = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 60.0]))
def test_ciede2000_agrees_with_the_oracle(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    first = rng.uniform((0, -100, -100), (100, 100, 100), (200, 3)).astype(np.float32)
    second = first + rng.normal(0, spread, (200, 3)).astype(np.float32)
    first[0, 1:] = 0  # grey against colour, where hue has no meaning
    np.testing.assert_allclose(ciede2000(first, second), deltaE_ciede2000(first, second), atol=2e-3)


def test_quality_of_the_truth_and_of_grey() -> None:
    lab = lab_of_picture(PICTURE)
    side = 32

    def truth(lightness: np.ndarray) -> np.ndarray:
        from cgan_train.data.loader import centre_fit

        small = lab_of_picture(centre_fit(PICTURE, side))
        return np.moveaxis(small[..., 1:], -1, 0)[None] / np.float32(110)

    perfect = measure_quality(truth, [PICTURE], side)
    assert perfect.ciede2000 < 1e-2
    assert perfect.gain_percent > 99
    assert perfect.chroma_ratio == pytest.approx(1, abs=1e-4)
    grey = measure_quality(lambda x: np.zeros((1, 2, *x.shape[2:]), np.float32), [PICTURE], side)
    assert grey.gain_percent == pytest.approx(0, abs=1e-4)
    assert grey.chroma_ratio == 0
    assert grey.colourfulness_ratio == 0
    assert lab.shape == (40, 50, 3)


def test_pictures_without_any_colour_have_figures_too() -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    quality = measure_quality(lambda x: np.zeros((1, 2, *x.shape[2:]), np.float32), [black], 32)
    assert np.isfinite([*vars(quality).values()]).all()


def test_recolour_keeps_lightness() -> None:
    lab = lab_of_picture(PICTURE)
    out = recolour(lambda x: np.full((1, 2, *x.shape[2:]), 0.5, np.float32), lab)
    np.testing.assert_array_equal(out[..., 0], lab[..., 0])
    np.testing.assert_allclose(out[..., 1:], 55.0)
