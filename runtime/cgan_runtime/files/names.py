"""File names that a file system takes.

fitting_name("a long title", ".color.mp4")
"""

from __future__ import annotations

import hashlib
import os

MAX_NAME = 255  # bytes of a name, on almost every file system
_DIGITS = 8  # of a digest: enough to tell a few thousand names apart


def fitting_name(stem: str, rest: str) -> str:
    """The stem and the rest as one name. A stem that is too long is cut, and ends in a digest of the whole."""
    if _size(stem + rest) <= MAX_NAME:
        return stem + rest
    rest = f"~{hashlib.sha256(os.fsencode(stem)).hexdigest()[:_DIGITS]}{rest}"
    while stem and _size(stem + rest) > MAX_NAME:
        stem = stem[:-1]
    return stem + rest


def _size(name: str) -> int:
    return len(os.fsencode(name))
