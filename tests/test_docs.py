"""What the documentation claims: commands, names, paths and links exist, and `make` does as it says."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from tests.paths import ROOT

from cgan_runtime.backends.registry import BACKENDS
from cgan_runtime.files.formats import IMAGES, VIDEOS, WRITTEN_VIDEOS
from cgan_runtime.manifest import Manifest
from cgan_runtime.video.write.codecs import ENCODERS

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "samples/*.md", "examples/*.md", "*/cgan_*/**/*.md")
    for page in ROOT.glob(pattern)
)
DOCS = ROOT / "docs"
LOGS = {DOCS / "experiments.md", ROOT / "CHANGELOG.md"}
"""Pages about the past: what they name may be gone."""
COLUMNS = 120
"""Of a line of prose."""
README_LINES = 120
PUBLIC = ("cgan_runtime", "cgan_train", "cgan_export")
"""The packages that people import."""
COMMANDS = ("cgan-run", "cgan-doctor", "cgan-train", "cgan-export", "cgan-bench")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FIRST_CELL = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
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


def test_options_in_prose_exist() -> None:
    known = set()
    for command in COMMANDS:
        subcommands = re.findall(r"^  ([a-z]+) ", help_of(command).partition("\nCommands:")[2], re.MULTILINE)
        for words in ([], *([name] for name in subcommands)):
            known |= set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", help_of(command, *words)))
    for page in set(PAGES) - LOGS:
        for code in CODE.findall(page.read_text(encoding="utf-8")):
            if code.startswith("--") and "`" not in code:
                assert code.split()[0].split("=")[0].rstrip(",") in known, f"{page.name} says {code}"


def test_tables_are_those_of_the_result_files_and_of_the_code() -> None:
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


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page that are neither code nor tables, with their numbers."""
    code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = line.lstrip().startswith("```")
        code ^= fence
        if not code and not fence and not line.lstrip().startswith("|"):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_lines_of_prose_are_short(page: Path) -> None:
    assert [number for number, line in prose(page) if len(line) > COLUMNS] == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_every_image_is_shown() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", link)
    }
    assert set((DOCS / "images").iterdir()) - shown == set()


@pytest.mark.parametrize("page", sorted(set(PAGES) - LOGS), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_paths_and_python_in_pages_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    packages = [*ROOT.glob("*/cgan_*")]
    roots = [ROOT, *packages, *(package.parent for package in packages)]
    for code in CODE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)+\.(py|md|js|html|cpp|c)", code):
            assert any((root / code).is_file() for root in roots), f"{page.name} names {code}"
    for module in re.findall(r"python -m (cgan_[\w.]+)", text):
        assert importlib.util.find_spec(module), f"{page.name} runs {module}"
    for block in PYTHON.findall(text):
        compile(block, page.name, "exec")
        for module, names in re.findall(r"^from (cgan_[\w.]+) import (.+)$", block, re.MULTILINE):
            for name in names.split(", "):
                assert hasattr(importlib.import_module(module), name), f"{page.name} imports {name}"


def test_the_error_without_tensorrt_names_a_row_of_the_table() -> None:
    """Where TensorRT is missing, the advice is the row for this machine."""
    row, title = re.findall(r"row '([^']+)' of '([^']+)' in docs/how-to/deploy.md", BACKENDS["tensorrt"].install)[0]
    chapter = (DOCS / "how-to" / "deploy.md").read_text(encoding="utf-8").partition(f"\n## {title}\n")[2]
    assert f"\n| {row} |" in chapter.partition("\n## ")[0]


def test_map_names_every_folder() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    chapter = text.partition("\n## The map\n")[2].partition("\n## ")[0]
    named = FIRST_CELL.findall(chapter)
    assert [path for path in named if not (ROOT / path).exists()] == []
    folders = {
        f"{path.parent.relative_to(ROOT).as_posix()}/"
        for package in ROOT.glob("*/cgan_*")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert folders - set(named) == set()


def test_where_to_go_answers_for_each_task() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    tasks = re.split(r"^### .*\n", text.partition("\n## Where to go\n")[2].partition("\n## ")[0], flags=re.MULTILINE)
    assert len(tasks[1:]) == 8
    for task in tasks[1:]:
        paths = [code for code in CODE.findall(task) if "/" in code]
        assert paths
        assert [path for path in paths if not (ROOT / path).exists()] == []


def test_messages_in_pages_are_those_of_the_code() -> None:
    text = (DOCS / "how-to" / "deploy.md").read_text(encoding="utf-8")
    messages = FIRST_CELL.findall(text.partition("## When cgan refuses a file")[2])
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/cgan_*/**/*.py"))
    assert messages
    assert [message for message in messages if message not in code] == []


def test_reference_names_every_format() -> None:
    text = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    known = IMAGES | VIDEOS | set(WRITTEN_VIDEOS) | set(ENCODERS)
    assert known - set(CODE.findall(text)) == set()


def test_reference_names_every_field_of_the_manifest() -> None:
    text = (DOCS / "reference" / "manifest.md").read_text(encoding="utf-8")
    assert {field.name for field in dataclasses.fields(Manifest)} - set(CODE.findall(text)) == set()


def documented_api() -> dict[str, str]:
    """The names that docs/api.md has a heading for, each with the signature below it, or with nothing."""
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    found = re.findall(r"^#+ `([A-Za-z_.]+)`\n(?:\n```py\n\1(\(.*?\))\n```)?", text, re.MULTILINE | re.DOTALL)
    return {name: re.sub(r",? \)", ")", " ".join(signature.split())).replace("( ", "(") for name, signature in found}


@pytest.mark.parametrize("package", PUBLIC)
def test_api_page_names_all_that_is_public(package: str) -> None:
    names = set(importlib.import_module(package).__all__) - {"__version__"}
    assert names - {name.rpartition(".")[2] for name in documented_api()} == set()


def plain_signature(function: object) -> str:
    """A signature without types and without self, `(array, *, size=None)`; objects as defaults are `...`."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    plain = (str, int, float, tuple, type(None))
    parameters = [
        parameter.replace(
            annotation=inspect.Parameter.empty,
            default=parameter.default
            if isinstance(parameter.default, plain) or parameter.default is inspect.Parameter.empty
            else ...,
        )
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    text = str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    return text.replace("Ellipsis", "...").replace("'", '"')


def test_api_page_has_the_signatures_of_the_code() -> None:
    for name, signature in documented_api().items():
        found = next(
            (
                functools.reduce(getattr, name.split("."), importlib.import_module(package))
                for package in PUBLIC
                if name.split(".")[0] in importlib.import_module(package).__all__
            ),
            None,
        )
        assert found is not None, f"docs/api.md documents {name}, which is not public"
        if signature:
            assert signature == plain_signature(found), name


def test_api_page_names_every_field() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for package in PUBLIC:
        module = importlib.import_module(package)
        for name in module.__all__:
            if dataclasses.is_dataclass(kind := getattr(module, name)):
                chapter = re.split(rf"^#+ `{name}`$", text, maxsplit=1, flags=re.MULTILINE)[1]
                fields = FIRST_CELL.findall(re.split(r"^#", chapter, maxsplit=1, flags=re.MULTILINE)[0])
                assert fields == [field.name for field in dataclasses.fields(kind)], name


class Requests(HTMLParser):
    """Collects what a browser would fetch from other machines to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at everything but links that a reader clicks."""
        if tag != "a":
            fetched = ("src", "srcset", "href", "data", "poster")
            self.found += [v for k, v in attrs if k in fetched and re.match(r"(https?:)?//", v or "")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation site, built from a copy of the pages; a warning fails the build."""
    pytest.importorskip("zensical", reason="the documentation site needs Python 3.11 or newer")
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(DOCS, folder / "docs")
    plain = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    plain["NO_COLOR"] = "1"
    command = [Path(sys.executable).with_name("zensical"), "build", "--strict"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | plain)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "site"


def test_site_has_every_page(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS)).with_suffix(".html").is_file()


def test_site_asks_no_other_machine(site: Path) -> None:
    for page in site.rglob("*.html"):
        requests = Requests()
        requests.feed(page.read_text(encoding="utf-8"))
        assert requests.found == [], page.name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import )\s*[\"']?(https?:)?//", text), sheet.name


def test_navigation_leads_to_every_page() -> None:
    entries = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    def pages(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict | list):
            for inner in entry.values() if isinstance(entry, dict) else entry:
                yield from pages(inner)

    listed = list(pages(entries))
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


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
    return subprocess.run(["make", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@needs_make
@pytest.mark.parametrize(
    ("words", "video", "out"),
    [
        ([], "samples/sample.mp4", "out"),
        (["VIDEO=my videos.old/a $b 'c'.mkv"], "my videos.old/a $b 'c'.mkv", "out"),
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
