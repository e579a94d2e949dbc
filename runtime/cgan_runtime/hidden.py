"""A hidden folder for what is not finished, inside the folder where it will stand.

    with hidden_folder(Path("exported"), ".cgan-export-") as hidden:
        ...
        publish([hidden / "edge.onnx", hidden / "edge.json"], Path("exported"))

It goes with all that is still in it, whatever happens. A process that is killed leaves its own: the next one
takes that away, and tells it from a living one's by a lock, which ends with its process.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def hidden_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Make one inside another folder, which is made where it is missing.

    Args:
        folder: The other folder.
        prefix: What its name begins with; what else begins so was left by a killed process, or is in use.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder, prefix)
    made, lock = _make(folder, prefix)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        _unlock(lock)


def publish(drafts: Sequence[Path], folder: Path) -> None:
    """Move files from one hidden folder to their names in the folder around it: all of them, or none.

    What has these names goes, and comes back where a move fails or is broken off. One process at a time
    does this in a folder.

    Args:
        drafts: The files. A file that vouches for others comes after them, so it never stands without them.
        folder: The folder around.

    Raises:
        OSError: A file cannot be moved, or a folder has its name.
    """
    lock = _lock(folder, wait=True)
    try:
        names = [(draft, folder / draft.name) for draft in drafts]
        for _, name in names:
            if name.is_dir():
                raise IsADirectoryError(errno.EISDIR, "a folder has the file's name", str(name))
        aside = Path(tempfile.mkdtemp(prefix=".before-", dir=drafts[0].parent))
        try:
            for _, name in reversed(names):
                with suppress(FileNotFoundError):
                    name.replace(aside / name.name)
            for draft, name in names:
                draft.replace(name)
        except BaseException:
            for draft, name in names:
                _undo(draft, name, aside / name.name)
            raise
    finally:
        _unlock(lock)


def _undo(draft: Path, name: Path, before: Path) -> None:
    """Have a name as it was: what was set aside comes back, what was moved there goes."""
    with suppress(OSError):
        if before.exists():
            before.replace(name)
        elif not draft.exists():
            name.unlink(missing_ok=True)


def _make(folder: Path, prefix: str) -> tuple[Path, int | None]:
    while True:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        lock = _lock(made, wait=True)
        if made.is_dir():
            return made, lock
        _unlock(lock)  # before it was locked, another process took it for a dead one's


def _clear(folder: Path, prefix: str) -> None:
    """Remove what killed processes left."""
    for left in folder.glob(f"{glob.escape(prefix)}*"):
        lock = _lock(left, wait=False) if left.is_dir() else None
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            _unlock(lock)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder until the process ends; None where another process has it, or it cannot be locked."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # another process has just removed it
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
