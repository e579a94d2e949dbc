"""What people and programs get to see of findings."""

from __future__ import annotations

import json
import shlex

import pytest

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding
from cgan_runtime.doctor.screen import print_commands, print_json, print_screen

GOOD = Finding("System", "Python", OK, "3.12 on a machine", figures={"python": "3.12"})
ABSENT = Finding("Live", "Virtual camera", MISSING, "none", "Load the module.", ("sudo modprobe v4l2loopback",))
BROKEN = Finding("Live", "Web page", PROBLEM, "cannot be loaded " + "because " * 12, "Install it again.", ("pip x",))


@pytest.mark.parametrize("columns", [50, 80])
def test_the_screen_fits(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    print_screen([GOOD, ABSENT, BROKEN])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[0] == "System"
    assert "\u2713 Python         3.12 on a machine" in [line.rstrip() for line in lines]
    assert sum("Install it again." in line for line in lines) == 1
    assert not any("Load the module." in line for line in lines)
    assert "To mend: Web page. cgan-doctor --fix" in " ".join(line.strip() for line in lines[-3:])


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    print_screen([GOOD])
    assert capsys.readouterr().out.splitlines()[-1].strip() == "All that cgan-run needs works here."


def test_what_is_missing_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    print_screen([GOOD, ABSENT])
    told = " ".join(capsys.readouterr().out.split())
    assert "All that cgan-run needs works here. Few people need what is marked \u00b7, which is missing." in told


def test_commands_are_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    print_commands([GOOD, ABSENT, BROKEN])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "# Web page: Install it again.", "pip x", "# Virtual camera: Load the module.", "sudo modprobe v4l2loopback",
    ]  # fmt: skip
    assert [shlex.split(line, comments=True) for line in lines[::2]] == [[], []]


def test_nothing_to_do_is_a_comment(capsys: pytest.CaptureFixture[str]) -> None:
    print_commands([GOOD])
    assert capsys.readouterr().out.startswith("# There is nothing")


def test_json_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([GOOD, ABSENT, BROKEN])
    document = json.loads(capsys.readouterr().out)
    assert (document["format"], document["format_version"]) == ("cgan-doctor", 1)
    assert [Finding.from_json(each) for each in document["findings"]] == [GOOD, ABSENT, BROKEN]
