"""`cgan-doctor` as people call it, with the findings of another machine."""

from __future__ import annotations

import json

import pytest

from cgan_runtime.doctor import cli, examine
from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding

GOOD, ABSENT = Finding("A", "one", OK, "works"), Finding("A", "two", MISSING, "absent", "Add it.", ("add two",))


def run(monkeypatch: pytest.MonkeyPatch, findings: list[Finding], *arguments: str) -> int:
    monkeypatch.setattr(examine, "examine", lambda _report: findings)
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return int(left.value.code or 0)


def test_what_is_missing_is_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, [GOOD, ABSENT]) == 0
    assert "All that cgan-run needs works here." in capsys.readouterr().out


def test_a_problem_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, [GOOD, Finding("A", "two", PROBLEM, "broken")]) == 1


def test_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, [GOOD, ABSENT], "--fix") == 0
    assert capsys.readouterr().out == "# two: Add it.\nadd two\n"


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, [GOOD, ABSENT], "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 2


def test_only_one_form_at_a_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, [GOOD], "--json", "--fix") == 2
    assert capsys.readouterr().err.startswith("error: --json holds the commands too")
