"""The script that measures all speeds: each file of figures has a study that takes what it is given."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.paths import ROOT


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = importlib.util.spec_from_file_location("measure_speed", ROOT / "scripts" / "measure_speed.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setattr(module.video_speed, "make_source", lambda path, size: path.write_text(f"{size.frames}"))
    return module


def call(script: ModuleType, *words: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["measure_speed.py", *words])
        script.main()


@pytest.fixture
def ran(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(script.subprocess, "run", lambda command, check: commands.append(command))
    return commands


def test_videos_are_made_once(script: ModuleType, ran: list[list[str]], tmp_path: Path) -> None:
    kept = tmp_path / "video" / script.video_speed.SIZES["480p"].file
    for _ in range(2):
        call(script, "--videos", str(tmp_path), "--prepare")
        kept.write_text("kept")
    assert ran == []
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mp4")}
    sizes = {"stage-costs": script.stage_costs.SIZES, "video": script.video_speed.SIZES}
    assert made == {f"{name}/{size.file}" for name, each in sizes.items() for size in each.values()}
    assert kept.read_text() == "kept"


def test_a_video_of_another_size_is_not_taken(
    script: ModuleType, ran: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frames in (96, 12):
        size = dataclasses.replace(script.video_speed.SIZES["480p"], frames=frames)
        monkeypatch.setitem(script.video_speed.SIZES, "480p", size)
        call(script, "--videos", str(tmp_path), "--only", "video", "--prepare")
        assert (tmp_path / "video" / size.file).read_text() == str(frames)


def test_every_command_is_one_that_its_study_takes(script: ModuleType, ran: list[list[str]], tmp_path: Path) -> None:
    call(script, "--videos", str(tmp_path), "--data", str(tmp_path))
    *measured, last = ran
    assert last[-1].endswith("update_docs.py")
    assert [command[2] for command in measured] == [words[0] for words in script.FILES.values()]
    for _, _, module, *words in measured:
        study = importlib.import_module(module if ".studies." in module else f"{module}.cli")
        with pytest.raises(SystemExit) as done:
            study.main([*words, "--help"])  # an option that it does not have comes first
        assert done.value.code == 0, module


def test_steadiness_needs_data(script: ModuleType, ran: list[list[str]], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        call(script, "--videos", str(tmp_path), "--only", "steadiness")
    assert ran == []
