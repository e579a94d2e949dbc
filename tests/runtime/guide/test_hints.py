"""Files of hints, wrong in every way a person may write them; and what the network is given of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cgan_runtime.color.lab import lab_of_rgb
from cgan_runtime.errors import CganError, ConfigError
from cgan_runtime.guide.hints import LEAST_RADIUS, chroma_of, rasterized, read_hints
from cgan_runtime.guide.settings import MAX_HINTS, Guide, Hint

HINT = {"x": 0.31, "y": 0.62, "color": "#2f4f9f", "radius": 0.01}
GRID, PICTURE = (48, 64), (480, 640)


def written(path: Path, *hints: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"hints": hints}))
    return path


def test_a_file_of_hints_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "hints.json",
        HINT,
        {"x": 0, "y": 1, "color": "rebeccapurple"},
        {"x": 0.5, "y": 0.5, "color": "rgb(1, 2, 3)", "time": 2.5, "until": 3},
        {"x": 0.5, "y": 0.5, "color": "#abc", "frame": 12, "until": 20},
    )
    first, second, third, fourth = read_hints(path)
    assert first == Hint(0.31, 0.62, "#2f4f9f", 0.01)
    assert second.radius == 0.01
    assert (third.time, third.frame, third.until) == (2.5, None, 3)
    assert (fourth.time, fourth.frame, fourth.until) == (None, 12, 20)
    assert chroma_of("rebeccapurple") == chroma_of("#663399")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"hints": [ // the uniform\n]}', "line 1 has a comment; JSON has none"),
        ('# mine\n{"hints": []}', "line 1 has a comment"),
        ('{"hints": [{"x": 1, /* left */ "y": 2}]}', "has a comment"),
        ('{"hints": [{"x": 1},]}', "line 1 has a comma before ]"),
        ('{"hints": [', "no JSON: line 1"),
        ("", "no JSON"),
        ("\x00\xff", "no JSON"),
        ("[" * 100_000, "nested too deep"),
        ("[]", "holds no hints; it should be"),
        ('{"hint": []}', "holds no hints"),
        ('{"hints": {}}', "holds no hints"),
        ('{"hints": [], "more": 1}', "holds no hints"),
        ('{"hints": [5]}', "hint 1 in .* is no object"),
        ('{"hints": [{"x": 0.5, "y": 0.5}]}', "hint 1 in .* has no color"),
        ('{"hints": [{"x": 0.5, "y": 0.5, "color": "red", "size": 2}]}', "has 'size'; a hint has x, y, color"),
        ('{"hints": [{"x": NaN, "y": 0.5, "color": "red"}]}', "hint 1 in .*: x is nan, which is no number"),
        ('{"hints": [{"x": 1' + "0" * 400 + ', "y": 0.5, "color": "red"}]}', "too large"),
    ],
)
def test_a_file_that_is_wrong_is_one_clear_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hints.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CganError, match=message) as raised:
        read_hints(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 1.3}, r"x is 1.3, outside of the picture; give a fraction from 0 \(left\) to 1 \(right\)"),
        ({"y": -0.1}, "y is -0.1, outside of the picture"),
        ({"x": 310}, "outside"),
        ({"x": "0.3"}, "x is '0.3', which is no number"),
        ({"x": True}, "x is True, which is no number"),
        ({"color": "reddish"}, "'reddish' is no color; give one such as #2f4f9f"),
        ({"color": "#12"}, "is no color"),
        ({"color": 7}, "7 is no color"),
        ({"color": None}, "None is no color"),
        ({"radius": 0}, "radius is 0"),
        ({"radius": 0.6}, "radius is 0.6"),
        ({"radius": None}, "radius is None, which is no number"),
        ({"time": -1}, "time is -1"),
        ({"frame": 1.5}, "frame is 1.5; give a whole number"),
        ({"frame": -2}, "frame is -2"),
        ({"time": 1, "frame": 2}, "both time and frame"),
        ({"until": 2}, "until is given without"),
        ({"time": 3, "until": 2}, "until is 2, before the hint begins at 3"),
    ],
)
def test_a_hint_that_is_wrong_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "hints.json", HINT, HINT | change)
    with pytest.raises(ConfigError, match=f"hint 2 in .*{message}"):
        read_hints(path)


def test_ten_thousand_hints_are_taken_and_more_are_not(tmp_path: Path) -> None:
    hints = read_hints(written(tmp_path / "many.json", *[HINT | {"x": n / MAX_HINTS} for n in range(MAX_HINTS)]))
    assert rasterized(hints, PICTURE, GRID)[2].max() == 1
    with pytest.raises(ConfigError, match="has 10001 hints; at most 10000"):
        read_hints(written(tmp_path / "more.json", *[HINT] * (MAX_HINTS + 1)))
    with pytest.raises(ConfigError, match="there are 10001 hints"):
        Guide(hints=[Hint(0.5, 0.5, "red")] * (MAX_HINTS + 1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hints": [{"x": 0.5}]}, "hint 1 is {'x': 0.5}; give a Hint"),
        ({"hints": "red"}, "hint 1 is 'red'; give a Hint"),
        ({"references": ["uncle.jpg", None]}, "reference 2 is None; give a file name or a NumPy array"),
        ({"keys": 7}, "keys is 7; give the name of a folder"),
    ],
)
def test_a_guide_that_is_wrong_is_one_clear_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Guide(**given)


def test_a_single_hint_or_reference_needs_no_list() -> None:
    hint, pixels = Hint(0.5, 0.5, "red"), np.zeros((8, 8, 3), np.uint8)
    assert Guide(hints=hint).hints == (hint,)  # type: ignore[arg-type]
    for reference in ("uncle.jpg", Path("uncle.jpg"), UPath("memory://uncle.jpg")):
        assert Guide(references=reference).references == (reference,)  # type: ignore[arg-type]
    assert Guide(references=pixels).references[0] is pixels  # type: ignore[arg-type]


def test_a_file_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CganError, match=r"cannot read .*none.json"):
        read_hints(tmp_path / "none.json")


place = st.floats(0, 1)
colors = st.sampled_from(["red", "#2f4f9f", "gold", "gray"])
some_hints = st.lists(st.builds(Hint, place, place, colors, st.floats(0.001, 0.3)), max_size=5)


@given(some_hints)
def test_a_share_is_a_share_and_colors_lie_between_those_given(hints: list[Hint]) -> None:
    planes = rasterized(hints, PICTURE, GRID)
    assert planes.shape == (3, *GRID)
    assert planes.dtype == np.float32
    assert planes[2].min() >= 0
    assert planes[2].max() <= 1
    given_colors = np.array([chroma_of(hint.color) for hint in hints] or [(0, 0)])
    covered = planes[2] > 0.05
    for axis in (0, 1):
        inside = planes[axis][covered] / planes[2][covered]
        assert np.all(inside >= given_colors[:, axis].min() - 1e-3)
        assert np.all(inside <= given_colors[:, axis].max() + 1e-3)


@given(st.floats(0.3, 0.7), st.floats(0.3, 0.7), st.floats(0.02, 0.2))
def test_a_disc_covers_its_area_around_its_middle(x: float, y: float, radius: float) -> None:
    share = rasterized([Hint(x, y, "red", radius)], PICTURE, GRID)[2]
    across = max(LEAST_RADIUS, radius * GRID[1])
    assert share.sum() == pytest.approx(np.pi * across**2, rel=0.15, abs=0.2)
    rows, columns = np.mgrid[0 : GRID[0], 0 : GRID[1]] + 0.5
    assert (share * columns).sum() / share.sum() == pytest.approx(x * GRID[1], abs=0.1)
    assert (share * rows).sum() / share.sum() == pytest.approx(y * GRID[0], abs=0.1)


@given(place, place, st.floats(0.001, 0.3))
def test_a_mirrored_hint_is_the_mirrored_plane(x: float, y: float, radius: float) -> None:
    share = rasterized([Hint(x, y, "red", radius)], PICTURE, GRID)[2]
    assert share.max() > 0.1  # also on the edge, also a tiny one
    mirrored = rasterized([Hint(1 - x, y, "red", radius)], PICTURE, GRID)[2][:, ::-1]
    np.testing.assert_allclose(share, mirrored, atol=0.05)
    turned = rasterized([Hint(y, x, "red", radius)], PICTURE[::-1], GRID[::-1])[2].T
    np.testing.assert_allclose(share, turned, atol=0.05)


def test_a_later_hint_covers_an_earlier_one_and_lightness_does_not_count() -> None:
    planes = rasterized([Hint(0.5, 0.5, "red", 0.1), Hint(0.5, 0.5, "blue", 0.1)], PICTURE, GRID)
    np.testing.assert_allclose(planes[:2, 24, 32], chroma_of("blue"), atol=1e-6)
    _, a, b = lab_of_rgb(np.array([[[0, 0, 255]]], np.uint8)).reshape(3)
    assert chroma_of("blue") == pytest.approx((a / 110, b / 110))
    assert chroma_of("white") == pytest.approx((0, 0), abs=1e-6)
    assert chroma_of("black") == pytest.approx((0, 0), abs=1e-6)
