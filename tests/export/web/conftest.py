"""The site with the model that ships, which the tests of several browsers visit."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.export.web.npm import real_packages

from cgan_export.web.site import write_site
from cgan_runtime.models import bundled_model


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that cgan-export writes, with the real engine."""
    folder = tmp_path_factory.mktemp("web") / "site"
    write_site(bundled_model(), folder, engine=real_packages())
    return folder
