"""Cameras on the page, in a real browser: snapshot, recording, full screen, pause, frozen, mosaic, adapt."""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, Page, expect
from tests.runtime.live.browser import CAMERA, COLOR_OF_CANVAS, browser_video, chromium
from tests.runtime.live.conftest import DATA
from tests.runtime.live.serving import TIMEOUT, Server, serving
from tests.videos import Video, write_video

CLIP = DATA / "flower-540p-silent-audio.mp4"
SIZE = (960, 540)
FAST, FAST_SIZE = 240, (640, 360)  # frames/s, pixels
TIMEOUT_MS = 1000 * TIMEOUT
# The colorfulness of each tile of the mosaic.
COLOR_OF_TILES = COLOR_OF_CANVAS.replace(
    'document.getElementById("color")', 'document.querySelectorAll(".tile canvas")[index]'
).replace("() =>", "(index) =>", 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two cameras; the second is so fast that no machine keeps up with it."""
    if not CLIP.exists():
        pytest.skip(f"no clip at {CLIP}")
    times = [Fraction(number, FAST) for number in range(FAST)]
    fast = write_video(tmp_path_factory.mktemp("fast") / "fast.mp4", Video(FAST, *FAST_SIZE, pts=times))
    with serving("--webcam", CLIP, "--webcam", fast, "--size", "64", "--max-rate", str(FAST)) as server:
        yield server


@pytest.fixture(scope="module")
def browser(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(browser_video(CLIP, tmp_path_factory.mktemp("camera") / "camera.mjpeg", frames=40)) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, which shows the first camera."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(server.url)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function(f"() => ({COLOR_OF_CANVAS})() > 8")
    yield page
    context.close()


def saved(download: Download, folder: Path) -> Path:
    """The file of a download, under its own name."""
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def pixels_of(download: Download, folder: Path) -> np.ndarray:  # type: ignore[type-arg]
    """The image of a download, uint8 (H, W, 3)."""
    with Image.open(saved(download, folder)) as image:
        return np.asarray(image.convert("RGB"))


def color_of(pixels: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.ptp(pixels.astype(int), axis=-1).mean())


def frames_shown(page: Page, milliseconds: int) -> int:
    """How many frames the page shows in a while."""
    return int(
        page.evaluate(
            """(wait) => new Promise((resolve) => {
            let shown = 0;
            const count = () => { shown += 1; };
            window.addEventListener("cgan-frame", count);
            setTimeout(() => { window.removeEventListener("cgan-frame", count); resolve(shown); }, wait); })""",
            milliseconds,
        )
    )


def test_snapshot_is_the_image_as_it_is_seen(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert re.fullmatch(r"cgan-\d{8}-\d{6}\.png", download.value.suggested_filename)
    pixels, middle = pixels_of(download.value, tmp_path), SIZE[0] // 2
    assert pixels.shape == (*SIZE[::-1], 3)
    assert color_of(pixels[:, :middle]) < 2
    assert color_of(pixels[:, middle:]) > 8
    for _ in range(10):
        page.keyboard.press("[")
    for _ in range(10):
        page.keyboard.press("+")
    expect(page.locator("#strength-value")).to_have_text("2.00")
    with page.expect_download() as download:
        page.get_by_role("button", name="Snapshot").click()
    stronger = pixels_of(download.value, tmp_path)
    assert color_of(stronger[:, :middle]) > 8
    assert color_of(stronger[:, middle:]) > 1.3 * color_of(pixels[:, middle:])


def record(page: Page, folder: Path) -> Path:
    """Record two seconds by key and button, and return the file."""
    page.keyboard.press("r")
    badge = page.locator("#recording-badge")
    expect(badge).to_have_text(re.compile(r"0:0[2-9]|0:[1-5]\d"), timeout=TIMEOUT_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="End recording").click()
    expect(badge).to_be_hidden()
    return saved(download.value, folder)


def check_video(path: Path, size: tuple[int, int]) -> None:
    """Check that a recording opens, with this size, in color, and lasts as long as it was made."""
    assert path.suffix == ".mp4"
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert (frames[0].width, frames[0].height) == size
    assert color_of(frames[-1].to_ndarray(format="rgb24")) > 5
    assert 1.5 < (frames[-1].time or 0.0) < TIMEOUT


def test_recording_is_made_on_the_server_and_saved_here(page: Page, tmp_path: Path) -> None:
    check_video(record(page, tmp_path), SIZE)
    expect(page.locator("#message")).to_contain_text("Recorded 0:")
    expect(page.get_by_role("link", name="Save recording")).to_be_visible()


def test_the_browsers_own_camera_is_saved_too(page: Page, tmp_path: Path) -> None:
    page.get_by_role("radio", name="My camera").check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function(f"() => color.width === {CAMERA[0]} && ({COLOR_OF_CANVAS})() > 5")
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert pixels_of(download.value, tmp_path).shape == (*CAMERA[::-1], 3)
    check_video(record(page, tmp_path), CAMERA)


def test_full_screen_by_key(page: Page) -> None:
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.id === 'screen'")
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()
    box = page.locator("#stage").bounding_box()
    assert box is not None
    assert abs(box["width"] - 1280) <= 1
    assert abs(box["width"] / box["height"] - SIZE[0] / SIZE[1]) < 0.01
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")


def test_space_pauses_even_on_stop(page: Page) -> None:
    stop = page.get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Space")
    expect(page.locator("#paused-badge")).to_be_visible()
    expect(stop).to_be_visible()
    expect(page.locator("#rate")).to_have_text("–")
    assert frames_shown(page, 700) == 0
    assert page.locator("#screen").get_attribute("data-frozen") is None
    page.keyboard.press("Space")
    expect(page.locator("#paused-badge")).to_be_hidden()
    page.wait_for_function("() => Number(rate.textContent) > 0")


def test_frozen_image_looks_frozen(page: Page, server: Server) -> None:
    page.wait_for_function("() => Number(rate.textContent) > 0")
    server.process.send_signal(signal.SIGSTOP)
    try:
        frozen = page.locator("#screen > .view > .frozen")
        expect(frozen).to_have_text(re.compile(r"No image for \d+ s"), timeout=TIMEOUT_MS)
        for figure in ("#rate", "#delay", "#coloring", "#dropped"):
            expect(page.locator(figure)).to_have_text("–")
        dimmed = light_of(page)
    finally:
        server.process.send_signal(signal.SIGCONT)
    expect(frozen).to_be_hidden(timeout=TIMEOUT_MS)
    assert dimmed < 0.7 * light_of(page)


def light_of(page: Page) -> float:
    """Mean lightness of the stage as it is seen, in RGB codes."""
    return float(np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("L")).mean())


def test_all_cameras_beside_each_other(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Camera", exact=True).select_option("All cameras")
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(2)
    for index in range(2):
        page.wait_for_function(f"() => ({COLOR_OF_TILES})({index}) > 2")
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert pixels_of(download.value, tmp_path).shape == (SIZE[1], 2 * SIZE[0], 3)
    tiles.nth(1).click()
    expect(tiles).to_have_count(0)
    page.wait_for_function("() => color.width === 640")
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    page.keyboard.press("m")
    expect(tiles).to_have_count(2)


def test_size_follows_the_load_and_advice_helps_without(page: Page) -> None:
    size, adapt = page.locator("#size"), page.get_by_role("switch", name="Adapt to the load")
    page.get_by_label("Camera", exact=True).select_option("fast")
    expect(adapt).to_be_checked()
    expect(size).to_have_text("per frame, at size 32", timeout=TIMEOUT_MS)
    adapt.uncheck()
    expect(size).to_have_text("per frame, at size 64", timeout=TIMEOUT_MS)
    expect(page.locator("#advice-text")).to_have_text(
        re.compile(r"The server can’t keep up: \d+ % of the frames are dropped\."), timeout=TIMEOUT_MS
    )
    page.get_by_role("button", name="Use size 32").click()
    expect(size).to_have_text("per frame, at size 32", timeout=TIMEOUT_MS)
    adapt.check()
    expect(adapt).to_be_checked()


def test_every_control_and_figure_says_what_it_is(page: Page) -> None:
    without_tip = page.evaluate(
        """() => [...document.querySelectorAll("#tools > *, .panel :is(button, input, select, a), dl > div")]
        .filter((each) => !each.closest("[data-tip]")).map((each) => each.id)"""
    )
    assert without_tip == []
    page.locator("#delay").hover()
    tip = page.get_by_role("tooltip")
    expect(tip).to_contain_text("until it is on the screen")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_source_that_cannot_be_used_says_why(browser: Browser) -> None:
    with serving("--size", "32") as server:
        if any("camera" in line for line in server.output):
            pytest.skip("this machine has a camera")
        page = browser.new_page()
        page.goto(server.url)
        source = page.get_by_role("radio", name="Server camera")
        expect(source).to_have_attribute("aria-disabled", "true")
        expect(page.get_by_role("radio", name="My camera")).to_be_checked()
        source.click(force=True)
        expect(page.locator("#message")).to_contain_text("camera")
        expect(page.get_by_role("radio", name="My camera")).to_be_checked()
        page.close()
