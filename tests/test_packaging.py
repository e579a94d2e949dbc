"""What is built and passed on: the same wheel from anywhere, all sources, licenses, pins, completions, workflows."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from tests.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def script(name: str) -> ModuleType:
    """A script of the folder `scripts`, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def build(kind: str, source: Path, target: Path, umask: int) -> Path:
    """Build the wheel or the sdist of a folder, with other rights for new files."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(
        command, cwd=source, capture_output=True, text=True, check=False, env=os.environ | {"TZ": "Asia/Tokyo"},
        umask=umask,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = target.iterdir()
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_the_sdist_is_complete_and_builds_the_same_wheel(tmp_path: Path) -> None:
    """Two builds, in different places by different people, give the same bytes."""
    sdist = build("sdist", ROOT, tmp_path / "sdist", 0o022)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    tracked = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    assert tracked - names == set()
    assert {"pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "tests/conftest.py"} <= names
    wheels = [build("wheel", ROOT, tmp_path / "a", 0o022), build("wheel", source, tmp_path / "b", 0o077)]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def test_somebody_has_looked_at_every_license() -> None:
    licenses = script("licenses")
    packages = list(licenses.installed())
    assert {"av", "numpy", "click"} <= {package.name for package in packages}
    assert [package for package in packages if not package.is_allowed] == []
    bill = licenses.bill_of_materials(packages)
    assert bill["bomFormat"] == "CycloneDX"
    assert any("GPL" in each.get("description", "") for each in bill["components"] if each["name"] == "av")


@pytest.mark.parametrize(
    ("license_name", "allowed"),
    [("MIT", True), ("Apache-2.0 WITH LLVM-exception OR (MIT AND BSD-3-Clause)", True), ("GPL-3.0-only", False),
     ("MIT AND GPL-2.0-or-later", False), ("", False), ("UNKNOWN", False)],
)  # fmt: skip
def test_a_new_license_is_told(license_name: str, allowed: bool) -> None:
    assert script("licenses").Package("some", "1", license_name).is_allowed is allowed


def test_pins_are_refreshed_in_their_places() -> None:
    refresh = script("refresh_constraints")
    before = (
        '# Edge\nav==1; python_version >= "3.11"\nav==0; python_version < "3.11"\nclick==8\ngone==1\n\n'
        "# Other\nTorch_X==1\n"
    )
    old, new = {"av": "2", "click": "8", "torch-x": "2"}, {"av": "3", "click": "9", "torch-x": "2", "z": "1"}
    after = refresh.refreshed(before, old, new)
    assert after == (
        '# Edge\nav==3; python_version >= "3.11"\nav==2; python_version < "3.11"\n'
        'click==9; python_version >= "3.11"\nclick==8; python_version < "3.11"\n\n# Other\nTorch_X==2\n'
        '\n# New\nz==1; python_version >= "3.11"\n'
    )
    assert refresh.refreshed(after, old, new) == after


@pytest.mark.parametrize("command", ["cgan-run", "cgan-doctor"])
def test_shells_complete_commands(command: str) -> None:
    program = Path(sys.executable).with_name(command)
    variable = f"_{command.upper().replace('-', '_')}_COMPLETE"
    asked = {variable: "bash_complete", "COMP_WORDS": f"{command} --js", "COMP_CWORD": "1"}
    done = subprocess.run([program], capture_output=True, text=True, check=False, env=os.environ | asked)
    assert ("plain,--json" in done.stdout) == (command == "cgan-doctor"), done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_is_here(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    for path in re.findall(r"(?:bash|python) ((?:\.ci|scripts|docker)/[\w./-]+)", text):
        assert (ROOT / path).is_file(), f"{workflow.name} runs {path}"
    assert "permissions:" in text


def test_dockerfiles_copy_what_is_here() -> None:
    for path in (ROOT / "Dockerfile", *(ROOT / "docker").glob("*.Dockerfile")):
        for line in re.findall(r"^COPY (?!--from)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            *sources, _ = [word for word in line.split() if not word.startswith("--")]
            assert [name for name in sources if not (ROOT / name).exists()] == [], path.name


def test_the_citation_has_the_version() -> None:
    versions = [
        re.search(r"^version(?: =|:) \"?([\d.]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("pyproject.toml", "CITATION.cff")
    ]
    assert len({found[1] for found in versions if found}) == 1
    assert all(versions)
