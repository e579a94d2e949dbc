"""Finds the photos below a folder, and counts what is left out by its reason.

paths, left_out = find_photos(Path("photos"))
count_found(len(paths), left_out)       # "found 9 files: 7 taken, 2 left out (broken link: 2)"
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cgan_runtime.errors import DataError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}

OTHER_KIND = "another kind of file"
NO_FILE = "pipe, device or socket"
BROKEN_LINK = "broken link"
ARCHIVED_LINK = "link in an archive"
READ_ALREADY = "linked folder that was read already"
MEASURED = "measured on"
NO_COLOR = "no color to learn from"
DAMAGED = "damaged"


def find_photos(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Find all photos below a folder and the folders that it links to, in the order of their names.

    Returns:
        The photos, and what was left out: path relative to the folder, and the reason.

    Raises:
        DataError: A folder cannot be read.
    """
    found, left_out = [], {}
    for path in _walk(folder):
        if path.is_dir():
            reason = READ_ALREADY
        elif path.suffix.lower() not in SUFFIXES:
            reason = OTHER_KIND
        else:
            reason = "" if path.is_file() else NO_FILE if path.exists() else BROKEN_LINK
        if reason:
            left_out[str(path.relative_to(folder))] = reason
        else:
            found.append(path)
    return sorted(found), left_out


def _walk(top: Path) -> Iterator[Path]:
    """All files below a folder. Linked folders are followed, each once; a second link to one is returned."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}); check its permissions")

    seen: set[tuple[int, int]] = set()
    links = collections.deque([str(top)])
    while links:  # what is linked comes last, so that the names do not depend on the order of the disk
        start = links.popleft()
        for where, folders, names in os.walk(start, onerror=refuse):
            status = os.stat(where)  # noqa: PTH116 (names that are no text)
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                if where == start:
                    yield Path(where)
                continue
            seen.add((status.st_dev, status.st_ino))
            links += sorted(path for name in folders if os.path.islink(path := os.path.join(where, name)))  # noqa: PTH114, PTH118
            yield from (Path(where) / name for name in names)


def count_found(taken: int, left_out: dict[str, str]) -> str:
    """Count in one line what was found, taken and left out by reason."""
    line = f"found {taken + len(left_out):,} files: {taken:,} taken"
    return f"{line}, {len(left_out):,} left out ({count_reasons(left_out.values())})" if left_out else line


def count_reasons(reasons: Iterable[str]) -> str:
    """Count reasons, the most frequent first: `damaged: 3, measured on: 1`."""
    counts = collections.Counter(reasons).most_common()
    return ", ".join(f"{reason}: {number:,}" for reason, number in counts)
