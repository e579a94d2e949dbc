"""Write several files that belong together: all of them appear, or none.

    with staging_folder(Path("exported"), ".cgan-export-") as staging:
        ...
        publish([staging / "edge.onnx", staging / "edge.json"], Path("exported"))

The staging folder is hidden inside the final one, and is removed whatever happens. One that a killed process
left is removed by the next process: it tells by a lock that its owner has ended.
"""

from __future__ import annotations

import errno
import glob
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cgan_runtime.files.locks import FileLock


@contextmanager
def staging_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Make a staging folder inside a folder, which is made if it is missing.

    Args:
        folder: The folder that the files will be moved to.
        prefix: Names of staging folders begin with it. Others that begin so are removed unless in use.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder, prefix)
    staging, lock = _make(folder, prefix)
    with lock:
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def publish(drafts: Sequence[Path], folder: Path) -> None:
    """Move files from one staging folder to the folder around it: all of them, or none.

    Files of the same names are replaced; they come back if a move fails or is interrupted. A lock keeps
    other processes from publishing into the folder at the same time.

    Args:
        drafts: The files. A file that vouches for others comes after them, so it never stands without them.
        folder: The folder around the staging folder.

    Raises:
        OSError: A file cannot be moved, or a folder has its name.
    """
    with FileLock(folder, wait=True):
        moves = [(draft, folder / draft.name) for draft in drafts]
        for _, target in moves:
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "a folder has the file's name", str(target))
        backups = Path(tempfile.mkdtemp(prefix=".before-", dir=drafts[0].parent))
        try:
            for _, target in reversed(moves):
                with suppress(FileNotFoundError):
                    target.replace(backups / target.name)
            for draft, target in moves:
                draft.replace(target)
        except BaseException:
            for draft, target in moves:
                _undo(draft, target, backups / target.name)
            raise


def _undo(draft: Path, target: Path, backup: Path) -> None:
    """Bring back the file that was replaced, or remove the one that was moved."""
    with suppress(OSError):
        if backup.exists():
            backup.replace(target)
        elif not draft.exists():
            target.unlink(missing_ok=True)


def _make(folder: Path, prefix: str) -> tuple[Path, FileLock]:
    while True:
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with suppress(FileNotFoundError):
            lock = FileLock(staging, wait=True)
            if staging.is_dir():
                return staging, lock
            lock.release()  # another process removed the folder before it was locked


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove the folders of processes that have ended. Without locks nothing is removed."""
    for staging in folder.glob(f"{glob.escape(prefix)}*"):
        with suppress(OSError):  # in use, or just removed by another process
            if staging.is_dir():
                with FileLock(staging) as lock:
                    if lock.held:
                        shutil.rmtree(staging, ignore_errors=True)
