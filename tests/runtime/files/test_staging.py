"""Staging folders: removed at the end, by the next process after a kill; publishing is all or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cgan_runtime.files.staging import publish, remove_abandoned, staging_folder

HOLDS_ONE = """
import sys
from pathlib import Path
from cgan_runtime.files.staging import staging_folder
with staging_folder(Path(sys.argv[1]), ".draft-") as hidden:
    (hidden / "half").touch()
    print(hidden, flush=True)
    sys.stdin.read()
"""

LOCKS = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(handle, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_the_folder_is_removed_with_its_content(tmp_path: Path) -> None:
    def fail() -> None:
        with staging_folder(tmp_path / "a" / "b", ".draft-") as hidden:
            (hidden / "half").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked here, and are left")
def test_folders_of_killed_processes_are_removed_and_those_in_use_stay(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS_ONE, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        other = Path(process.stdout.readline().strip())
        with staging_folder(tmp_path, ".draft-") as mine:
            assert {path.name for path in tmp_path.iterdir()} == {other.name, mine.name}
        assert [path.name for path in other.iterdir()] == ["half"]
        process.kill()
    assert other.is_dir()
    with staging_folder(tmp_path, ".draft-") as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert not list(tmp_path.iterdir())


def test_files_and_folders_with_a_similar_name_stay(tmp_path: Path) -> None:
    (tmp_path / ".draft-notes").write_text("mine")
    (tmp_path / ".drafts").mkdir()
    with staging_folder(tmp_path, ".draft-"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {".draft-notes", ".drafts"}


def write(folder: Path, text: str, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(text)
    return [folder / name for name in names]


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("moves", range(6))  # two old files, four new ones
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_publishing_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int, error: BaseException
) -> None:
    write(tmp_path, "old", "a.onnx", "a.json")
    real, count = Path.replace, 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == moves + 1:
            raise error
        return real(self, target)

    def fail() -> None:
        with staging_folder(tmp_path, ".draft-") as hidden:
            drafts = write(hidden, "new", "a.onnx", "a.json", "b.onnx", "b.json")
            monkeypatch.setattr(Path, "replace", replace)
            publish(drafts, tmp_path)

    with pytest.raises((KeyboardInterrupt, OSError)):
        fail()
    assert texts(tmp_path) == {"a.onnx": "old", "a.json": "old"}
    assert not list(tmp_path.glob(".*"))


class Killed(BaseException):
    """Stands for SIGKILL: whatever the process would still do to the disk raises it again."""


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Do some work whose process dies at a step that changes the disk; whether it died."""
    steps = 0

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def do(*args: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps > step:
                raise Killed
            return real(*args, **options)

        return do

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked here, and are left")
def test_publishing_that_is_killed_is_undone_by_the_next_process(tmp_path: Path) -> None:
    names = ("a.onnx", "a.json", "b.onnx", "b.json")

    def recover() -> None:
        with staging_folder(tmp_path, ".draft-"):
            pass

    def replace() -> None:
        with staging_folder(tmp_path, ".draft-") as hidden:
            publish(write(hidden, "new", *names), tmp_path)

    old, new = dict.fromkeys(("a.onnx", "a.json"), "old"), dict.fromkeys(names, "new")
    found = []
    for recovery in (1, 4):  # steps of a first recovery, which is killed, too
        for step in range(100):
            for name in new:
                (tmp_path / name).unlink(missing_ok=True)
            write(tmp_path, "old", *old)
            died = killed_at(step, replace)
            killed_at(recovery, recover)
            recover()
            assert texts(tmp_path) in (old, new), f"killed at step {step}, the recovery at step {recovery}"
            assert not list(tmp_path.glob(".*"))
            found.append(texts(tmp_path))
            if not died:
                break
        assert found[-1] == new
    assert old in found


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked here, and are left")
def test_old_files_that_cannot_be_put_back_are_kept_for_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "old", "a.onnx", "a.json")
    real, count = Path.replace, 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count > 1:
            raise OSError(5, "Input/output error")
        return real(self, target)

    def fail() -> None:
        with staging_folder(tmp_path, ".draft-") as hidden:
            drafts = write(hidden, "new", "a.onnx", "a.json")
            monkeypatch.setattr(Path, "replace", replace)
            publish(drafts, tmp_path)

    with pytest.raises(OSError, match="Input"):
        fail()
    monkeypatch.setattr(Path, "replace", real)
    remove_abandoned(tmp_path, ".draft-")
    assert texts(tmp_path) == {"a.onnx": "old", "a.json": "old"}


def test_published_files_replace_old_ones(tmp_path: Path) -> None:
    write(tmp_path, "old", "a.onnx", "a.json", "other")
    with staging_folder(tmp_path, ".draft-") as hidden:
        publish(write(hidden, "new", "a.onnx", "a.json"), tmp_path)
    assert texts(tmp_path) == {"a.onnx": "new", "a.json": "new", "other": "old"}
    assert not list(tmp_path.glob(".*"))


def test_a_folder_of_the_same_name_stays_and_nothing_is_published(tmp_path: Path) -> None:
    write(tmp_path, "old", "a.onnx")
    write_in = tmp_path / "a.json"
    write_in.mkdir()
    with staging_folder(tmp_path, ".draft-") as hidden, pytest.raises(IsADirectoryError):
        publish(write(hidden, "new", "a.onnx", "a.json"), tmp_path)
    assert texts(tmp_path) == {"a.onnx": "old"}
    assert write_in.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege here")
def test_links_are_followed_and_pipes_are_refused(tmp_path: Path) -> None:
    real, shown, linked = tmp_path / "real", tmp_path / "shown", tmp_path / "linked"
    shown.mkdir()
    linked.symlink_to(shown)
    real.write_text("old")
    for name in ("a.onnx", "a.json"):
        (shown / name).symlink_to(tmp_path / ("real" if name == "a.onnx" else "not yet"))
    with staging_folder(linked, ".draft-") as hidden:
        publish(write(hidden, "new", "a.onnx", "a.json"), linked)
    assert (real.read_text(), (tmp_path / "not yet").read_text()) == ("new", "new")
    assert all((shown / name).is_symlink() for name in ("a.onnx", "a.json"))
    os.mkfifo(shown / "b.json")
    with staging_folder(linked, ".draft-") as hidden, pytest.raises(OSError, match="device or pipe"):
        publish(write(hidden, "newer", "a.onnx", "b.json"), linked)
    assert ((shown / "b.json").is_fifo(), real.read_text()) == (True, "new")


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked here")
def test_two_processes_do_not_publish_at_the_same_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOCKS, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        with staging_folder(tmp_path, ".draft-") as hidden:
            drafts = write(hidden, "new", "a.onnx")
            thread = threading.Thread(target=publish, args=(drafts, tmp_path))
            thread.start()
            thread.join(0.2)
            assert not (tmp_path / "a.onnx").exists()
            process.stdin.close()
            thread.join()
    assert texts(tmp_path) == {"a.onnx": "new"}
