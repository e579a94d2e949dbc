"""The folder of key frames: which files are keys, of which frames, and what identifies a guide.

keys, notes = find_keys(Path("keys"))
for key in keys: print(key.path, key.frame, key.time)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.guide.settings import Guide

SHEET = "contact-sheet.png"
"""Written beside suggested keys; no key itself."""

_NUMBER = re.compile(r"(?:[^\W\d_]+[-_ ]?)?(\d{1,9})")  # 000123, ref_000123, frame123
_TIME = re.compile(r"(?:[^\W\d_]+[-_ ])?(?:(\d+)h)?(\d+)m(\d+(?:\.\d+)?)s?", re.IGNORECASE)  # 00h01m02.500
_NAMED = 3  # files that a note names
_MEND = "give a picture that is there"


@dataclass(frozen=True)
class KeyFile:
    """A key: its file, and the number of its frame, from 0, or its time in seconds from the first frame."""

    path: Path
    frame: int | None = None
    time: float | None = None


def find_keys(folder: str | Path) -> tuple[list[KeyFile], list[str]]:
    """The keys in a folder, by name, and notes about files that are none.

    Raises:
        MediaError: There is no such folder, it holds no key, or two keys name one frame.
    """
    folder = Path(folder) if isinstance(folder, str) else folder
    mend = "give a folder of colored frames named like 000123.png or 00h01m02.500.png with --keys"
    with storage_errors("read the folder", folder, mend):
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES and path.name != SHEET)
    keys, others = [], []
    for path in paths:
        key = _key_of(path)
        if key is None:
            others.append(path.name)
        else:
            keys.append(key)
    if not keys:
        raise MediaError(f"{folder} holds no key; {mend}")
    named: dict[object, KeyFile] = {}
    for key in keys:
        if (other := named.setdefault((key.frame, key.time), key)) is not key:
            raise MediaError(f"{other.path} and {key.path.name} are for the same frame; keep one of them")
    return keys, [f"{listed(others)} in {folder}: no frame number or time in the name, left out"] if others else []


def check_files(guide: Guide) -> None:
    """Refuse references and keys that are not there, before any work; raises as `find_keys` does."""
    for reference in guide.references:
        if isinstance(reference, Path):
            with storage_errors("read", reference, _MEND):
                reference.stat()
    if guide.keys is not None:
        find_keys(guide.keys)


def fingerprint(guide: Guide) -> str:
    """What identifies the content of a guide: the same for copies of its files; raises as `find_keys` does."""
    digest = hashlib.sha256(repr(guide.hints).encode())
    for reference in guide.references:
        if isinstance(reference, np.ndarray):
            digest.update(repr((reference.shape, reference.dtype)).encode() + reference.tobytes())
        else:
            digest.update(_content(Path(reference) if isinstance(reference, str) else reference))
    if guide.keys is not None:
        for key in find_keys(guide.keys)[0]:
            digest.update(repr((key.frame, key.time)).encode() + _content(key.path))
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    """The sha256 of a file."""
    with storage_errors("read", path, _MEND):
        return hashlib.sha256(path.read_bytes()).digest()


def _key_of(path: Path) -> KeyFile | None:
    if found := _NUMBER.fullmatch(path.stem):
        return KeyFile(path, frame=int(found[1]))
    if found := _TIME.fullmatch(path.stem):
        hours, minutes, seconds = int(found[1] or 0), int(found[2]), float(found[3])
        return KeyFile(path, time=3600 * hours + 60 * minutes + seconds)
    return None


def listed(names: list[str]) -> str:
    """A few names, for a note, and how many more there are."""
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return " and ".join([", ".join(names[:_NAMED]), *more])


def guide_of_video(guide: Guide, source: Path, folder: Path) -> Guide:
    """The guide of one video of a folder: its keys are in the folder of its name among those of all.

    The keys of `films/a.mp4` are in `KEYS/a.mp4` or `KEYS/a`; a video without such a folder has none.
    """
    if guide.keys is None:
        return guide
    every = Path(guide.keys) if isinstance(guide.keys, str) else guide.keys
    return replace(guide, keys=next((place for place in _places(every, source, folder) if place.is_dir()), None))


def _places(every: Path, source: Path, folder: Path) -> Iterator[Path]:
    inside = source.relative_to(folder)
    yield every.joinpath(*inside.parts)
    yield every.joinpath(*inside.with_suffix("").parts)
