"""What was found about one thing on this machine, and the commands that install packages into this environment."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OK, MISSING, PROBLEM = "ok", "missing", "problem"


@dataclass(frozen=True)
class Finding:
    """What was found about one thing.

    Attributes:
        group: The heading that it stands under.
        name: What it is about.
        state: "ok"; "missing", which does no harm; or "problem", which is broken.
        text: What was found.
        advice: What to do; empty where there is nothing to do.
        commands: Command lines that do it.
        figures: What programs may want to read: versions, milliseconds, bytes.
    """

    group: str
    name: str
    state: str
    text: str
    advice: str = ""
    commands: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Finding:
        """The finding that `to_json` was called on."""
        return cls(**values | {"commands": tuple(values["commands"])})


def install(*packages: str) -> str:
    """The command that installs packages into the environment that this Python belongs to."""
    if "pipx" in Path(sys.prefix).parts:
        return command_line("pipx", "inject", "cgan", *packages)
    if find_spec("pip") is None:  # uv makes environments without it
        return command_line("uv", "pip", "install", "--python", sys.executable, *packages)
    return command_line(sys.executable, "-m", "pip", "install", *packages)


def reinstall(package: str) -> str:
    """The command that installs a package again, over files of another one that has the same modules."""
    again = ("--no-deps", package)
    if "pipx" in Path(sys.prefix).parts:
        return command_line("pipx", "runpip", "cgan", "install", "--force-reinstall", *again)
    return install("--reinstall" if find_spec("pip") is None else "--force-reinstall", *again)


def install_extra(extra: str) -> str:
    """The command that installs what an extra of cgan brings, in the versions that cgan takes."""
    lines = (line.partition(";") for line in metadata.requires("cgan") or ())
    return install(*(name.strip() for name, _, when in lines if re.search(rf"extra == ['\"]{extra}['\"]", when)))


def version_of(*distributions: str) -> str | None:
    """The version of the first of these distributions that is installed, or None."""
    for name in distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def command_line(*words: str) -> str:
    """Words as a line for this system's shell."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
