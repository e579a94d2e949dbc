"""Colored pictures, whole and partly painted, as the network takes them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgan_runtime.guide.hints import chroma_of
from cgan_runtime.guide.memory import COLUMNS, MAX_ROWS, NEARNESS, WEIGHT, Guidance, fitted, joined, rows_of
from cgan_runtime.guide.pictures import Picture

SHAPE = (64, 96)
RED = (180, 60, 60)


def painted(share: float, size: tuple[int, int] = (128, 192)) -> np.ndarray:
    """A gray texture whose left part is red."""
    dice = np.random.default_rng(1)
    gray = cv2.resize(dice.integers(60, 200, (8, 12), dtype=np.uint8), size[::-1], interpolation=cv2.INTER_LINEAR)
    image = np.dstack([gray] * 3)
    image[:, : round(share * size[1])] = RED
    return image


def test_a_whole_picture_covers_all_with_its_chroma() -> None:
    picture = Picture.of(np.full((70, 100, 3), RED, np.uint8), SHAPE)
    assert picture.colors.shape == (3, 32, 48)
    assert picture.lightness.shape == SHAPE
    np.testing.assert_allclose(picture.colors[2], 1)
    np.testing.assert_allclose(picture.colors[:2].mean(axis=(1, 2)), chroma_of("#b43c3c"), atol=1e-4)
    assert (picture.is_gray, picture.is_partial) == (False, False)
    assert picture.aspect == pytest.approx(100 / 70)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_partly_painted_picture_says_nothing_about_the_rest(dtype: type) -> None:
    image = painted(0.25).astype(dtype) * (257 if dtype is np.uint16 else 1)
    picture = Picture.of(image, SHAPE)
    assert picture.is_partial
    assert picture.colors[2, :, :12].min() == pytest.approx(1, abs=0.01)
    assert picture.colors[2, :, 13:].max() == pytest.approx(0, abs=0.01)
    known = picture.colors[2] > 0.5
    for axis in (0, 1):
        colors = picture.colors[axis][known] / picture.colors[2][known]
        np.testing.assert_allclose(colors, chroma_of("#b43c3c")[axis], atol=0.02)


def test_gray_in_a_colored_picture_is_a_color() -> None:
    picture = Picture.of(painted(0.75), SHAPE)
    assert not picture.is_partial
    np.testing.assert_allclose(picture.colors[2], 1)


def test_a_dark_reference_is_whole_however_gray() -> None:
    picture = Picture.of(painted(0.25), SHAPE, whole=True)
    assert not picture.is_partial
    np.testing.assert_allclose(picture.colors[2], 1)
    almost = painted(0.25)
    almost[:, 48:, 1] += 1  # as a decoder leaves shadows
    assert not Picture.of(almost, SHAPE).is_partial


def test_transparent_places_say_nothing() -> None:
    image = np.dstack([np.full((64, 96, 3), RED, np.uint8), np.full((64, 96), 255, np.uint8)])
    image[:32, :, 3] = 0
    picture = Picture.of(image, SHAPE)
    assert picture.colors[2, :15].max() == 0
    assert picture.colors[2, 17:].min() == 1


@pytest.mark.parametrize(
    "image", [painted(0)[..., 0], painted(0), painted(0) + np.array([0, 1, 0], np.uint8)], ids=["gray", "rgb", "jpeg"]
)
def test_a_gray_picture_is_known(image: np.ndarray) -> None:
    assert Picture.of(image, SHAPE).is_gray
    assert not Picture.of(painted(0.03), SHAPE).is_gray


@given(st.integers(1, 4), st.integers(1, 6), st.sampled_from([0.0, 0.01, 0.2, 0.25, 0.7, 1.0]))
def test_rows_are_the_places_that_have_colors(height: int, width: int, share: float) -> None:
    keys = np.random.default_rng(0).normal(size=(32, 8 * height, 8 * width)).astype(np.float32)
    colors = np.zeros((3, 16 * height, 16 * width), np.float32)
    colors[:, :4] = np.array([0.2, -0.1, 1])[:, None, None] * share
    rows = rows_of(keys, colors, nearness=0.5)
    assert rows.shape == (2 * 8 * width if share else 0, COLUMNS)
    if share:
        np.testing.assert_allclose(rows[:, NEARNESS + 1 : WEIGHT], [[0.2, -0.1]] * len(rows), atol=1e-5)
        np.testing.assert_allclose(rows[:, WEIGHT], min(1, 4 * share), atol=1e-5)
        np.testing.assert_array_equal(rows[:, :32], keys[:, :2].reshape(32, -1).T)
        assert rows[:, 32].max() < 2 / (8 * height)


def test_large_pictures_are_thinned_out_and_rows_fit_a_model_of_fixed_size() -> None:
    keys, colors = np.ones((32, 64, 96), np.float32), np.ones((3, 128, 192), np.float32)
    rows = rows_of(keys, colors, nearness=0)
    assert len(rows) == MAX_ROWS
    memory = joined([(rows.astype(np.float16), 0.5), (rows[:7], 1.0)])
    assert memory is not None
    assert len(memory) % 256 == 0
    np.testing.assert_allclose(memory[: len(rows), WEIGHT], 0.5)
    np.testing.assert_allclose(memory[len(rows) + 7 :], 0)
    assert joined([(rows[:0], 1.0)]) is None
    for count in (16, 2048):
        assert fitted(memory, count).shape == (count, COLUMNS)
    assert (fitted(memory, 16)[:, WEIGHT] > 0).all()


def test_similarity_is_that_of_the_best_match() -> None:
    keys = np.zeros((32, 4, 4), np.float32)
    keys[0] = 1
    memory = np.zeros((256, COLUMNS), np.float32)
    assert Guidance(parts=((memory, 1.0),)).similarity(keys) is None
    memory[3, 1], memory[3, WEIGHT] = 1, 1
    assert Guidance(parts=((memory, 1.0),)).similarity(keys) == 0
    memory[5, 0], memory[5, WEIGHT] = 0.75, 0.2
    assert Guidance(parts=((memory, 1.0),)).similarity(keys) == 0.75
