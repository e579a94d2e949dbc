"""Results on remote storage: made in a local file, then uploaded, like the work on unfinished videos.

    with local_copy(folder / "a.mkv", scratch) as local: ...

Videos are read from a URL as a stream. They are written through a local file: mp4 and mov write their index
last, and a Matroska video that cannot seek back has no duration and no index.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import draft_name
from cgan_runtime.files.storage import is_remote
from cgan_runtime.video.resume.work_folder import work_folder

# Storage where a file appears only when it is complete; elsewhere it is uploaded and then renamed.
_ATOMIC_STORAGE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
_BLOCK_BYTES = 8_000_000
_KEPT = (".json", ".npz", ".state", ".segment")  # suffixes of complete files in the work folder of a video


@contextmanager
def local_copy(
    target: Path,
    scratch: Path,
    wanted: Callable[[str], bool] = lambda name: True,
    alive: Callable[[], object] = lambda: None,
) -> Iterator[Path]:
    """A local path for a result; for a local result its own path.

    For a remote result, the work folder beside it is downloaded before the block and updated after it,
    however it ends. A result that exists at the end is uploaded, and its work folder removed. `wanted` tells
    by its name whether a file of the work folder is needed; `alive` is called while files are copied. Nothing
    is left in the folder `scratch`.
    """
    if not is_remote(target):
        yield target
        return
    folder = scratch / secrets.token_hex(6)
    local = folder / target.name
    here, there = work_folder(local), work_folder(target)
    folder.mkdir(parents=True)
    try:
        fetched = {path.name for path in _files(there) if wanted(path.name)}
        if fetched:
            here.mkdir()
        for name in fetched:
            download(there / name, here / name, alive)
        try:
            yield local
        finally:
            kept = [path for path in _files(here) if path.suffix in _KEPT]
            for name in fetched - {path.name for path in kept}:
                (there / name).unlink()
            for path in sorted(kept, key=lambda each: each.suffix == ".segment"):  # after everything else
                if path.name not in fetched:
                    upload(path, there / path.name, alive)
        if local.exists():
            upload(local, target, alive)
            if there.exists():
                cast(Any, there).fs.rm(cast(Any, there).path, recursive=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def download(source: Path, local: Path, alive: Callable[[], object] = lambda: None) -> None:
    """Copy a file to a local one; calls `alive` after each block."""
    with source.open("rb") as theirs, local.open("wb") as ours:
        while block := theirs.read(_BLOCK_BYTES):
            ours.write(block)
            alive()


def upload(local: Path, target: Path, alive: Callable[[], object] = lambda: None) -> None:
    """Copy a file to storage, where it appears when complete (else MediaError); `alive`: see `download`."""
    from fsspec.callbacks import Callback

    remote = cast(Any, target)
    atomic = remote.protocol in _ATOMIC_STORAGE
    written = cast(Any, target if atomic else draft_name(target))
    remote.parent.mkdir(parents=True, exist_ok=True)
    try:
        callback = Callback(hooks={"alive": lambda *_, **__: alive()})
        remote.fs.put_file(str(local), written.path, callback=callback)
        if not atomic:
            remote.fs.mv(written.path, remote.path)
    except OSError as error:
        reason = error.strerror or error
        raise MediaError(f"cannot write {target} ({reason}); is the storage full?") from error


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
