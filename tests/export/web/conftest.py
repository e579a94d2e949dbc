"""The site with the model that ships, which the tests of several browsers visit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.export.web.npm import real_packages

from cgan_export.web.site import write_site
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

SIZE = 128  # pixels: a quarter of the time


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that ships, which sees images smaller."""
    return smaller(tmp_path_factory.mktemp("model"), SIZE)


def smaller(folder: Path, size: int) -> Path:
    """A copy of the model that ships, which sees images of this size."""
    path = folder / "edge.onnx"
    shutil.copy(bundled_model(), path)
    manifest = json.loads(Manifest.path_for(bundled_model()).read_text("utf-8"))
    Manifest.path_for(path).write_text(json.dumps(manifest | {"size": size}), "utf-8")
    return path


@pytest.fixture(scope="session")
def site(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that cgan-export writes, with the real engine."""
    folder = tmp_path_factory.mktemp("web") / "site"
    write_site(model, folder, engine=real_packages())
    return folder
