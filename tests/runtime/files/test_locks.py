"""File locks: exclusive, shared, and released."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cgan_runtime.files.locks import FileLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")


def test_a_lock_excludes_all_others_until_it_is_released(tmp_path: Path) -> None:
    with FileLock(tmp_path) as lock:
        assert lock.held
        for shared in (False, True):
            with pytest.raises(BlockingIOError):
                FileLock(tmp_path, shared=shared)
    assert not lock.held
    FileLock(tmp_path).release()


def test_a_shared_lock_excludes_only_exclusive_ones(tmp_path: Path) -> None:
    with FileLock(tmp_path, shared=True), FileLock(tmp_path, shared=True), pytest.raises(BlockingIOError):
        FileLock(tmp_path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "none")
