"""Write several files that belong together: all of them appear, or none.

    with staging_folder(Path("exported"), ".cgan-export-") as staging:
        ...
        publish([staging / "edge.onnx", staging / "edge.json"], Path("exported"))

The staging folder is hidden inside the final one, and is removed whatever happens. One that a killed process
left is removed by the next process: it tells by a lock that its owner has ended. Links are followed, both of
the folder and of files in it; a device or pipe with a file's name is refused.
"""

from __future__ import annotations

import errno
import glob
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cgan_runtime.files.atomic import real_path, regular_file, replacing
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
    folder = real_path(folder)  # of a dangling link, what it leads to
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
        OSError: A file cannot be moved, or something that is no file has its name.
    """
    with FileLock(folder, wait=True):
        moves = [(draft, _file_at(folder / draft.name)) for draft in drafts]
        backups = Path(tempfile.mkdtemp(prefix=".before-", dir=drafts[0].parent))
        try:
            for draft, target in reversed(moves):
                with suppress(FileNotFoundError):
                    _move(target, backups / draft.name)
            for draft, target in moves:
                _move(draft, target)
        except BaseException:
            for draft, target in moves:
                _undo(draft, target, backups / draft.name)
            raise


def _file_at(target: Path) -> Path:
    """The file that a name leads to through links."""
    file = regular_file(target)
    if file is None:
        raise OSError(errno.EEXIST, "a device or pipe has the file's name", str(target))
    return file


def _move(source: Path, target: Path) -> None:
    """Rename a file, or copy it to another disk."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(target) as draft:
            shutil.copyfile(source, draft)
        source.unlink()


def _undo(draft: Path, target: Path, backup: Path) -> None:
    """Bring back the file that was replaced, or remove the one that was moved."""
    with suppress(OSError):
        if backup.exists():
            _move(backup, target)
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
