"""Probes in processes of their own: what crashes, fails or hangs becomes a finding; the whole of one machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cgan_runtime.backends.registry import BACKENDS
from cgan_runtime.doctor import examine
from cgan_runtime.doctor.examine import PROBES, Probe, run_probe
from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding

FOUND = f"print({json.dumps(Finding('G', 'first', 'ok', 't').to_json())!r}, flush=True)"


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str, seconds: float = 30) -> list[Finding]:
    (folder / "stand_in.py").write_text(f"{FOUND}\n{code}")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(examine, "MODULE", "stand_in")
    return list(run_probe(Probe("kind:thing", "a thing", "Group", seconds)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_crash_is_told_and_keeps_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, crash = run(monkeypatch, tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    assert first == Finding("G", "first", OK, "t")
    assert (crash.group, crash.name, crash.state) == ("Group", "thing", PROBLEM)
    assert crash.text == "crashed (SIGILL)"


def test_an_unexpected_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, failure = run(monkeypatch, tmp_path, "raise KeyError('strange')")
    assert failure.state == PROBLEM
    assert failure.text.endswith("KeyError: 'strange')")


def test_a_hang_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, hang = run(monkeypatch, tmp_path, "import time; time.sleep(60)", seconds=0.5)
    assert (hang.state, hang.text) == (PROBLEM, "gave no answer within 0.5 s")


def test_other_lines_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(run(monkeypatch, tmp_path, "print('a library says'); print('{}'); print('3')")) == 1


def test_a_library_that_cannot_be_loaded_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Finding("System", "opencv-python", PROBLEM, "cannot be loaded", figures={"loads": False})
    titles: list[str] = []
    monkeypatch.setattr(examine, "run_probe", lambda _probe: iter([broken]))
    assert examine.examine(titles.append)[-1] == broken
    assert titles == ["libraries"]


def test_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every probe is run, and no back end at all is a problem."""
    titles: list[str] = []
    answers = {"backend:openvino": Finding("Back ends", "openvino", MISSING, "not installed")}
    monkeypatch.setattr(
        examine, "run_probe", lambda probe: iter([answers[probe.name]] if probe.name in answers else [])
    )
    found = examine.examine(titles.append)
    assert titles == [probe.title for probe in PROBES]
    assert {f"backend:{name}" for name in BACKENDS} < {probe.name for probe in PROBES}
    assert found[-1].state == PROBLEM
    assert (found[-1].name, found[-1].text) == ("Back end", "none works, so nothing can be colored")
    assert "onnxruntime runs everywhere" in found[-1].advice
    groups = [finding.group for finding in found]
    assert groups == sorted(groups, key=groups.index)
