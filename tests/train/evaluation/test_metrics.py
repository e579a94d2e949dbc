"""Metrics against scikit-image and against what they must say of known colourings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, lab2rgb

from cgan_train.data.loader import centre_fit
from cgan_train.evaluation.metrics import (
    Array,
    ciede2000,
    colourfulness,
    lab_of_picture,
    measure_quality,
    recolour,
    rgb_of_lab,
)

PICTURE = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 60.0]))
def test_ciede2000_agrees_with_the_oracle(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    first = rng.uniform((0, -100, -100), (100, 100, 100), (200, 3)).astype(np.float32)
    second = first + rng.normal(0, spread, (200, 3)).astype(np.float32)
    first[0, 1:] = 0  # grey against colour, where hue has no meaning
    np.testing.assert_allclose(ciede2000(first, second), deltaE_ciede2000(first, second), atol=2e-3)


SIDE = 32
GREY = np.zeros((1, 2, SIDE, SIDE), np.float32)


def truth(*, off: tuple[float, float, float] = (0, 0, 0)) -> Array:
    """What a colouriser that knows PICTURE predicts, `off` its L*, a* and b*; (1, 3, 32, 32)."""
    lab = lab_of_picture(centre_fit(PICTURE, SIDE)) + np.array(off, np.float32)
    planes = np.moveaxis(lab, -1, 0)
    return np.concatenate((planes[:1] / np.float32(50) - 1, planes[1:] / np.float32(110)))[None]


def test_quality_of_the_truth_and_of_grey() -> None:
    perfect = measure_quality(lambda _: truth()[:, 1:], [PICTURE], SIDE)
    assert perfect.ciede2000 < 1e-2
    assert perfect.gain_percent > 99
    assert perfect.chroma_ratio == pytest.approx(1, abs=1e-4)
    assert perfect.colourfulness_ratio == pytest.approx(1, abs=1e-4)
    assert perfect.mae < 0.01
    assert (perfect.accuracy_2, perfect.accuracy_5) == (100, 100)
    assert perfect.psnr_ab > 90
    grey = measure_quality(lambda _: GREY, [PICTURE], SIDE)
    assert grey.gain_percent == pytest.approx(0, abs=1e-4)
    assert grey.chroma_ratio == grey.colourfulness_ratio == grey.colourfulness == 0
    assert (grey.mae, grey.accuracy_5, grey.psnr_ab) == (
        grey.mae_grey, grey.accuracy_5_grey, grey.psnr_ab_grey
    )  # fmt: skip
    assert grey.mae == perfect.mae_grey > 5


@pytest.mark.parametrize(
    ("off", "accuracies"),
    [
        ((0, 4, -4), (100, 100)),  # 4 <= 4.4
        ((0, 5, 0), (0, 100)),
        ((0, 0, 11), (0, 100)),  # 11 = 2.2 x 5, still right
        ((0, 12, 0), (0, 0)),
        ((2, 0, 0), (100, 100)),
        ((-3, 0, 0), (0, 100)),
        ((6, 0, 0), (0, 0)),
    ],
)
def test_accuracy_counts_pixels_within_its_tolerances(
    off: tuple[float, float, float], accuracies: tuple[float, float]
) -> None:
    quality = measure_quality(lambda _: truth(off=off), [PICTURE], SIDE)  # lightness is compared as predicted
    assert (quality.accuracy_2, quality.accuracy_5) == accuracies


def test_psnr_and_mae_by_their_definitions() -> None:
    quality = measure_quality(lambda _: truth(off=(0, 3, 4))[:, 1:], [PICTURE], SIDE)
    assert quality.psnr_ab == pytest.approx(10 * np.log10(255**2 / ((3**2 + 4**2) / 2)), abs=1e-3)
    small = centre_fit(PICTURE, SIDE)
    shown = np.clip(lab2rgb(lab_of_picture(small) + np.array([0, 3, 4], np.float32)), 0, 1) * 255
    assert quality.mae == pytest.approx(100 * np.abs(shown - small).mean() / 255, abs=0.05)


def test_many_at_once_are_measured_as_one_by_one() -> None:
    pictures = [np.roll(PICTURE, 7 * k, axis=(0, 2)) for k in range(5)]

    def predict(lightness: Array) -> Array:
        return np.concatenate((lightness / 2, -lightness / 3), axis=1)

    one, many = (measure_quality(predict, pictures, SIDE, batch=n) for n in (1, 3))
    assert vars(many) == pytest.approx(vars(one), rel=1e-6)
    assert one.pictures == 5


def test_the_percentile_is_that_of_all_pixels() -> None:
    pictures = [np.roll(PICTURE, 7 * k, axis=(0, 2)) for k in range(3)]
    errors = []
    for picture in pictures:
        lab = lab_of_picture(centre_fit(picture, SIDE))
        errors.append(ciede2000(lab * np.array([1, 0, 0], np.float32), lab))
    quality = measure_quality(lambda _: GREY, pictures, SIDE)
    assert quality.ciede2000_p90 == pytest.approx(np.percentile(errors, 90), abs=0.01)
    assert quality.ciede2000 == pytest.approx(np.mean(errors), rel=1e-6)


def test_colours_leave_lab_as_they_came() -> None:
    back = rgb_of_lab(lab_of_picture(PICTURE))
    assert np.abs(back.astype(int) - PICTURE).max() <= 1


def test_colourfulness_of_one_and_of_many() -> None:
    lab = np.stack([lab_of_picture(PICTURE), lab_of_picture(PICTURE[::-1] // 2)])
    np.testing.assert_allclose(colourfulness(lab), [colourfulness(lab[0]), colourfulness(lab[1])], rtol=1e-5)


def test_pictures_without_any_colour_have_figures_too() -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    quality = measure_quality(lambda x: np.zeros((1, 2, *x.shape[2:]), np.float32), [black], 32)
    assert np.isfinite([*vars(quality).values()]).all()


def test_recolour_keeps_lightness() -> None:
    lab = lab_of_picture(PICTURE)[None]
    out = recolour(lambda x: np.full((1, 2, *x.shape[2:]), 0.5, np.float32), lab)
    np.testing.assert_array_equal(out[..., 0], lab[..., 0])
    np.testing.assert_allclose(out[..., 1:], 55.0)
