"""The page in a real browser: three sources, sliders, download, keyboard, phone, no foreign requests."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from tests.paths import ROOT
from tests.runtime.live.browser import COLOR_OF_CANVAS, browser_video, chromium
from tests.runtime.live.conftest import DATA
from tests.runtime.live.serving import TIMEOUT, Server, serving
from tests.videos import Video, read_frames, tint_of, write_video

from cgan_runtime.image.read_write import read_image

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
TIMEOUT_MS = 1000 * TIMEOUT


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = DATA / "flower-540p-silent-audio.mp4"
    if not clip.exists():
        pytest.skip(f"no clip at {clip}")
    return browser_video(clip, tmp_path_factory.mktemp("camera") / "camera.mjpeg", frames=40)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--webcam", DATA / "flower-540p-silent-audio.mp4", "--size", "64") as server:
        yield server


@pytest.fixture(scope="module")
def browser(camera: Path) -> Iterator[Browser]:
    with chromium(camera) as browser:
        yield browser


@pytest.fixture
def console_errors() -> list[str]:
    """The errors and warnings in the browser's console."""
    return []


@pytest.fixture
def page(browser: Browser, server: Server, console_errors: list[str]) -> Iterator[Page]:
    """The page; any error in its console and any request to another host fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.on(
        "console", lambda message: console_errors.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: console_errors.append(str(error)))
    requested: set[str] = set()
    page.on("request", lambda request: requested.add(request.url))
    page.goto(server.url)
    expect(page.locator("#model")).to_contain_text("CPU")
    yield page
    context.close()
    assert console_errors == []
    assert [url for url in requested if not url.startswith((server.origin, "blob:"))] == []


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).check(force=True)


def wait_for_color(page: Page, minimum: float = 8) -> None:
    page.wait_for_function(f"() => ({COLOR_OF_CANVAS})() > {minimum}", timeout=TIMEOUT_MS)


def stage_pixels(page: Page) -> np.ndarray:  # type: ignore[type-arg]
    """The stage as shown on the screen, int (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")).astype(int)


def color_of(pixels: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.ptp(pixels, axis=2).mean())


def set_range(page: Page, name: str, value: float) -> None:
    page.locator(name).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def test_browsers_camera_is_shown_in_color(page: Page) -> None:
    choose(page, "My camera")
    page.get_by_role("button", name="Start the camera").click()
    wait_for_color(page)
    assert page.evaluate("() => [color.width, color.height]") == [640, 480]
    page.wait_for_function("() => Number(rate.textContent) > 0 && delay.textContent.endsWith('s')")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
    expect(page.locator("#figures")).to_be_hidden()


def test_servers_camera_is_shown_in_color(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    wait_for_color(page)
    expect(page.get_by_role("status")).to_contain_text("960x540", timeout=TIMEOUT_MS)
    assert page.evaluate("() => [color.width, color.height]") == [960, 540]
    page.wait_for_function("() => delay.textContent.endsWith('s')")
    page.get_by_role("button", name="Stop").click()


def test_line_between_gray_and_color_moves_by_keyboard_and_mouse(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    wait_for_color(page)
    split = page.get_by_role("slider", name="Gray part of the image")
    split.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert split.get_attribute("aria-valuetext") == "40 percent gray"
    image = stage_pixels(page)
    width = image.shape[1]
    assert color_of(image[:, 20 : int(0.36 * width)]) < 2
    assert color_of(image[:, int(0.45 * width) : -20]) > 8
    box = page.locator("#stage").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], middle, steps=5)
    page.mouse.up()
    assert abs(int(split.input_value()) - 80) <= 1
    assert color_of(stage_pixels(page)[:, int(0.45 * width) : int(0.75 * width)]) < 2


def test_strength_keeps_the_luma(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    page.get_by_role("link", name="Download").wait_for()
    set_range(page, "#split", 0)

    def luma(pixels: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return pixels @ np.array([0.299, 0.587, 0.114])

    plain = stage_pixels(page)
    set_range(page, "#strength", 0)
    gray = stage_pixels(page)
    set_range(page, "#strength", 1.5)
    strong = stage_pixels(page)
    inside = (slice(20, -20), slice(20, -20))
    assert color_of(gray[inside]) < 2
    assert color_of(strong[inside]) > 1.3 * color_of(plain[inside])
    assert np.abs(luma(plain) - luma(gray))[inside].mean() < 1.5
    assert np.abs(luma(plain) - luma(strong))[inside].mean() < 2.5


def test_photo_is_colored_and_downloaded(page: Page, tmp_path: Path) -> None:
    choose(page, "Photo or video")
    page.locator("#file").focus()
    page.set_input_files("#file", PHOTO)
    link = page.get_by_role("link", name="Download")
    link.wait_for()
    wait_for_color(page)
    expect(link).to_be_focused()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "chelsea.color.jpg"
    download.value.save_as(tmp_path / "got.jpg")
    got = read_image(tmp_path / "got.jpg")
    assert got.shape == read_image(PHOTO).shape
    assert np.ptp(got.astype(int), axis=2).mean() > 8
    set_range(page, "#strength", 0.5)
    page.get_by_role("button", name="Color again with this strength").click()
    page.wait_for_function("() => document.getElementById('again').hidden && !download.hidden")
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "paler.jpg")
    paler = read_image(tmp_path / "paler.jpg").astype(int)
    assert np.ptp(paler, axis=2).mean() < 0.7 * np.ptp(got.astype(int), axis=2).mean()


def test_a_wrong_file_leaves_the_colored_one(page: Page, console_errors: list[str], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.jpg"
    wrong.write_text("no picture")
    page.set_input_files("#file", PHOTO)
    link = page.get_by_role("link", name="Download")
    link.wait_for()
    page.set_input_files("#file", wrong)
    expect(page.locator("#message")).to_contain_text("choose a JPEG")
    expect(link).to_be_visible()
    wait_for_color(page)
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "chelsea.color.jpg"
    (refusal,) = console_errors  # written by the browser
    assert "415" in refusal
    console_errors.clear()


def test_video_is_colored_with_progress_and_downloaded(page: Page, tmp_path: Path) -> None:
    video = write_video(tmp_path / "old.mp4", Video(frames=20, width=320, height=240, audio=("aac",)))
    page.evaluate(
        """() => { window.texts = new Set();
        const text = document.getElementById("work-text");
        new MutationObserver(() => window.texts.add(text.textContent)).observe(text, {childList: true}); }"""
    )
    page.set_input_files("#file", video)
    page.get_by_role("link", name="Download").wait_for()
    texts = page.evaluate("() => [...window.texts].join('|')")
    assert "Coloring" in texts
    page.wait_for_function("() => color.width === 320")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "old.color.mp4"
    download.value.save_as(tmp_path / "got.mp4")
    frames = read_frames(tmp_path / "got.mp4")
    assert len(frames) == 20
    assert tint_of(frames[5]) > 1


def test_a_file_is_given_up_with_its_page(page: Page, tmp_path: Path) -> None:
    video = write_video(tmp_path / "long.mp4", Video(frames=400, width=640, height=480))
    with page.expect_request(re.compile(r"/uploads/[^/]+$")) as poll:
        page.set_input_files("#file", video)
    file = poll.value.url
    assert page.request.get(file).ok
    page.goto("about:blank")
    until = time.monotonic() + TIMEOUT_MS / 1000
    while page.request.get(file).status != 404:
        assert time.monotonic() < until, "it is still being colored"


def test_dropped_file_that_is_no_image_is_refused(page: Page, console_errors: list[str]) -> None:
    page.evaluate(
        """() => { const data = new DataTransfer(); data.items.add(new File(["no image"], "notes.txt"));
        const drop = {dataTransfer: data, bubbles: true, cancelable: true};
        document.body.dispatchEvent(new DragEvent("drop", drop)); }"""
    )
    message = page.get_by_role("status")
    expect(message).to_contain_text("This type of file cannot be read here", timeout=TIMEOUT_MS)
    expect(message).to_have_attribute("data-kind", "error")
    (refusal,) = console_errors  # written by the browser
    assert "415" in refusal
    console_errors.clear()


def test_controls_are_named_and_reachable_by_keyboard(page: Page) -> None:
    for name in ("Server camera", "My camera", "Photo or video"):
        expect(page.get_by_role("radio", name=name)).to_be_visible()
    expect(page.get_by_role("slider", name="Strength")).to_be_visible()
    expect(page.get_by_role("heading", name="cgan live")).to_be_visible()
    reached = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.value"))
    assert {"server", "strength", "start"} <= reached
    page.keyboard.press("Escape")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, a, canvas:not([aria-hidden])")]
        .filter((each) => !each.textContent.trim() && !each.labels?.length && !each.ariaLabel)
        .map((each) => each.id)"""
    )
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone_and_has_contrast(browser: Browser, server: Server, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 800}, color_scheme=scheme, reduced_motion="reduce",  # type: ignore[arg-type]
        has_touch=True, is_mobile=True, device_scale_factor=2,
    )  # fmt: skip
    page = context.new_page()
    page.goto(server.url)
    page.get_by_role("button", name="Start the camera").click()
    wait_for_color(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll(".panel, .sources")]
        .filter((each) => each.scrollWidth > each.clientWidth).length"""
    )
    assert too_wide == 0
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .button, .sources label")]
        .map((each) => each.getBoundingClientRect().height)
        .filter((height) => height && height < 38).length"""
    )
    assert small == 0  # large enough for fingers
    contrast = page.evaluate(
        """() => {
        const light = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map((x) => { x /= 255;
          return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
          return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] + 0.05; };
        const ratio = (a, b) => Math.max(light(a) / light(b), light(b) / light(a));
        const style = (id) => getComputedStyle(document.getElementById(id));
        const page = getComputedStyle(document.body), button = style("download");
        return [ratio(page.color, page.backgroundColor), ratio(style("message").color, page.backgroundColor),
                ratio(button.color, button.backgroundColor)]; }"""
    )
    assert min(contrast) >= 4.5  # WCAG AA
    context.close()


def test_token_opens_the_page_and_refusals_are_explained(browser: Browser, video: Path) -> None:
    options = ("--token", "a-token-of-my-own-1234", "--webcam", video, "--max-viewers", "1")
    with serving(*options) as server:
        context = browser.new_context()
        page, other = context.new_page(), context.new_page()
        answer = page.goto(server.origin)
        assert answer is not None
        assert answer.status == 401
        expect(page.get_by_text("Open this page with the address")).to_be_visible()
        page.get_by_label("Token").fill("another-token-12345")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("button", name="Open")).to_have_css("background-color", "rgb(184, 67, 29)")  # --accent
        expect(page.get_by_text("This is not the token")).to_be_visible()
        page.get_by_label("Token").fill("a-token-of-my-own-1234")
        page.get_by_role("button", name="Open").click()
        page.get_by_role("button", name="Start the camera").wait_for()
        assert page.url == f"{server.origin}/"
        page.get_by_role("button", name="Start the camera").click()
        wait_for_color(page, minimum=2)
        assert page.evaluate("() => document.cookie") == ""
        other.goto(server.origin)
        other.get_by_role("button", name="Start the camera").click()
        message = other.get_by_role("status")
        expect(message).to_contain_text("The server is busy: too many viewers", timeout=TIMEOUT_MS)
        context.clear_cookies()
        expect(message).to_contain_text("does not accept this page", timeout=TIMEOUT_MS)
        page.set_input_files("#file", PHOTO)
        expect(page.get_by_role("status")).to_contain_text("does not accept this page", timeout=TIMEOUT_MS)
        context.close()
