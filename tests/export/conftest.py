"""Checkpoints and their exports, made once: tracing a generator takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkpoints import EDGE, PAPER, SEED, write_checkpoint

from cgan_export.export import Exported, Plan, export_checkpoint
from cgan_export.precision import FORMS
from cgan_train.checkpoint import load_checkpoint
from cgan_train.config import GeneratorConfig
from cgan_train.data.bundled import comparison_photos

ALL_FORMS = Plan(forms=tuple(FORMS.values()))


def export_all(folder: Path, config: GeneratorConfig) -> list[Exported]:
    checkpoint = load_checkpoint(write_checkpoint(folder / "checkpoint", config))
    pictures = comparison_photos()
    return export_checkpoint(checkpoint, folder / "out", ALL_FORMS, pictures=pictures, source="8 bundled")


@pytest.fixture(scope="session")
def paper_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("paper") / "checkpoint", PAPER)


@pytest.fixture(scope="session")
def seed_exports(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    return export_all(tmp_path_factory.mktemp("seed"), SEED)


@pytest.fixture(scope="session")
def paper_exports(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    return export_all(tmp_path_factory.mktemp("paper"), PAPER)


@pytest.fixture(scope="session")
def edge_exports(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    return export_all(tmp_path_factory.mktemp("edge"), EDGE)
