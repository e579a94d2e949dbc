"""The commands that install into this environment, whatever made it."""

from __future__ import annotations

import sys

import pytest

from cgan_runtime.doctor import finding
from cgan_runtime.doctor.finding import install, install_extra, reinstall, version_of


def test_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/with space/python")
    monkeypatch.setattr(sys, "platform", "linux")
    assert install("a>=1") == "'/with space/python' -m pip install 'a>=1'"


def test_windows_has_quotes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", r"C:\my python\python.exe")
    monkeypatch.setattr(sys, "platform", "win32")
    assert install("a") == r'"C:\my python\python.exe" -m pip install a'


def test_pipx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/home/me/.local/share/pipx/venvs/cgan")
    assert install("a") == "pipx inject cgan a"
    assert reinstall("a") == "pipx runpip cgan install --force-reinstall --no-deps a"


def test_an_environment_without_pip_was_made_by_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "find_spec", lambda _name: None)
    assert install("a").startswith("uv pip install --python ")
    assert reinstall("a").endswith(" --reinstall --no-deps a")


def test_an_extra_is_installed_in_the_versions_that_cgan_takes() -> None:
    command = install_extra("live")
    assert "'aiohttp>=" in command
    assert "'segno>=" in command
    assert "torch" not in command


def test_version_of_the_first_that_is_installed() -> None:
    assert version_of("no-such-thing", "click") is not None
    assert version_of("no-such-thing") is None
