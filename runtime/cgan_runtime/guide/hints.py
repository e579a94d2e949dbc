"""The file of hints, and hints as planes for the network.

    hints = read_hints(Path("hints.json"))
    planes = rasterized(hints, picture=(1080, 1920), grid=(48, 84))

The file is `{"hints": [{"x": 0.31, "y": 0.62, "color": "#2f4f9f", "radius": 0.01}]}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cgan_runtime.color.lab import FloatArray, lab_of_rgb
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.json_file import parse_json
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.guide.settings import MAX_HINTS, Hint, rgb_of
from cgan_runtime.manifest import AB_SCALE

LEAST_RADIUS = 0.6  # cells of the grid; a smaller disc would fill no cell
MAX_BYTES = 1 << 24  # of a file of hints
_MEND = "give a file of hints with --hints"
_SAMPLES = 8  # per side of a cell, by which its covered share is counted
_FIELDS = tuple(field.name for field in fields(Hint))
_REQUIRED = ("x", "y", "color")
_COMMENTS = ("//", "/*", "#")


def read_hints(path: str | Path) -> tuple[Hint, ...]:
    """Read a file of hints.

    Raises:
        MediaError: It cannot be read.
        ConfigError: It is no such file; the message says which hint is wrong.
    """
    path = Path(path) if isinstance(path, str) else path
    with storage_errors("read", path, _MEND):
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is too large for hints, at most {MAX_BYTES >> 20} MB are read")
        content = path.read_bytes()
    return parse_hints(content, str(path))


def parse_hints(content: bytes, name: str, most: int = MAX_HINTS) -> tuple[Hint, ...]:
    """Read the content of a file of hints, at most so many; `name` is the file's in messages.

    Raises:
        ConfigError: It is no such file; the message says which hint is wrong.
    """
    try:
        document = parse_json(content)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name} is no JSON: {_fault(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is no JSON, nor any text; {_MEND}") from error
    except ValueError as error:
        raise ConfigError(f"{name} is no JSON ({error}); {_MEND}") from error
    if not isinstance(document, dict) or not isinstance(document.get("hints"), list) or len(document) > 1:
        raise ConfigError(f'{name} holds no hints; it should be {{"hints": [{{"x": ..., "y": ..., "color": ...}}]}}')
    if len(document["hints"]) > most:
        raise ConfigError(f"{name} has {len(document['hints'])} hints; at most {most} are taken")
    return tuple(_hint(name, number, entry) for number, entry in enumerate(document["hints"], 1))


def rasterized(
    hints: Iterable[Hint], picture: tuple[int, int], grid: tuple[int, int], onto: FloatArray | None = None
) -> FloatArray:
    """Hints as the network takes them.

    Args:
        hints: A later one covers an earlier one.
        picture: Height and width of the picture as it is shown; only their ratio counts.
        grid: Height and width of the result.
        onto: Planes of this size that the hints cover; None for empty ones.

    Returns:
        float32 (3, h, w): a*/110 and b*/110 times the share of each cell that hints cover, and this share.
    """
    planes = np.zeros((3, *grid), np.float32) if onto is None else onto.copy()
    longer = max(picture)
    for hint in hints:
        radius = hint.radius * longer
        radii = max(LEAST_RADIUS, radius / picture[0] * grid[0]), max(LEAST_RADIUS, radius / picture[1] * grid[1])
        rows, columns, share = _disc((hint.y * grid[0], hint.x * grid[1]), radii, grid)
        color = np.array([*chroma_of(hint.color), 1], np.float32)[:, None, None]
        under = planes[:, rows, columns]
        under += (color - under) * share
    return planes


@lru_cache(maxsize=MAX_HINTS)
def chroma_of(color: str) -> tuple[float, float]:
    """a*/110 and b*/110 of a color; a ConfigError if it is none."""
    _, a, b = lab_of_rgb(np.array(rgb_of(color), np.uint8).reshape(1, 1, 3)).reshape(3) / np.float32(AB_SCALE)
    return float(a), float(b)


@lru_cache(maxsize=MAX_HINTS)  # most are drawn again and again: in each frame, or while one of them is dragged
def _disc(
    middle: tuple[float, float], radii: tuple[float, float], grid: tuple[int, int]
) -> tuple[slice, slice, FloatArray]:
    """Rows and columns of the cells that a disc may touch, and the share of each that it covers."""
    spans, squares = [], []
    for center, radius, cells in zip(middle, radii, grid, strict=True):
        first, end = max(0, int(np.floor(center - radius))), min(cells, int(np.ceil(center + radius)))
        first = min(first, cells - 1)
        spans.append(slice(first, max(end, first + 1)))
        samples = (np.arange((spans[-1].stop - first) * _SAMPLES) + 0.5) / _SAMPLES + first
        squares.append(((samples - center) / radius) ** 2)
    inside = squares[0][:, None] + squares[1][None] <= 1
    height, width = inside.shape[0] // _SAMPLES, inside.shape[1] // _SAMPLES
    share = inside.reshape(height, _SAMPLES, width, _SAMPLES).mean(axis=(1, 3), dtype=np.float32)
    share.setflags(write=False)
    return spans[0], spans[1], share


def _hint(name: str, number: int, entry: Any) -> Hint:
    where = f"hint {number} in {name}"
    if not isinstance(entry, dict):
        raise ConfigError(f'{where} is no object; write {{"x": ..., "y": ..., "color": ...}}')
    if strange := [each for each in entry if each not in _FIELDS]:
        raise ConfigError(f"{where} has {strange[0]!r}; a hint has {', '.join(_FIELDS)}")
    if missing := [each for each in _REQUIRED if each not in entry]:
        raise ConfigError(f"{where} has no {missing[0]}; a hint has at least {', '.join(_REQUIRED)}")
    try:
        return Hint(**entry)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _fault(error: json.JSONDecodeError) -> str:
    """What is wrong with a text that is no JSON, and the mend."""
    rest, line = error.doc[error.pos :].lstrip(), error.lineno
    if rest.startswith(_COMMENTS):
        return f"line {line} has a comment; JSON has none, remove it"
    if rest.startswith(("]", "}")):
        return f"line {line} has a comma before {rest[0]}; remove it"
    return f"line {line}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"
