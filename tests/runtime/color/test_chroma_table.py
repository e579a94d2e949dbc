"""Codes by a table: those of `chroma_codes`, but for what lies between the nodes."""

from __future__ import annotations

import numpy as np
import pytest

from cgan_runtime.color.chroma_table import REACH, quick_chroma_codes
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.lab import chroma_codes, lightness_table

ENCODINGS = [Encoding("bt709", False, 8), Encoding("bt601", True, 8)]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_codes_are_those_without_a_table(encoding: Encoding) -> None:
    rng = np.random.default_rng(1)
    luma = rng.integers(32, 236, (64, 96)).astype(np.uint8)  # such colors are in the gamut, mostly
    chroma = rng.uniform(-0.15, 0.15, (2, 64, 96)).astype(np.float32)
    lightness = lightness_table(encoding)[luma]
    error = np.abs(quick_chroma_codes(luma, lightness, chroma, encoding) - chroma_codes(lightness, chroma, encoding))
    assert error.mean() < 0.1
    assert np.quantile(error, 0.99) < 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_zero_chroma_is_exactly_neutral(encoding: Encoding) -> None:
    luma = np.arange(256, dtype=np.uint8).reshape(16, 16)
    codes = quick_chroma_codes(luma, lightness_table(encoding)[luma], np.zeros((2, 16, 16), np.float32), encoding)
    assert (codes == 128).all()


@pytest.mark.parametrize(
    ("encoding", "reach"),
    [
        (Encoding("bt709", False, 8), 1.0),
        (Encoding("bt709", False, 10), 0.3),
        (Encoding("bt2020", False, 8, "pq", "bt2020"), 0.3),
    ],
)
def test_what_no_table_has_is_calculated(encoding: Encoding, reach: float) -> None:
    rng = np.random.default_rng(2)
    luma = rng.integers(0, encoding.peak, (16, 16)).astype(encoding.dtype)
    chroma = np.full((2, 16, 16), reach, np.float32)
    lightness = lightness_table(encoding)[luma]
    assert (reach > REACH) == (encoding.bits == 8 and encoding.transfer == "srgb")
    assert np.array_equal(
        quick_chroma_codes(luma, lightness, chroma, encoding), chroma_codes(lightness, chroma, encoding)
    )
