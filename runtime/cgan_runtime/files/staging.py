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
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cgan_runtime.files.locks import hold, let_go


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
        let_go(lock)


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
    lock = hold(folder, wait=True)
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
        let_go(lock)


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
        lock = None
        with suppress(FileNotFoundError):
            lock = hold(made, wait=True)
        if made.is_dir():
            return made, lock
        let_go(lock)  # before it was held, another process took it for a dead one's


def _clear(folder: Path, prefix: str) -> None:
    """Remove what killed processes left, where locks tell that."""
    for left in folder.glob(f"{glob.escape(prefix)}*"):
        with suppress(OSError):  # in use, or just removed by another
            if left.is_dir() and (lock := hold(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                let_go(lock)
