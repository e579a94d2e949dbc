"""Lab, Y'CbCr and their conversions, against scikit-image and plain float64 arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as oracle

from cgan_runtime.color.encoding import Encoding, Matrix
from cgan_runtime.color.lab import chroma_codes, lab_of_rgb, lightness_table, rgb_of_codes, rgb_of_lab
from cgan_runtime.errors import ConfigError, InputShapeError

XYZ_OF_RGB = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}

encodings = st.builds(
    Encoding, st.sampled_from(["bt601", "bt709", "bt2020"]), st.booleans(), st.sampled_from([8, 10, 12, 16])
)


def luma_of(rgb: npt.NDArray[Any], matrix: str) -> npt.NDArray[np.float64]:
    kr, kb = KR_KB[matrix]
    return np.asarray(rgb @ np.array([kr, 1 - kr - kb, kb]))


def decode(luma: npt.NDArray[Any], codes: npt.NDArray[Any], encoding: Encoding) -> npt.NDArray[np.float64]:
    """R'G'B' of luma in [0, 1] and chroma codes, as a player computes them (H.273), not clipped."""
    kr, kb = KR_KB[encoding.matrix]
    gain = 2**encoding.bits - 1 if encoding.full_range else 224 * 2 ** (encoding.bits - 8)
    cb, cr = (codes.astype(np.float64) - 2 ** (encoding.bits - 1)) / gain
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    return np.stack([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue], axis=-1)


@pytest.mark.parametrize(
    ("encoding", "black", "white", "center", "limits"),
    [
        (Encoding("bt709", False, 8), 16, 235, 128, (16, 240)),
        (Encoding("bt601", True, 8), 0, 255, 128, (0, 255)),
        (Encoding("bt2020", False, 10), 64, 940, 512, (64, 960)),
        (Encoding("bt709", True, 12), 0, 4095, 2048, (0, 4095)),
    ],
)
def test_levels_follow_the_standards(
    encoding: Encoding, black: int, white: int, center: int, limits: tuple[int, int]
) -> None:
    assert (encoding.black, encoding.white, encoding.chroma_center) == (black, white, center)
    assert encoding.chroma_limits == limits
    assert encoding.dtype == (np.uint8 if encoding.bits == 8 else np.uint16)


@pytest.mark.parametrize(("matrix", "bits"), [("bt709", 7), ("bt709", 17), ("smpte240m", 8)])
def test_an_unsupported_encoding_is_refused(matrix: Matrix, bits: int) -> None:
    with pytest.raises(ConfigError, match="take"):
        Encoding(matrix, False, bits)


@given(encodings)
def test_lightness_of_grays(encoding: Encoding) -> None:
    table = lightness_table(encoding)
    assert table.shape == (2**encoding.bits,)
    assert table.dtype == np.float32
    assert table[encoding.black] == -1
    assert table[encoding.white] == 1
    assert (np.diff(table) >= 0).all()
    codes = np.linspace(encoding.black, encoding.white, 50).round().astype(int)
    gray = np.repeat((codes - encoding.black)[:, None] / encoding.luma_span, 3, axis=1)
    assert table[codes] == pytest.approx(oracle.rgb2lab(gray[:, None])[:, 0, 0] / 50 - 1, abs=2e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lab_agrees_with_scikit_image(dtype: type[np.unsignedinteger[Any]]) -> None:
    peak = np.iinfo(dtype).max
    rgb = np.random.default_rng(1).integers(0, peak, (150, 150, 3), dtype=dtype, endpoint=True)
    lab = lab_of_rgb(rgb)
    expected = oracle.rgb2lab(rgb / peak).transpose(2, 0, 1)
    assert lab.shape == (3, 150, 150)
    assert np.abs(lab - expected).max() < 0.01
    assert np.abs(rgb_of_lab(lab, dtype).astype(int) - rgb).max() <= peak // 10000


def test_grays_have_exactly_no_chroma() -> None:
    grays = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2)
    lab = lab_of_rgb(grays)
    assert not lab[1:].any()
    assert (rgb_of_lab(lab) == grays).all()


@pytest.mark.parametrize("chroma", [(120, 0), (0, 120), (-110, 110), (60, -120)])
def test_colors_outside_the_gamut_keep_their_lightness(chroma: tuple[int, int]) -> None:
    lightness = np.linspace(0, 100, 64, dtype=np.float32)
    lab = np.stack([lightness, *(np.full(64, value, np.float32) for value in chroma)])[:, :, None]
    shown = oracle.rgb2lab(rgb_of_lab(lab, np.uint16) / 65535)
    assert np.abs(shown[:, 0, 0] - lightness).max() < 0.02


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_arrays_that_are_no_rgb_image_are_refused(bad: npt.NDArray[Any]) -> None:
    with pytest.raises(InputShapeError, match="expected an RGB image"):
        lab_of_rgb(bad)


@given(encodings, st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_color_comes_back_from_its_codes(encoding: Encoding, seed: int) -> None:
    rgb = np.random.default_rng(seed).uniform(0.4, 0.6, (500, 1, 3))
    lab = oracle.rgb2lab(rgb).astype(np.float32)
    codes = chroma_codes(lab[..., 0] / 50 - 1, lab[..., 1:].transpose(2, 0, 1) / 110, encoding)
    assert np.abs(decode(luma_of(rgb, encoding.matrix), codes, encoding) - rgb).max() < 1e-3


@given(encodings, st.integers(0, 2**32))
@settings(max_examples=40)
def test_zero_chroma_is_exactly_neutral(encoding: Encoding, seed: int) -> None:
    lightness = np.random.default_rng(seed).uniform(-1, 1, (9, 31)).astype(np.float32)
    codes = chroma_codes(lightness, np.zeros((2, 9, 31), np.float32), encoding)
    assert (codes == 2 ** (encoding.bits - 1)).all()


@given(encodings, st.integers(0, 2**32))
@settings(max_examples=40)
def test_any_prediction_gives_legal_codes(encoding: Encoding, seed: int) -> None:
    """For any prediction, the luma of the image with these codes is a color in gamut."""
    rng = np.random.default_rng(seed)
    code = rng.integers(encoding.black, encoding.white, (16, 16), endpoint=True)
    chroma = rng.uniform(-1, 1, (2, 16, 16)).astype(np.float32)
    codes = chroma_codes(lightness_table(encoding)[code], chroma, encoding)
    shown = decode((code - encoding.black) / encoding.luma_span, codes, encoding)
    assert shown.min() > -2e-3
    assert shown.max() < 1 + 2e-3


def test_fitting_to_the_gamut_keeps_the_hue() -> None:
    """Cb : Cr is that of the color as computed without any limit, inside the gamut and far outside."""
    strength = np.linspace(0.1, 0.9, 20, dtype=np.float32)
    lightness = np.full((1, 20), -0.4, np.float32)
    codes = chroma_codes(lightness, np.stack([strength, 0.5 * strength])[:, None], Encoding("bt709", False, 8))
    root = (30 + 16) / 116 + np.stack([0.22 * strength, 0 * strength, -0.275 * strength], axis=-1).astype(float)
    xyz = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29)) * [0.95047, 1, 1.08883]
    light = xyz @ np.linalg.inv(XYZ_OF_RGB).T
    rgb = np.where(light > 0.0031308, 1.055 * np.abs(light) ** (1 / 2.4) - 0.055, 12.92 * light)
    luma = luma_of(rgb, "bt709")
    wanted = np.arctan2((rgb[:, 0] - luma) / 1.5748, (rgb[:, 2] - luma) / 1.8556)
    assert rgb.min() < -0.1
    assert np.arctan2(codes[1] - 128, codes[0] - 128)[0] == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize(
    ("chroma", "plane", "sign"), [((0.5, 0.4), 1, 1), ((0.1, -0.5), 0, 1), ((-0.4, 0.4), 1, -1), ((0.0, 0.6), 0, -1)]
)
def test_colors_have_the_right_sign(chroma: tuple[float, float], plane: int, sign: int) -> None:
    """Red raises Cr, blue raises Cb, green lowers Cr, yellow lowers Cb."""
    lightness = np.zeros((4, 4), np.float32)
    predicted = np.ones((2, 4, 4), np.float32) * np.array(chroma, np.float32)[:, None, None]
    codes = chroma_codes(lightness, predicted, Encoding("bt709", False, 8))
    assert (sign * (codes[plane] - 128) > 20).all()


def test_block_borders_do_not_show() -> None:
    """Large planes are converted in blocks, with the same result as each pixel alone."""
    rng = np.random.default_rng(3)
    lightness = rng.uniform(-1, 1, (200, 211)).astype(np.float32)
    chroma = rng.uniform(-0.5, 0.5, (2, 200, 211)).astype(np.float32)
    encoding = Encoding("bt601", True, 8)
    whole = chroma_codes(lightness, chroma, encoding)
    for row in (0, 77, 78, 199):
        alone = chroma_codes(lightness[row : row + 1], chroma[:, row : row + 1], encoding)
        assert whole[:, row : row + 1] == pytest.approx(alone, abs=1e-3)


@given(encodings, st.integers(0, 2**32 - 1))
def test_rgb_of_codes_keeps_luma_and_colors_in_gamut(encoding: Encoding, seed: int) -> None:
    dice = np.random.default_rng(seed)
    shape, low, high = (5, 40), *encoding.chroma_limits
    y = dice.integers(0, encoding.peak, shape, encoding.dtype, endpoint=True)
    cb, cr = dice.integers(low, high, (2, *shape), encoding.dtype, endpoint=True)
    cb[0], cr[0] = encoding.chroma_center, encoding.chroma_center
    rgb = rgb_of_codes(y, cb, cr, encoding)
    assert (rgb.shape, rgb.dtype) == ((*shape, 3), encoding.dtype)
    peak = np.iinfo(rgb.dtype).max
    luma = np.clip((y.astype(float) - encoding.black) / encoding.luma_span, 0, 1)
    assert np.abs(luma_of(rgb / peak, encoding.matrix) - luma).max() < 0.51 / peak + 1e-6
    assert not np.ptp(rgb[0], axis=1).any()  # gray is gray
    shown = decode(luma, np.stack([cb, cr]), encoding)
    fits = ((shown >= 0) & (shown <= 1)).all(axis=-1)
    assert np.abs(rgb / peak - shown)[fits].max(initial=0) < 0.51 / peak + 1e-6
