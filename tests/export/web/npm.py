"""The npm packages of the page, for tests: the real ones where they are at hand, or stand-ins."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from tests.paths import ROOT

from cgan_export.web import engine
from cgan_export.web.engine import Package, packages
from cgan_runtime.errors import ConfigError

FETCHED = ROOT / ".cache" / "npm"
"""Where `.ci/run` has put the real packages."""


def real_packages() -> Path | None:
    """The folder for `engine`, None for the user's cache; skips the test where the packages cannot be had."""
    if all((FETCHED / package.file).is_file() for package in packages()):
        return FETCHED
    try:
        engine.engine_files()
    except ConfigError as error:
        pytest.skip(f"the page's engine is not here: {error}")
    return None


def stand_ins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    """Write small packages with files of the right names into a folder, and let the lock file name them."""
    folder.mkdir(exist_ok=True)
    made = []
    for name, members in engine._FILES.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for member in members:
                info = tarfile.TarInfo(f"package/{member}")
                info.size = len(member)
                archive.addfile(info, io.BytesIO(member.encode()))
        content = buffer.getvalue()
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        made.append(Package(name, "1.2.3", f"sha512-{digest}"))
        (folder / made[-1].file).write_bytes(content)
    monkeypatch.setattr(engine, "packages", lambda: made)
    return made
