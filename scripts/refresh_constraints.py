"""Raises every pin of constraints.txt to the newest release that fits, in one command.

python scripts/refresh_constraints.py                    # needs uv: pip install uv
python scripts/refresh_constraints.py --keep torch --keep ruff
git diff constraints.txt && make test

uv resolves what `dev` brings twice: for Python 3.11, whose releases all newer Pythons have too, and for 3.10,
which gets the newest ones that still support it. Order and comments stay. What is new goes to the end of the file.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
KEPT = ("torch",)
"""The release of PyTorch is chosen by hand: exports and tests are made with it."""

_OLD, _NEW = "3.10", "3.11"
_EXTRAS = ("dev", "virtual-camera")
_BESIDE = ("pip",)  # pinned, but needed by nothing
_ACCELERATOR = ("nvidia-", "cuda-", "triton")  # of PyTorch's builds for CUDA, which pins them itself
_PIN = re.compile(r"([\w.-]+)==([\w.]+)(?:\s*;\s*python_version (>=|<) \"3\.11\")?$")

Versions = Mapping[str, str]


def resolve(python: str, kept: Sequence[str], before: str) -> Versions:
    """The newest versions that fit together on a Python, by name; the program ends where uv finds none."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        sys.exit("error: uv is not installed; run: pip install uv")
    wanted = [f"{name}=={version}" for name, version, which in pins(before) if name in kept and holds(which, python)]
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", python]
    command += [*(word for extra in _EXTRAS for word in ("--extra", extra)), str(ROOT / "pyproject.toml"), "-"]
    done = subprocess.run(command, input="\n".join([*wanted, *_BESIDE]), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: uv found no versions for Python {python}: {' '.join(done.stderr.split())}")
    found = (line.partition(";")[0].strip().split("==") for line in done.stdout.splitlines() if "==" in line)
    return {name: version for name, version in found if not name.startswith(_ACCELERATOR)}


def pins(text: str) -> Iterator[tuple[str, str, str | None]]:
    """Name, version and the side of 3.11 (`>=`, `<`, or None) of each pin."""
    for line in text.splitlines():
        if found := _PIN.match(line):
            yield found[1], found[2], found[3]


def holds(which: str | None, python: str) -> bool:
    """Whether a pin of this side of 3.11 counts for a Python."""
    return which is None or (which == ">=") == (python != _OLD)


def refreshed(before: str, old: Versions, new: Versions) -> str:
    """The file's text with other versions; `old` are those for Python 3.10, `new` those for all others."""
    lines, done = [], set[str]()
    for line in before.splitlines():
        found = _PIN.match(line)
        if found is None:
            lines.append(line)
        elif (name := canonical(found[1])) not in done:
            done.add(name)
            lines += lines_of(found[1], old.get(name), new.get(name))
    fresh = sorted((old.keys() | new.keys()) - done)
    if fresh:
        lines += ["", "# New"]
    for name in fresh:
        lines += lines_of(name, old.get(name), new.get(name))
    return "\n".join(lines) + "\n"


def canonical(name: str) -> str:
    """A package's name as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lines_of(name: str, old: str | None, new: str | None) -> list[str]:
    """The lines of a package: none where nothing needs it any more, two where Python 3.10 gets another version."""
    if old == new:
        return [f"{name}=={new}"] if new else []
    lines = [f'{name}=={new}; python_version >= "3.11"'] if new else []
    return lines + ([f'{name}=={old}; python_version < "3.11"'] if old else [])


def main() -> None:
    """Resolve, write, and say what changed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", action="append", default=list(KEPT), help="a package whose pin stays as it is")
    kept = parser.parse_args().keep
    before = PINS.read_text(encoding="utf-8")
    after = refreshed(before, resolve(_OLD, kept, before), resolve(_NEW, kept, before))
    PINS.write_text(after, encoding="utf-8")
    changed = set(after.splitlines()) - set(before.splitlines())
    print("\n".join(sorted(changed)) or "all pins are those of the newest releases already")


if __name__ == "__main__":
    main()
