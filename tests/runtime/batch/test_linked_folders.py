"""Linked folders are not followed, since they may lead in a circle; that is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.videos import write_video

from cgan_runtime.batch.run import run_folder
from cgan_runtime.console import Console
from cgan_runtime.options.batch import BatchOptions
from cgan_runtime.options.run import FileOptions, RunOptions


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("recursive", [True, False])
def test_linked_folders_are_named(recursive: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, elsewhere, results = tmp_path / "in", tmp_path / "elsewhere", tmp_path / "out"
    for each in (folder, elsewhere, results):
        each.mkdir()
    write_video(folder / "a.mp4")
    (results / "a.color.mp4").write_bytes(b"done before")
    write_video(elsewhere / "b.mp4")
    (folder / "link").symlink_to(elsewhere)
    (folder / "circle").symlink_to(folder)
    options = RunOptions(files=FileOptions(input_dir=folder, output=results))
    assert run_folder(folder, options, BatchOptions(recursive=recursive, jobs=1), Console()) == 0
    said = capsys.readouterr().err.replace("\n", " ")
    assert ("linked folders are passed over" in said) == recursive
    assert ("circle and 1 more" in said) == recursive
    assert sorted(path.name for path in results.iterdir() if path.suffix == ".mp4") == ["a.color.mp4"]
