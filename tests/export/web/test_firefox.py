"""The page in real Firefox, served by Python's plain server: photo, camera, video, offline, and no foreign request."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import pytest
from tests.export.web.firefox import FirefoxPage, firefox
from tests.export.web.static_server import served
from tests.export.web.visits import color, said, saved, share_as_by_the_runtime, sound_of, visit
from tests.paths import ROOT
from tests.runtime.live.browser import COLOR_OF_CANVAS
from tests.videos import Video, write_video

pytestmark = pytest.mark.slow

PHOTO, PHOTO_SIZE = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg", (301, 200)
FRAMES = 8
LEAST_EQUAL = 0.999  # share of the pixels that are as cgan-run makes them
LEAST_COLOR, MOST_GRAY = 3, 1  # mean distance from gray, in RGB codes
SET_STRENGTH = """(value) => {
  const input = document.getElementById("strength");
  input.value = value;
  for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind));
}"""


@dataclass
class Visit:
    """One visitor of the site in Firefox, and its server, which a test may stop."""

    page: FirefoxPage
    origin: str
    server: ExitStack


@pytest.fixture(scope="module")
def visitor(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with firefox(tmp_path_factory.mktemp("firefox")) as page, ExitStack() as server:
        origin = server.enter_context(served(site))
        visit(page, origin)
        yield Visit(page, origin, server)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small gray photo."""
    gray = cv2.resize(cv2.imread(str(PHOTO), cv2.IMREAD_GRAYSCALE), PHOTO_SIZE, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "cat.png"), gray)
    return tmp_path / "cat.png"


def test_the_engine_says_what_it_is_and_has_threads(visitor: Visit) -> None:
    assert visitor.page.evaluate("() => crossOriginIsolated")  # by the service worker, for the server sends no headers
    assert "edge · WASM" in visitor.page.evaluate("() => document.getElementById('model').textContent")
    assert "WebGPU" in visitor.page.evaluate("() => document.getElementById('model').dataset.tip")


def test_a_photo_is_colored_as_by_the_runtime(visitor: Visit, photo: Path, model: Path) -> None:
    color(visitor.page, photo)
    assert share_as_by_the_runtime(saved(visitor.page, "save-png"), photo, model) > LEAST_EQUAL
    visitor.page.wait_for_function("() => document.activeElement.id === 'save-jpeg'")  # where a keyboard goes on


def test_the_camera_is_shown_in_color(visitor: Visit) -> None:
    page = visitor.page
    page.evaluate("() => document.querySelector('input[value=camera]').click()")
    page.evaluate("() => document.getElementById('start').click()")
    page.wait_for_function("() => parseFloat(document.getElementById('predictions').textContent) > 0")
    page.wait_for_function(f"() => ({COLOR_OF_CANVAS})() > {LEAST_COLOR}")
    page.evaluate(SET_STRENGTH, 0)  # the camera of Firefox has colors of its own, which are not what is seen
    page.wait_for_function(f"() => ({COLOR_OF_CANVAS})() < {MOST_GRAY}")
    page.evaluate(SET_STRENGTH, 1)
    page.evaluate("() => document.getElementById('stop').click()")
    assert said(page) == ""


def test_a_video_is_colored_with_all_frames_and_its_sound(visitor: Visit, tmp_path: Path) -> None:
    form = Video(frames=FRAMES, width=128, height=96, codec="libvpx", options={}, audio=["libopus"])
    clip = write_video(tmp_path / "clip.webm", form)
    color(visitor.page, clip)
    assert said(visitor.page) == f"clip.webm is colored, {FRAMES} frames."
    content = saved(visitor.page, "save-video")
    with av.open(io.BytesIO(content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES
    assert sound_of(io.BytesIO(content)) == sound_of(clip)


def test_the_page_works_without_network(visitor: Visit, photo: Path, model: Path) -> None:
    visitor.server.close()
    visit(visitor.page, visitor.origin)
    color(visitor.page, photo)
    assert share_as_by_the_runtime(saved(visitor.page, "save-png"), photo, model) > LEAST_EQUAL


def test_nothing_was_asked_of_another_machine_and_nothing_complained(visitor: Visit) -> None:
    asked = visitor.page.requests
    assert any(url.endswith(".onnx") for url in asked)
    assert [url for url in asked if not url.startswith((f"{visitor.origin}/", "blob:"))] == []
    assert visitor.page.errors == []
