"""Temporary files: what cannot be written or is full is named, not the output."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from cgan_benchmarks.cli import main as bench
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.temporary import swept_folder, temporary_folder

Usage = namedtuple("Usage", "total used free")


def test_the_folder_is_removed() -> None:
    with temporary_folder() as folder:
        (folder / "a").touch()
    assert not folder.exists()


def _fail(error: OSError) -> None:
    with temporary_folder() as folder:
        if error.filename == "inside":
            (folder / "none" / "a").touch()
        raise error


@pytest.mark.parametrize("free", [0, 1 << 30])
def test_a_full_disk_is_that_of_temporary_files_or_another(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 0, free))
    error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError if free else ConfigError, match="No space") as said:
        _fail(error)
    assert ("TMPDIR" in str(said.value)) == (free == 0)


def test_errors_of_files_name_the_folder_they_are_in() -> None:
    with pytest.raises(ConfigError, match=r"folder for temporary files, .* \(No such file"):
        _fail(OSError(errno.ENOENT, "", "inside"))
    with pytest.raises(PermissionError):
        _fail(PermissionError(errno.EACCES, "Permission denied", "/elsewhere"))


def test_a_benchmark_without_temporary_folder_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SystemExit) as left:
        bench(["--quick"])
    errors = capsys.readouterr().err
    assert (left.value.code, errors.count("\n")) == (1, 1), errors
    assert f"cannot write into the folder for temporary files, {tmp_path / 'gone'}, (No such" in errors


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
def test_what_a_killed_process_has_left_is_swept_away_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, kept = tmp_path / "tmp", tmp_path / "kept"
    for folder in (temporary / "cgan-live-of-mine", kept):
        folder.mkdir(parents=True)
        (folder / "a").touch()
    (temporary / "cgan-live-00000000").symlink_to(kept)
    (temporary / "cgan-live-11111111").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    others = {path.name for path in temporary.iterdir()}
    program = (
        "import os, signal, tempfile\n"
        "from cgan_runtime.files.temporary import swept_folder\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "with swept_folder() as folder:\n"
        "    (folder / 'recording.mp4').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    with swept_folder() as first:
        (first / "upload.png").touch()
        subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
        assert len(list(temporary.iterdir())) == len(others) + 2
        with swept_folder() as second:
            assert {path.name for path in temporary.iterdir()} == {*others, first.name, second.name}
        assert (first / "upload.png").is_file()
    assert {path.name for path in temporary.iterdir()} == others
    assert (kept / "a").is_file()
