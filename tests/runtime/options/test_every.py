"""`--every`: `auto`, or a number of frames."""

from __future__ import annotations

import click
import pytest

from cgan_runtime.options.video import EveryType
from cgan_runtime.temporal.settings import MAX_EVERY


@pytest.mark.parametrize(("given", "expected"), [("auto", "auto"), ("1", 1), (str(MAX_EVERY), MAX_EVERY)])
def test_what_is_taken(given: str, expected: object) -> None:
    assert EveryType().convert(given, None, None) == expected


@pytest.mark.parametrize("given", ["0", "-1", "101", "1000", "2.5", "often", "", "٣"])
def test_what_is_refused(given: str) -> None:
    with pytest.raises(click.BadParameter, match="neither auto nor a number from 1 to 100"):
        EveryType().convert(given, None, None)
