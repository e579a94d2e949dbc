"""Validation of dataclasses: names in `Literal` fields, ranges of numbers, lengths of tuples.

invalid_fields(phase, {"lr": ABOVE_0})  ->  "lr is -1.0; give a number above 0", ...
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`. `text` describes them in messages.

    Attributes:
        open_low: `low` itself is not allowed.
        open_high: `high` itself is not allowed.
        whole: Only whole numbers are allowed.
    """

    text: str
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, int if self.whole else int | float) or not abs(value) < _HUGE:
            return False
        if (self.open_low and value == self.low) or (self.open_high and value == self.high):
            return False
        return self.low <= value <= self.high


_HUGE = 1e300  # excludes infinity and, as every comparison does, nan
_TYPES: dict[Any, Any] = {int: int, float: int | float, str: str, bool: bool}
MAY_BE_EMPTY = {"may_be_empty": True}
"""Metadata of a field with a tuple that may be empty."""
ABOVE_0 = Range("a number above 0", open_low=True)
AT_LEAST_0 = Range("0 or more")
AT_LEAST_1 = Range("at least 1", low=1)
UP_TO_1 = Range("0 to 1", high=1)
BELOW_1 = Range("0 to below 1", high=1, open_high=True)


def invalid_fields(config: Any, ranges: Mapping[str, Range]) -> Iterator[str]:
    """Describe what is wrong with the fields of a dataclass, each with what is allowed."""
    may_be_empty = {each.name for each in dataclasses.fields(config) if each.metadata == MAY_BE_EMPTY}
    for name, kind in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if kind in _TYPES and (not isinstance(value, _TYPES[kind]) or isinstance(value, bool) != (kind is bool)):
            yield f"{name} is {value!r:.80}; give a value of type {kind.__name__}"
            continue
        if get_origin(kind) is Literal and value not in get_args(kind):
            yield f"{name} is {value!r}; there are {', '.join(get_args(kind))}"
        if get_origin(kind) is tuple:
            count = 0 if Ellipsis in get_args(kind) else len(get_args(kind))
            if not isinstance(value, tuple) or (
                len(value) != count if count else not value and name not in may_be_empty
            ):
                yield f"{name} is {value!r}; give {count or 'at least one'}"
                continue
        if name in ranges:
            values = value if isinstance(value, tuple) else (value,)
            if not all(each in ranges[name] for each in values):
                yield f"{name} is {value!r}; give {ranges[name].text}"
