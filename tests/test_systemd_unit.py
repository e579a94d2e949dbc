"""The files for systemd: its own linter takes them, and the settings are options of cgan-run."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.paths import ROOT

from cgan_runtime.cli import main
from cgan_runtime.options.config import read_config

PACKAGING = ROOT / "packaging"


def test_systemd_takes_the_unit_and_the_socket(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    for unit in ("cgan.service", "cgan.socket"):
        text = (PACKAGING / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(re.sub(r"/opt/cgan/bin/cgan-run", sys.executable, text), encoding="utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_settings_are_options() -> None:
    command = inspect.getclosurevars(main).nonlocals["command"]
    assert isinstance(command, click.Command)
    found = read_config(PACKAGING / "cgan.toml", click.Context(command))
    assert found["serve"] == "127.0.0.1:8000"
    assert len(found["webcam"]) == 2
    commented = re.findall(r"^# ([a-z-]+ = .*)$", (PACKAGING / "cgan.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commented) >= 4
    for line in commented:  # what one may switch on works, too
        key = line.partition(" =")[0]
        assert any(f"--{key}" in option.opts for option in command.params), line
