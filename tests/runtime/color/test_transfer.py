"""Transfer functions and primaries: published values, round trips, and grays that stay gray."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgan_runtime.color.encoding import LUMA_WEIGHTS, Encoding
from cgan_runtime.color.lab import chroma_codes, lab_of_rgb, lightness_table, rgb_of_codes, srgb_of_rgb
from cgan_runtime.color.transfer import (
    TRANSFERS,
    Primaries,
    Transfer,
    decode,
    decode_color,
    encode,
    encode_color,
    hlg_code,
    pq_code,
    pq_luminance,
    xyz_of_rgb,
)

transfers = st.sampled_from(get_args(Transfer))
primaries = st.sampled_from(get_args(Primaries))
HDR10 = Encoding("bt2020", full_range=False, bits=10, transfer="pq", primaries="bt2020")
HLG = Encoding("bt2020", full_range=False, bits=10, transfer="hlg", primaries="bt2020")


@pytest.mark.parametrize(
    ("luminance", "code"),
    [(0, 0.0), (0.1, 0.062), (1, 0.150), (10, 0.300), (100, 0.508), (203, 0.581), (1000, 0.752), (10_000, 1.0)],
)
def test_pq_has_the_published_values(luminance: float, code: float) -> None:
    # ITU-R BT.2408-7, table 1 and annex; SMPTE ST 2084.
    assert float(pq_code(np.array(luminance))) == pytest.approx(code, abs=0.0006)
    assert float(pq_luminance(pq_code(np.array(luminance)))) == pytest.approx(luminance, rel=1e-6, abs=1e-6)


def test_hlg_has_the_published_values() -> None:
    # ITU-R BT.2100-2, table 5: half the signal at a twelfth of the light; BT.2408-7: reference white at 75 %.
    assert float(hlg_code(np.array(1 / 12))) == pytest.approx(0.5, abs=1e-6)
    assert float(hlg_code(np.array(1.0))) == pytest.approx(1, abs=1e-6)
    assert float(hlg_code(np.array(0.265))) == pytest.approx(0.75, abs=0.001)
    assert float(decode("hlg", np.array(0.75))) == pytest.approx(1, abs=0.01)
    assert float(decode("hlg", np.array(1.0))) == pytest.approx(1000 / 203, rel=1e-4)


@pytest.mark.parametrize(
    ("transfer", "code", "light"),
    [
        ("gamma22", 0.5, 0.5**2.2),
        ("gamma28", 0.5, 0.5**2.8),
        ("linear", 0.5, 0.5),
        ("log", 0.5, 0.1),
        ("log_sqrt", 0.6, 0.1),
        ("dcinema", 1.0, 52.37 / 48),
        ("srgb", 0.5, 0.21404),
    ],
)
def test_the_other_curves_have_the_values_of_h273(transfer: Transfer, code: float, light: float) -> None:
    assert float(decode(transfer, np.array(code))) == pytest.approx(light, rel=1e-4)


@given(transfers, st.floats(0.002, 1))
def test_codes_come_back(transfer: Transfer, code: float) -> None:
    assert float(encode(transfer, decode(transfer, np.array(code)))) == pytest.approx(code, abs=1e-6)


@given(transfers, primaries, st.lists(st.floats(0.02, 1), min_size=3, max_size=3))
def test_colors_come_back(transfer: Transfer, primary: Primaries, color: list[float]) -> None:
    codes = np.array(color)
    light = decode_color(transfer, codes, primary)
    luminance = np.array([light @ xyz_of_rgb(primary)[1]])
    assert encode_color(transfer, light[:, None], luminance)[:, 0] == pytest.approx(codes, abs=1e-4)


@given(transfers)
def test_more_code_is_more_light(transfer: Transfer) -> None:
    table = lightness_table(Encoding("bt709", True, 10, transfer))
    assert (np.diff(table) >= 0).all()
    assert table[0] == -1
    assert table[-1] == 1


@pytest.mark.parametrize("primary", get_args(Primaries))
def test_white_is_d65_and_luminance_weighs_as_the_standard_says(primary: Primaries) -> None:
    matrix = xyz_of_rgb(primary)
    x, y, z = matrix.sum(axis=1)
    assert (x / (x + y + z), y / (x + y + z)) == pytest.approx((0.3127, 0.3290), abs=1e-4)
    if primary == "bt2020":
        assert matrix[1] == pytest.approx([0.2627, 0.6780, 0.0593], abs=1e-4)


@given(transfers, primaries, st.sampled_from(["bt601", "bt709", "bt2020"]), st.booleans(), st.floats(-1, 1))
def test_gray_has_neutral_chroma(
    transfer: Transfer, primary: Primaries, matrix: str, full_range: bool, lightness: float
) -> None:
    encoding = Encoding(matrix, full_range, 10, transfer, primary)  # type: ignore[arg-type]
    codes = chroma_codes(np.full((1, 1), lightness, np.float32), np.zeros((2, 1, 1), np.float32), encoding)
    assert (codes == encoding.chroma_center).all()


def test_reference_white_is_white_and_brighter_stays_so() -> None:
    for encoding, white in ((HDR10, 0.5807), (HLG, 0.75)):
        table = lightness_table(encoding)
        code = round(encoding.black + white * encoding.luma_span)
        assert table[code] > 0.98
        assert table[code - 100] < 0.9
        assert (table[code + 20 : encoding.white] == 1).all()
        assert table[round(encoding.black + white / 2 * encoding.luma_span)] < 0


def test_each_tag_has_its_curve() -> None:
    """By the numbers of ITU-T H.273, table 3: light of the code in the middle."""
    halves = {number: float(decode(TRANSFERS.get(number, "srgb"), np.array(0.5))) for number in range(19)}
    assert halves[1] == halves[6] == halves[14] == halves[15] == pytest.approx(0.5**2.4)  # ITU-R BT.1886
    assert halves[2] == halves[13] == pytest.approx(0.2140, abs=1e-4)  # nothing said, and sRGB
    assert (halves[4], halves[5], halves[8]) == pytest.approx((0.5**2.2, 0.5**2.8, 0.5))
    assert len({halves[number] for number in (1, 2, 4, 5, 8, 9, 10, 16, 17, 18)}) == 10


def test_video_that_says_nothing_is_srgb() -> None:
    assert Encoding("bt709", False, 8) == Encoding("bt709", False, 8, "srgb", "bt709")


@given(
    st.sampled_from([HDR10, HLG, Encoding("bt2020", True, 12, "gamma22", "p3"), Encoding("bt709", True, 12, "log")]),
    st.floats(-0.4, 0.8),
    st.floats(-0.2, 0.2),
    st.floats(-0.2, 0.2),
)
def test_a_color_is_shown_as_it_was_predicted(encoding: Encoding, lightness: float, a: float, b: float) -> None:
    """Decoded by the book and shown as sRGB, a color has the hue of the prediction."""
    chroma = np.array([a, b], np.float32).reshape(2, 1, 1)
    codes = chroma_codes(np.full((1, 1), lightness, np.float32), chroma, encoding)
    gray = encode(encoding.transfer, np.array([_luminance(lightness)]))
    luma = np.rint(encoding.black + gray * encoding.luma_span).astype(np.uint16).reshape(1, 1)
    cb, cr = np.rint(codes).astype(np.uint16)
    rgb = rgb_of_codes(luma, cb, cr, encoding)
    lab = lab_of_rgb(srgb_of_rgb(rgb, encoding))[:, 0, 0]
    predicted, found = np.array([a, b]) * 110, lab[1:]
    if np.hypot(*found) > 8:  # inside both gamuts, and not drowned in rounding
        assert found @ predicted > 0.9 * np.hypot(*found) * np.hypot(*predicted)


def _luminance(lightness: float) -> float:
    root = (lightness * 50 + 66) / 116
    return root**3 if root > 6 / 29 else (root - 4 / 29) * 3 * (6 / 29) ** 2


def test_the_weights_of_luma_are_those_of_the_matrix() -> None:
    assert LUMA_WEIGHTS["bt2020"] == pytest.approx((0.2627, 0.0593))
