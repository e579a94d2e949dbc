"""Metrics against scikit-image, and on colorings whose quality is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, lab2rgb

from cgan_runtime.errors import DataError
from cgan_train.data.loader import center_crop
from cgan_train.evaluation.metrics import Array, ciede2000, colorfulness, lab_of_image, recolor, rgb_of_lab
from cgan_train.evaluation.quality import measure_quality

IMAGE = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 60.0]))
def test_ciede2000_agrees_with_scikit_image(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    first = rng.uniform((0, -100, -100), (100, 100, 100), (200, 3)).astype(np.float32)
    second = first + rng.normal(0, spread, (200, 3)).astype(np.float32)
    first[0, 1:] = 0  # gray against color, where hue has no meaning
    np.testing.assert_allclose(ciede2000(first, second), deltaE_ciede2000(first, second), atol=2e-3)


SIDE = 32
GRAY = np.zeros((1, 2, SIDE, SIDE), np.float32)


def truth(*, off: tuple[float, float, float] = (0, 0, 0)) -> Array:
    """The prediction of a colorizer that knows IMAGE, `off` added to L*, a* and b*; (1, 3, 32, 32)."""
    lab = lab_of_image(center_crop(IMAGE, SIDE, SIDE)) + np.array(off, np.float32)
    planes = np.moveaxis(lab, -1, 0)
    return np.concatenate((planes[:1] / np.float32(50) - 1, planes[1:] / np.float32(110)))[None]


def test_quality_of_the_truth_and_of_gray() -> None:
    perfect = measure_quality(lambda _: truth()[:, 1:], [IMAGE], SIDE)
    assert perfect.ciede2000 < 1e-2
    assert perfect.gain_percent > 99
    assert perfect.chroma_ratio == pytest.approx(1, abs=1e-4)
    assert perfect.colorfulness_ratio == pytest.approx(1, abs=1e-4)
    assert perfect.mae < 0.01
    assert (perfect.accuracy_2, perfect.accuracy_5) == (100, 100)
    assert perfect.psnr_ab > 90
    gray = measure_quality(lambda _: GRAY, [IMAGE], SIDE)
    assert gray.gain_percent == pytest.approx(0, abs=1e-4)
    assert gray.chroma_ratio == gray.colorfulness_ratio == gray.colorfulness == 0
    assert (gray.mae, gray.accuracy_5, gray.psnr_ab) == (
        gray.mae_gray, gray.accuracy_5_gray, gray.psnr_ab_gray
    )  # fmt: skip
    assert gray.mae == perfect.mae_gray > 5


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
    quality = measure_quality(lambda _: truth(off=off), [IMAGE], SIDE)  # lightness is compared as predicted
    assert (quality.accuracy_2, quality.accuracy_5) == accuracies


def test_psnr_and_mae_follow_their_definitions() -> None:
    quality = measure_quality(lambda _: truth(off=(0, 3, 4))[:, 1:], [IMAGE], SIDE)
    assert quality.psnr_ab == pytest.approx(10 * np.log10(255**2 / ((3**2 + 4**2) / 2)), abs=1e-3)
    small = center_crop(IMAGE, SIDE, SIDE)
    shown = np.clip(lab2rgb(lab_of_image(small) + np.array([0, 3, 4], np.float32)), 0, 1) * 255
    assert quality.mae == pytest.approx(100 * np.abs(shown - small).mean() / 255, abs=0.05)


def test_batches_are_measured_like_single_images() -> None:
    images = [np.roll(IMAGE, 7 * k, axis=(0, 2)) for k in range(5)]

    def predict(lightness: Array) -> Array:
        return np.concatenate((lightness / 2, -lightness / 3), axis=1)

    one, many = (measure_quality(predict, images, SIDE, batch=n) for n in (1, 3))
    assert vars(many) == pytest.approx(vars(one), rel=1e-6)
    assert one.images == 5


def test_percentile_is_over_all_pixels() -> None:
    images = [np.roll(IMAGE, 7 * k, axis=(0, 2)) for k in range(3)]
    errors = []
    for image in images:
        lab = lab_of_image(center_crop(image, SIDE, SIDE))
        errors.append(ciede2000(lab * np.array([1, 0, 0], np.float32), lab))
    quality = measure_quality(lambda _: GRAY, images, SIDE)
    assert quality.ciede2000_p90 == pytest.approx(np.percentile(errors, 90), abs=0.01)
    assert quality.ciede2000 == pytest.approx(np.mean(errors), rel=1e-6)


def test_lab_round_trip() -> None:
    back = rgb_of_lab(lab_of_image(IMAGE))
    assert np.abs(back.astype(int) - IMAGE).max() <= 1


def test_colorfulness_of_a_batch() -> None:
    lab = np.stack([lab_of_image(IMAGE), lab_of_image(IMAGE[::-1] // 2)])
    np.testing.assert_allclose(colorfulness(lab), [colorfulness(lab[0]), colorfulness(lab[1])], rtol=1e-5)


def test_images_without_color_are_left_out_and_counted() -> None:
    gray = cv2.merge([cv2.resize(IMAGE[..., 1], (96, 64))] * 3)
    noisy = cv2.imdecode(cv2.imencode(".jpg", gray)[1], cv2.IMREAD_COLOR)
    black = np.zeros((32, 32, 3), np.uint8)
    alone = measure_quality(lambda _: GRAY, [IMAGE], SIDE)
    among = measure_quality(lambda _: GRAY, [gray, IMAGE, noisy, black], SIDE)
    assert (among.images, among.without_color) == (1, 3)
    assert vars(among) == vars(alone) | {"without_color": 3}
    assert np.isfinite([*vars(among).values()]).all()
    with pytest.raises(DataError, match="none of the 3 images to measure on has color"):
        measure_quality(lambda _: GRAY, [gray, noisy, black], SIDE)


def test_recolor_keeps_lightness() -> None:
    lab = lab_of_image(IMAGE)[None]
    out = recolor(lambda x: np.full((1, 2, *x.shape[2:]), 0.5, np.float32), lab)
    np.testing.assert_array_equal(out[..., 0], lab[..., 0])
    np.testing.assert_allclose(out[..., 1:], 55.0)


def test_how_colorful_is_counted_beside_the_truth() -> None:
    half = np.zeros((SIDE, SIDE, 3), np.uint8) + np.array([120, 120, 120], np.uint8)
    half[:, : SIDE // 4] = (200, 40, 40)
    quality = measure_quality(lambda lightness: np.repeat(lightness * 0 + 0.08, 2, axis=1), [half], SIDE)
    assert (quality.colored, quality.colored_truth) == (100, 25)  # chroma of 0.08 * 110 * sqrt(2) = 12.4
    assert quality.chroma == pytest.approx(0.08 * 110 * 2**0.5, rel=1e-4)
    red = lab_of_image(half[:1, :1])[0, 0]
    assert quality.chroma_truth == pytest.approx(np.hypot(red[1], red[2]) / 4, rel=1e-3)
    assert quality.chroma_ratio == pytest.approx(quality.chroma / quality.chroma_truth)
    assert quality.colorfulness == pytest.approx(0.37 * quality.chroma, rel=1e-3)  # of one color there is no spread


def test_psnr_of_rgb_is_the_mean_of_the_images() -> None:
    small, other = (center_crop(image, SIDE, SIDE) for image in (IMAGE, IMAGE[::-1] // 2))
    found = []
    for image in (small, other):
        gray = rgb_of_lab(lab_of_image(image) * np.array([1, 0, 0], np.float32)).astype(float)
        found.append(10 * np.log10(255**2 / ((gray - rgb_of_lab(lab_of_image(image))) ** 2).mean()))
    quality = measure_quality(lambda _: GRAY, [small, other], SIDE)
    assert quality.psnr_rgb == quality.psnr_rgb_gray == pytest.approx(np.mean(found), abs=1e-6)
