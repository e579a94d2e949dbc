"""A small checkpoint and its exports, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkpoints import SHALLOW, write_checkpoint

from cgan_benchmarks.speed.subjects.exported_forms import export_forms


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("bench") / "checkpoint", SHALLOW)


@pytest.fixture(scope="session")
def exported(checkpoint: Path) -> dict[str, Path]:
    folder = checkpoint.parent / "exported"
    return export_forms(checkpoint, folder, ("--all", "--int8"))
