"""Levels: dim pictures are stretched, without flicker, and follow what is shown."""

from __future__ import annotations

import numpy as np
import pytest

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import lightness_table
from cgan_runtime.color.level_tracker import LevelTracker
from cgan_runtime.color.levels import Levels
from cgan_runtime.errors import ConfigError

DEEP = Encoding("bt709", full_range=True, bits=16)
LIMITED = Encoding("bt709", full_range=False, bits=8)


def thermal(number: int, low: float = 0.30, high: float = 0.36, seed: int = 0) -> Plane:
    """A 16-bit picture that uses so much of the range: a wedge, noise, and something warm that moves."""
    noise = np.random.default_rng(seed + number).normal(0, 0.01, (48, 64))
    picture = np.linspace(0.1, 0.9, 64)[None] + noise
    place = 3 * abs(number % 36 - 18)
    picture[10:20, place : place + 10] = 1
    return np.rint((low + (high - low) * picture.clip(0, 1)) * DEEP.peak).astype(np.uint16)


def mean_lightness(codes: Plane, encoding: Encoding) -> float:
    """Of a picture, 0 to 100."""
    return float(lightness_table(encoding).take(codes).mean() + 1) * 50


def test_six_percent_of_the_range_become_all_of_it_without_flicker() -> None:
    tracker = LevelTracker(Levels("auto"))
    shown = [tracker.stretch(thermal(number), DEEP, number / 25) for number in range(60)]
    spread = [np.ptp(np.percentile(lightness_table(DEEP).take(codes), (1, 99))) for codes in shown]
    assert min(spread) > 1.6  # of 2
    means = np.array([mean_lightness(codes, DEEP) for codes in shown])
    assert np.abs(np.diff(means) / means[:-1]).max() < 0.01


def test_levels_follow_slowly() -> None:
    tracker = LevelTracker(Levels("auto"))
    before = tracker.stretch(thermal(0), DEEP, 0.0)
    just_after = tracker.stretch(thermal(0, 0.31, 0.38), DEEP, 0.04)
    for number in range(1, 30):
        later = tracker.stretch(thermal(0, 0.31, 0.38), DEEP, number)
    assert abs(int(just_after[0, 32]) - int(before[0, 32])) > 5000  # the picture is another one, as it is
    assert abs(int(later[0, 32]) - int(before[0, 32])) < 1500  # and looks as before after a while


def test_a_picture_beyond_the_levels_begins_anew() -> None:
    tracker = LevelTracker(Levels("auto"))
    tracker.stretch(thermal(0), DEEP, 0.0)
    codes = tracker.stretch(thermal(1, 0.7, 0.8), DEEP, 0.04)
    assert 0.3 * DEEP.peak < codes.mean() < 0.7 * DEEP.peak


@pytest.mark.parametrize("encoding", [DEEP, LIMITED])
def test_an_even_picture_stays_even(encoding: Encoding) -> None:
    plane = np.full((32, 32), encoding.peak // 3, encoding.dtype)
    codes = LevelTracker(Levels("auto")).stretch(plane, encoding)
    assert np.ptp(codes) == 0
    assert 0 < codes[0, 0] < encoding.peak


def test_fixed_levels_are_shares_of_black_to_white() -> None:
    plane = np.array([[16, 16 + 22, 16 + 110, 235]], np.uint8)
    codes = LevelTracker(Levels("10,50")).stretch(plane, LIMITED)
    assert codes.dtype == np.uint8
    assert (codes[0, 0], codes[0, 3]) == (0, 255)
    deep = LevelTracker(Levels("25,75")).stretch(np.array([[16384, 32768, 49151]], np.uint16), DEEP, bits=8)
    assert deep.tolist() == [[0, 128, 255]]
    assert deep.dtype == np.uint8


def test_clock_that_jumps_back_changes_nothing() -> None:
    tracker = LevelTracker(Levels("auto"))
    first = tracker.stretch(thermal(0), DEEP, 100.0)
    assert (tracker.stretch(thermal(0), DEEP, 0.0) == first).all()


@pytest.mark.parametrize(("text", "shown"), [("auto", "auto"), ("off", "off"), ("2,8.5", "2,8.5"), ("0,100", "off")])
def test_texts(text: str, shown: str) -> None:
    assert str(Levels(text)) == shown
    assert Levels(text).off == (shown == "off")


@pytest.mark.parametrize("text", ["8,2", "2,2", "0,101", "1", "a,b", "", "-1,5"])
def test_wrong_levels_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="such as 2,8"):
        Levels(text)


def test_levels_are_a_text_for_the_picture_or_the_network() -> None:
    with pytest.raises(ConfigError, match=r"Levels.levels is 5; give a text"):
        Levels(5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Levels.levels_for is 'all'; give 'picture' or 'network'"):
        Levels("auto", "all")  # type: ignore[arg-type]
