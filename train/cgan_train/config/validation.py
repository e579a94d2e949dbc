"""Whether the fields of a dataclass hold what can be used: known names, numbers within their range.

faults(phase, {"lr": ABOVE_0})  ->  "lr is -1.0; give a number above 0", ...
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, without these where `beyond_low` or `below_high` say so; `whole` ones."""

    text: str
    low: float = 0.0
    high: float = math.inf
    beyond_low: bool = False
    below_high: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value is a finite number in it."""
        if not isinstance(value, int if self.whole else int | float) or not math.isfinite(value):
            return False
        if (self.beyond_low and value == self.low) or (self.below_high and value == self.high):
            return False
        return self.low <= value <= self.high


ABOVE_0 = Range("a number above 0", beyond_low=True)
AT_LEAST_0 = Range("0 or more")
AT_LEAST_1 = Range("at least 1", low=1)
PART = Range("0 to 1", high=1)
BELOW_1 = Range("0 to below 1", high=1, below_high=True)


def faults(part: Any, ranges: Mapping[str, Range]) -> Iterator[str]:
    """What is wrong with the fields of a dataclass, each with what there is instead."""
    for name, kind in get_type_hints(type(part)).items():
        value = getattr(part, name)
        if get_origin(kind) is Literal and value not in get_args(kind):
            yield f"{name} is {value!r}; there are {', '.join(get_args(kind))}"
        if get_origin(kind) is tuple:
            inside = get_args(kind)
            count = 0 if Ellipsis in inside else len(inside)
            if not isinstance(value, tuple) or (len(value) != count if count else not value):
                yield f"{name} is {value!r}; give {count or 'at least one'}"
                continue
        if name in ranges:
            values = value if isinstance(value, tuple) else (value,)
            if not all(ranges[name].holds(each) for each in values):
                yield f"{name} is {value!r}; give {ranges[name].text}"
