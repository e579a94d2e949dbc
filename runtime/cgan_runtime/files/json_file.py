"""JSON files that others may have written: refused where later code would stumble over what they hold.

document = read_json(Path("edge.json"))
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MAX_DEPTH = 32
MAX_NUMBER = 2**63


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON, is nested beyond `MAX_DEPTH`, or holds integers beyond `MAX_NUMBER` or text
            that is no Unicode.
    """
    return parse_json(path.read_bytes())


def parse_json(content: bytes) -> Any:
    """Read JSON; raises the ValueError of `read_json`."""
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    _check(document, MAX_DEPTH)
    return document


def _check(value: object, depth: int) -> None:
    if depth < 0:
        raise ValueError("it is nested too deep")
    if isinstance(value, str):
        value.encode()  # not half of a character
    elif isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise ValueError("a number in it is too large")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
