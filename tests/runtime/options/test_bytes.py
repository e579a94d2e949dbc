"""Sizes of files: with a unit, so that 20 are not taken for 20 bytes, and not smaller than anybody means."""

from __future__ import annotations

import click
import pytest

from cgan_runtime.options.groups import BytesType
from cgan_runtime.options.live import EveryType


@pytest.mark.parametrize(
    ("given", "expected"),
    [("256MB", 256_000_000), ("2 GB", 2_000_000_000), ("1.5g", 1_500_000_000), ("200kB", 200_000), ("5000B", 5000)],
)
def test_what_is_taken(given: str, expected: int) -> None:
    assert BytesType().convert(given, None, None) == expected


@pytest.mark.parametrize("given", ["20", "500000", "1.5"])
def test_a_number_without_a_unit_is_refused(given: str) -> None:
    with pytest.raises(click.BadParameter, match=f"has no unit; give one, such as {given}MB or {given}GB"):
        BytesType().convert(given, None, None)


@pytest.mark.parametrize("given", ["much", "", "-2GB", "2PB", "GB", "b"])
def test_what_is_no_size_is_refused(given: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size"):
        BytesType().convert(given, None, None)


def test_less_than_anybody_means_is_refused() -> None:
    with pytest.raises(click.BadParameter, match=r"'20kB' is too small; give 10\.0 MB or more"):
        BytesType(10_000_000).convert("20kB", None, None)
    with pytest.raises(click.BadParameter, match="'2b' is too small"):
        EveryType().convert("2b", None, None)
    with pytest.raises(click.BadParameter, match="is too small"):
        BytesType().convert("0GB", None, None)
