"""Whether settings have the types they are declared with: a wrong one is refused where it is given. Light to import.

def __post_init__(self) -> None:
    check_types(self)

check_type("size", size, int | None)
"""

from __future__ import annotations

import reprlib
from fractions import Fraction
from functools import lru_cache
from numbers import Integral, Rational, Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cgan_runtime.errors import ConfigError

_NUMBERS: dict[object, Any] = {int: Integral, float: Real, Fraction: Rational}  # NumPy's numbers are taken, too
_NAMES = {
    type(None): "None",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    Fraction: "a whole number or a Fraction",
    str: "a text",
}

_kinds: Any = lru_cache(get_type_hints)


def check_types(settings: object) -> None:
    """Refuse a dataclass with a value that is not of its field's type; a ConfigError."""
    for name, kind in _kinds(type(settings)).items():
        check_type(f"{type(settings).__name__}.{name}", getattr(settings, name), kind)


def check_type(name: str, value: object, kind: Any) -> None:
    """Refuse a value, called `name`, that is not of a type, a union of types, or a Literal; a ConfigError."""
    choices = _choices(kind)
    if not any(_is(value, choice) for choice in choices):
        *others, last = (_name(choice) for choice in choices)
        wanted = f"{', '.join(others)} or {last}" if others else last
        raise ConfigError(f"{name} is {shown(value)}; give {wanted}")


def shown(value: object) -> str:
    """A value for a message: on one line, and shortened."""
    return " ".join(reprlib.repr(value).split())


def _choices(kind: Any) -> list[Any]:
    """The types and, of a Literal, the values that a type consists of."""
    if get_origin(kind) in (Union, UnionType, Literal):
        return [choice for part in get_args(kind) for choice in _choices(part)]
    return [kind]


def _is(value: object, choice: Any) -> bool:
    if not isinstance(choice, type):
        return type(value) is type(choice) and value == choice
    return isinstance(value, _NUMBERS.get(choice, choice)) and (choice is bool or not isinstance(value, bool))


def _name(choice: Any) -> str:
    if not isinstance(choice, type):
        return repr(choice)
    return _NAMES.get(choice) or f"a{'n' if choice.__name__[0] in 'AEIOU' else ''} {choice.__name__}"
