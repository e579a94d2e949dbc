"""What the documentation claims: commands parse, links lead somewhere, `make` does as it says."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.paths import ROOT

from cgan_runtime.files.formats import VIDEOS, WRITTEN_VIDEOS

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "samples/*.md", "*/cgan_*/**/*.md")
    for page in ROOT.glob(pattern)
)
COMMANDS = ("cgan-run", "cgan-train", "cgan-export", "cgan-bench")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def shell_lines(page: Path) -> Iterator[list[str]]:
    """Every command in the shell blocks of a page, split into words, comments left out."""
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line.removeprefix("$ "), comments=True):
                yield words


def documented(program: str) -> list[list[str]]:
    """Every documented call of a program, README first to last page."""
    return [words for page in PAGES for words in shell_lines(page) if words[0] == program]


@functools.cache
def help_of(command: str, *subcommand: str) -> str:
    """What `--help` prints; wide, so that no option is broken in two."""
    program = Path(sys.executable).with_name(command)
    environment = os.environ | {"COLUMNS": "200"}
    result = subprocess.run(
        [program, *subcommand, "--help"], capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def slug(heading: str) -> str:
    """The anchor that a Markdown viewer gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_options_exist(command: str) -> None:
    calls = documented(command)
    assert calls, f"no page shows {command}"
    for words in calls:
        is_sub = len(words) > 1 and f"\n  {words[1]} " in help_of(command).partition("\nCommands:")[2]
        known = re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", help_of(command, *words[1 : 1 + is_sub]))
        used = {word.split("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
        assert used - set(known) == set(), words


def test_measured_figures_are_those_of_the_result_files() -> None:
    command = [sys.executable, ROOT / "scripts" / "update_docs.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@needs_make
def test_documented_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    used = {word for words in documented("make") for word in words[1:] if "=" not in word}
    assert {"run", "test"} <= used
    assert used - targets == set()
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE)) == targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name} links to {link}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, and a run environment in which `cgan-run` only prints what it is given."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv-run" / "bin"
    programs.mkdir(parents=True)
    (programs / "cgan-run").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (programs / "cgan-run").chmod(0o755)
    (tmp_path / ".venv-run" / ".installed").touch()
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make without what an outer make passes on."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "VIDEO", "OUT")}
    return subprocess.run(
        ["make", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@needs_make
@pytest.mark.parametrize(
    ("words", "video", "out"),
    [
        ([], "samples/sample.mp4", "out/sample.color.mp4"),
        (["VIDEO=my videos.old/a $b 'c'.mkv"], "my videos.old/a $b 'c'.mkv", "out/a $b 'c'.color.mkv"),
        (["VIDEO=/tmp/IMG.MOV"], "/tmp/IMG.MOV", "out/IMG.color.MOV"),
        (["VIDEO=/tmp/old.mpg"], "/tmp/old.mpg", "out/old.color.mpg.mkv"),
        (["VIDEO=/tmp/in.mp4", "OUT=there/my $out.mp4"], "/tmp/in.mp4", "there/my $out.mp4"),
    ],
)
def test_make_run_takes_names_as_they_are(checkout: Path, words: list[str], video: str, out: str) -> None:
    result = make(checkout, "run", *words)
    assert result.returncode == 0, result.stderr
    arguments = result.stdout.splitlines()
    assert arguments[arguments.index("--video") + 1] == video
    assert arguments[arguments.index("-o") + 1] == out
    assert "--overwrite" in arguments


@needs_make
@pytest.mark.parametrize("suffix", sorted(VIDEOS))
def test_make_run_keeps_a_container_that_can_be_written(checkout: Path, suffix: str) -> None:
    result = suffix if suffix in WRITTEN_VIDEOS else f"{suffix}.mkv"
    assert f"out/in.color{result}" in make(checkout, "run", f"VIDEO=in{suffix}").stdout.splitlines()


@needs_make
@pytest.mark.parametrize("target", ["run", "test"])
def test_make_refuses_an_old_python(checkout: Path, target: str) -> None:
    old = checkout / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (checkout / ".venv-run" / ".installed").unlink()
    result = make(checkout, target, f"PYTHON={old}")
    assert result.returncode != 0
    first = result.stderr.splitlines()[0]
    assert first.startswith("error: ")
    assert "3.10" in first
    assert not (checkout / ".venv").exists()
