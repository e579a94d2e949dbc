"""Where an archive lies: a local folder (NFS too) or storage by URL, through fsspec.

    folder = open_location("s3://bucket/videos")                    # does all that is asked of a Path
    with at_hand(folder / "a.mkv", scratch) as local: ...  # a result is made locally, then put there

Videos are read from a URL as a stream. They are written by way of a local file: mp4 and mov write their
index back to front, and a Matroska video that cannot go back has no duration and no index to seek by.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from cgan_runtime.errors import MediaError
from cgan_runtime.files.storage import is_remote
from cgan_runtime.video.resume.work_folder import work_folder

_SHOW_WHOLE_FILES_ONLY = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""Storage in which a file appears when all of it is there; elsewhere it is renamed then."""

_BLOCK_BYTES = 8_000_000

_KEPT = (".json", ".state", ".segment")
"""Of the files in a video's work folder: those that are complete."""


@contextmanager
def at_hand(
    target: Path,
    scratch: Path,
    wanted: Callable[[str], bool] = lambda name: True,
    alive: Callable[[], object] = lambda: None,
) -> Iterator[Path]:
    """A local path for a result; a local result's own.

    For one that goes elsewhere, the work that is kept beside it is fetched before and brought up to date
    after, whatever ends it. A result that is there at the end is put in its place, and its work removed.

    Args:
        target: Where the result goes.
        scratch: A local folder; nothing is left in it.
        wanted: Which files of the work are needed.
        alive: Told, while files are copied, that this goes on.
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
            fetch(there / name, here / name, alive)
        try:
            yield local
        finally:
            kept = [path for path in _files(here) if path.suffix in _KEPT]
            for name in fetched - {path.name for path in kept}:
                (there / name).unlink()
            for path in sorted(kept, key=lambda each: each.suffix == ".segment"):  # once all else is there
                if path.name not in fetched:
                    put(path, there / path.name, alive)
        if local.exists():
            put(local, target, alive)
            discard(there)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(source: Path, local: Path, alive: Callable[[], object] = lambda: None) -> None:
    """Copy a file to a local one; `alive` is told, block by block, that this goes on."""
    with source.open("rb") as theirs, local.open("wb") as ours:
        while block := theirs.read(_BLOCK_BYTES):
            ours.write(block)
            alive()


def put(local: Path, target: Path, alive: Callable[[], object] = lambda: None) -> None:
    """Copy a local file to where it appears only when all of it is there; `alive` as of `fetch`."""
    from fsspec.callbacks import Callback

    remote = cast(Any, target)
    safe = remote.protocol in _SHOW_WHOLE_FILES_ONLY
    written = target if safe else target.with_name(f".cgan-{secrets.token_hex(6)}{target.suffix}")
    remote.parent.mkdir(parents=True, exist_ok=True)
    try:
        told = Callback(hooks={"alive": lambda *_, **__: alive()})
        remote.fs.put_file(str(local), cast(Any, written).path, callback=told)
        if not safe:
            remote.fs.mv(cast(Any, written).path, remote.path)
    except OSError as error:
        raise MediaError(
            f"cannot write {target} ({error.strerror or error}); is the storage full?"
        ) from error


def discard(folder: Path) -> None:
    """Remove a folder at a place, if it is there."""
    if is_remote(folder):
        if folder.exists():
            cast(Any, folder).fs.rm(cast(Any, folder).path, recursive=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
