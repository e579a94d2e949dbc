"""Kinds of option values that several command lines share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    _SizeBase = click.ParamType[tuple[int, int]]
    _BatchBase = click.ParamType[tuple[int, int, int]]
else:
    _SizeBase = _BatchBase = click.ParamType


class SizeType(_SizeBase):
    """A size in pixels: `256` for a square, `256x384` for height x width; becomes (height, width)."""

    name = "H[xW]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,4})(?:[xX×]([1-9]\d{0,4}))?", str(value))
        if not found:
            self.fail(f"{value!r} is no size; give 256, or height x width such as 256x384", param, ctx)
        return int(found[1]), int(found[2] or found[1])


class BatchType(_BatchBase):
    """A number of pictures at once: `4`, or smallest:best:largest as `1:4:16`; becomes those three."""

    name = "N[:N:N]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,3})(?::([1-9]\d{0,3}):([1-9]\d{0,3}))?", str(value))
        if not found:
            self.fail(f"{value!r} is no batch; give 4, or smallest:best:largest such as 1:4:16", param, ctx)
        smallest, best, largest = (int(found[part] or found[1]) for part in (1, 2, 3))
        if not smallest <= best <= largest:
            self.fail(f"{value!r} does not rise from smallest to largest", param, ctx)
        return smallest, best, largest
