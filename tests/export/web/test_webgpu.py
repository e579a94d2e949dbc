"""WebGPU in the page, through the software adapter of Chromium: the colors are the runtime's, or WASM makes them.

The adapter (SwiftShader) compiles and computes on the processor, so the network sees images of 64 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import BrowserContext, Page
from tests.conftest import write_tiny_model
from tests.export.web.conftest import smaller
from tests.export.web.npm import real_packages
from tests.export.web.static_server import served
from tests.export.web.visits import color, saved, share_as_by_the_runtime, visit
from tests.paths import ROOT
from tests.runtime.live.browser import FLAGS, chromium

from cgan_export.web.site import write_site

pytestmark = pytest.mark.slow

SIZE = 64  # pixels
SOFTWARE_GPU = (
    *(flag for flag in FLAGS if flag != "--disable-gpu"), "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
)  # fmt: skip
PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
PHOTO_SIDE = 200  # pixels; the network sees a square as in the self-test, so that nothing is compiled twice
LEAST_EQUAL = 0.999  # share of the pixels that are as cgan-run makes them
SECONDS = 300  # only a failing test waits so long


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smaller(tmp_path_factory.mktemp("model"), SIZE)


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with chromium(None, SOFTWARE_GPU) as browser:
        context = browser.new_context()
        context.set_default_timeout(1000 * SECONDS)
        yield context


def engine_of(page: Page) -> tuple[str, str]:
    """The engine that the page uses, and what it says of the others."""
    return str(page.evaluate("() => document.documentElement.dataset.ready")), page.evaluate("() => model.dataset.tip")


def test_webgpu_passes_the_self_test_and_gives_the_colors_of_the_runtime(
    context: BrowserContext, model: Path, tmp_path: Path
) -> None:
    write_site(model, tmp_path / "site", engine=real_packages())
    gray = cv2.imread(str(PHOTO), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "cat.png"), gray[:PHOTO_SIDE, :PHOTO_SIDE])
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    with served(tmp_path / "site") as origin:
        visit(page, f"{origin}/?engine=webgpu")
        engine, reason = engine_of(page)
        assert engine == "WebGPU", reason
        assert reason.startswith("WASM takes ")
        color(page, tmp_path / "cat.png")
        assert share_as_by_the_runtime(saved(page, "save-png"), tmp_path / "cat.png", model) > LEAST_EQUAL
    assert complaints == []


def test_wasm_is_taken_where_webgpu_is_emulated_or_gives_other_colors(context: BrowserContext, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(write_tiny_model(tmp_path / "tiny.onnx"), site, engine=real_packages())
    script = site / "engine.js"
    script.write_text(script.read_text("utf-8").replace("const TOLERANCE = 0.02", "const TOLERANCE = -1"), "utf-8")
    page = context.new_page()
    with served(site) as origin:
        visit(page, origin)
        assert engine_of(page) == ("WASM", "WebGPU is only emulated here.")
        visit(page, f"{origin}/?engine=webgpu")
        assert engine_of(page) == ("WASM", "WebGPU gives wrong colors here, 0 of 110 off.")
