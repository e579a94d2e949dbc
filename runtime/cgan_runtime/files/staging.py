"""Write several files that belong together: all of them appear, or none.

    with staging_folder(Path("exported"), ".cgan-export-") as staging:
        ...
        publish([staging / "edge.onnx", staging / "edge.json"], Path("exported"))

The staging folder is hidden inside the final one, and is removed whatever happens. One that a killed process
left is removed by the next process: it tells by a lock that its owner has ended. If the process was killed while
it replaced files, the old ones are put back first. Links are followed, both of the folder and of files in it; a
device or pipe with a file's name is refused.
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

_UNDO = ".undo"  # in a staging folder, while files are moved: what was there before
_OLD, _NEW = "old", "new"  # in it: the files that are replaced; an empty file for each name that was free


@contextmanager
def staging_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Make a staging folder inside a folder, which is made if it is missing.

    Args:
        folder: The folder that the files will be moved to.
        prefix: Names of staging folders begin with it. Others that begin so are removed as by `remove_abandoned`.

    Raises:
        OSError: It cannot be made.
    """
    folder = real_path(folder)  # of a dangling link, what it leads to
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder, prefix)
    staging, lock = _make(folder, prefix)
    with lock:
        try:
            yield staging
        finally:
            if not (staging / _UNDO).exists():  # else the old files could not be put back: a later process tries
                shutil.rmtree(staging, ignore_errors=True)


def remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove the staging folders of processes that have ended, and put back what they had begun to replace.

    Without locks, as on Windows, nothing is removed.
    """
    for staging in real_path(folder).glob(f"{glob.escape(prefix)}*"):
        with suppress(OSError):  # in use, or just removed by another process
            if staging.is_dir():
                with FileLock(staging) as lock:
                    if lock.held:
                        with FileLock(staging.parent, wait=True):
                            _undo(staging)
                        shutil.rmtree(staging, ignore_errors=True)


def publish(drafts: Sequence[Path], folder: Path) -> None:
    """Move files from one staging folder to the folder around it: all of them, or none.

    Files of the same names are replaced. They come back if a move fails or is interrupted, and by the next
    process's `remove_abandoned` if this one is killed. A lock keeps other processes from publishing into the
    folder at the same time.

    Args:
        drafts: The files. A file that vouches for others comes after them, so it never stands without them.
        folder: The folder around the staging folder.

    Raises:
        OSError: A file cannot be moved, or something that is no file has its name.
    """
    with FileLock(folder, wait=True):
        moves = [(draft, _file_at(folder / draft.name)) for draft in drafts]
        staging = drafts[0].parent
        undo = _prepare_undo(staging, moves)
        try:
            for draft, target in reversed(moves):
                if target.exists():
                    _move(target, undo / _OLD / draft.name)
            for draft, target in moves:
                _move(draft, target)
            _forget_undo(staging)
        except BaseException:
            with suppress(OSError):
                _undo(staging)
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


def _prepare_undo(staging: Path, moves: Sequence[tuple[Path, Path]]) -> Path:
    """Note which names are free; from the moment on that the folder has its name, `_undo` has something to do."""
    unnamed = Path(tempfile.mkdtemp(dir=staging))
    for name in (_OLD, _NEW):
        (unnamed / name).mkdir()
    for draft, target in moves:
        if not target.exists():
            (unnamed / _NEW / draft.name).touch()
    return unnamed.rename(staging / _UNDO)


def _undo(staging: Path) -> None:
    """Put back the files that a publishing had begun to replace, and remove those that it had moved to free names.

    It may be interrupted anywhere, and done again.
    """
    undo, folder = staging / _UNDO, staging.parent
    if not undo.exists():
        return
    for old in (undo / _OLD).iterdir():
        _move(old, _file_at(folder / old.name))
    for new in (undo / _NEW).iterdir():
        if not (staging / new.name).exists():
            _file_at(folder / new.name).unlink(missing_ok=True)
    _forget_undo(staging)


def _forget_undo(staging: Path) -> None:
    """At once, unlike the removal of a folder with files in it."""
    (staging / _UNDO).rename(Path(tempfile.mkdtemp(dir=staging)) / _UNDO)


def _make(folder: Path, prefix: str) -> tuple[Path, FileLock]:
    while True:
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with suppress(FileNotFoundError):
            lock = FileLock(staging, wait=True)
            if staging.is_dir():
                return staging, lock
            lock.release()  # another process removed the folder before it was locked
