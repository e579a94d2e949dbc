"""Hidden folders: they go with what is in them, and those of killed processes with the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cgan_runtime.hidden import hidden_folder

HOLDS_ONE = """
import sys
from pathlib import Path
from cgan_runtime.hidden import hidden_folder
with hidden_folder(Path(sys.argv[1]), ".draft-") as hidden:
    (hidden / "half").touch()
    print(hidden, flush=True)
    sys.stdin.read()
"""


def test_it_goes_with_what_is_in_it(tmp_path: Path) -> None:
    def fail() -> None:
        with hidden_folder(tmp_path / "a" / "b", ".draft-") as hidden:
            (hidden / "half").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked here, and are left")
def test_what_a_killed_process_left_goes_with_the_next_one_and_a_living_ones_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS_ONE, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        other = Path(process.stdout.readline().strip())
        with hidden_folder(tmp_path, ".draft-") as mine:
            assert {path.name for path in tmp_path.iterdir()} == {other.name, mine.name}
        assert [path.name for path in other.iterdir()] == ["half"]
        process.kill()
    assert other.is_dir()
    with hidden_folder(tmp_path, ".draft-") as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert not list(tmp_path.iterdir())


def test_what_only_looks_like_one_stays(tmp_path: Path) -> None:
    (tmp_path / ".draft-notes").write_text("mine")
    (tmp_path / ".drafts").mkdir()
    with hidden_folder(tmp_path, ".draft-"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {".draft-notes", ".drafts"}
