"""Placed colors in a real browser: by mouse, by keyboard alone and by finger; on photos, videos and cameras."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.paths import ROOT
from tests.runtime.live.browser import browser_video, chromium
from tests.runtime.live.conftest import DATA
from tests.runtime.live.serving import TIMEOUT, Server, serving
from tests.videos import Video, read_frames, write_video

from cgan_runtime.cli import main
from cgan_runtime.image.read_write import read_image

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "astronaut.jpg"
SUIT = (0.22, 0.86)  # an arm
TIMEOUT_MS = 1000 * TIMEOUT
expect.set_options(timeout=TIMEOUT_MS)
STARTED = ["--threads", "1", "--backend", "onnxruntime", "--precision", "fp32"]

# R, G and B of the picture at a place, x and y as fractions.
COLOR_AT = """([x, y]) => {
  const copy = new OffscreenCanvas(color.width, color.height).getContext("2d");
  copy.drawImage(color, 0, 0);
  return [...copy.getImageData(Math.floor(x * color.width), Math.floor(y * color.height), 1, 1).data.slice(0, 3)];
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    clip = DATA / "flower-540p-silent-audio.mp4"
    if not clip.exists():
        pytest.skip(f"no clip at {clip}")
    with serving("--webcam", clip, "--size", "192", *STARTED[2:]) as server:
        yield server


@pytest.fixture(scope="module")
def browser(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    clip = DATA / "flower-540p-silent-audio.mp4"
    with chromium(browser_video(clip, tmp_path_factory.mktemp("camera") / "camera.mjpeg", frames=5)) as browser:
        yield browser


def opened(browser: Browser, server: Server, **context: object) -> Iterator[Page]:
    """The page; an error in its console fails the test."""
    errors: list[str] = []
    tab = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})  # type: ignore[arg-type]
    page = tab.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script("window.times = []; addEventListener('cgan-hints', ({detail}) => window.times.push(detail));")
    page.goto(server.url)
    yield page
    tab.close()
    assert [error for error in errors if "status of 400" not in error] == []  # the browser writes refusals there


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    yield from opened(browser, server)


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    yield from opened(browser, server, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


def place_on(page: Page, file: Path) -> None:
    """Send a file and begin to place colors on it."""
    page.set_input_files("#file", file)
    page.get_by_role("link", name="Download").wait_for()
    begin(page)


def begin(page: Page) -> None:
    """Begin to place colors on what is shown."""
    page.get_by_role("button", name="Place colors").click()
    expect(page.locator("#hint-layer")).to_be_focused()


def in_layer(page: Page, place: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the picture is in the window."""
    box = page.locator("#hint-layer").bounding_box()
    assert box is not None
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def settled(page: Page) -> None:
    """Wait until no picture is asked for any more."""
    page.wait_for_function(
        "() => new Promise((done) => { const n = times.length; setTimeout(() => done(n === times.length), 300); })"
    )


def blueness(page: Page, place: tuple[float, float]) -> int:
    red, _, blue = page.evaluate(COLOR_AT, list(place))
    return int(blue - red)


def choose(page: Page, name: str) -> None:
    page.locator("#swatches").get_by_role("button", name=name, exact=True).click()


def test_a_click_colors_a_garment_and_the_files_say_the_same(page: Page, tmp_path: Path) -> None:
    place_on(page, PHOTO)
    guess = blueness(page, SUIT)
    page.mouse.click(*in_layer(page, SUIT))
    expect(page.get_by_role("dialog", name="Color of this place")).to_be_visible()
    page.mouse.move(*in_layer(page, (0.02, 0.02)))
    settled(page)
    shown = page.evaluate("() => times.length")
    choose(page, "blue")
    page.wait_for_function(f"() => times.length > {shown}")
    settled(page)
    print(f"\nfrom the click to the picture: {page.evaluate(f'() => times[{shown}]'):.0f} ms")
    assert guess < 0 < blueness(page, SUIT) - 30
    expect(page.get_by_text("1 color placed.")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("button", name="Save colors").click()
    assert download.value.suggested_filename == "astronaut.hints.json"
    download.value.save_as(tmp_path / "hints.json")
    (hint,) = json.loads((tmp_path / "hints.json").read_text())["hints"]
    assert (round(hint["x"], 2), round(hint["y"], 2)) == SUIT
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "page.jpg")
    command = [
        "--image", PHOTO, "--hints", tmp_path / "hints.json", "-o", tmp_path / "command.jpg", "--size", "192", *STARTED
    ]  # fmt: skip
    with pytest.raises(SystemExit, match="0"):
        main(list(map(str, command)))
    assert np.array_equal(read_image(tmp_path / "page.jpg"), read_image(tmp_path / "command.jpg"))


def test_by_mouse_a_color_is_moved_changed_taken_away_and_brought_back(page: Page) -> None:
    place_on(page, PHOTO)
    page.mouse.click(*in_layer(page, SUIT))
    choose(page, "blue")
    mark = page.locator(".hint")
    page.mouse.move(*in_layer(page, SUIT))
    page.mouse.down()
    page.mouse.move(*in_layer(page, (0.5, 0.5)), steps=4)
    page.mouse.up()
    assert "50 percent from the left" in (mark.get_attribute("aria-label") or "")
    before = mark.get_attribute("aria-label")
    mark.click()
    choose(page, "grass")
    expect(mark).not_to_have_attribute("aria-label", before or "")
    mark.click(button="right")
    expect(mark).to_have_count(0)
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    expect(mark).to_have_count(1)
    assert "22 percent from the left" in (mark.get_attribute("aria-label") or "")
    page.get_by_role("button", name="Clear").click()
    expect(mark).to_have_count(0)
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Place colors")).to_be_focused()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    page.get_by_role("link", name="Download").wait_for()
    page.get_by_role("button", name="Place colors").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#hint-layer")).to_be_focused()
    for key in ["ArrowLeft"] * 28 + ["ArrowDown"] * 36:
        page.keyboard.press(key)
    guess = blueness(page, SUIT)
    page.keyboard.press("Enter")
    chosen = page.locator("#swatches :focus")
    expect(chosen).to_have_attribute("aria-label", "as the model guesses")
    for _ in range(40):
        if chosen.get_attribute("aria-label") == "blue":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    mark = page.locator(".hint")
    expect(mark).to_be_focused()
    settled(page)
    assert blueness(page, SUIT) > guess + 30
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    assert "22 percent from the left, 85 from the top" in (mark.get_attribute("aria-label") or "")
    page.keyboard.press("Delete")
    expect(mark).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(mark).to_have_count(1)
    page.keyboard.press("Control+Shift+z")
    expect(mark).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#swatches")).to_be_hidden()
    expect(page.locator("#hint-layer")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Place colors")).to_be_focused()


def test_a_finger_places_a_color_and_takes_it_away(phone: Page) -> None:
    phone.set_input_files("#file", PHOTO)
    phone.get_by_role("link", name="Download").wait_for()
    phone.get_by_role("button", name="Place colors").tap()
    expect(phone.locator("#hint-layer")).to_be_focused()
    phone.locator("#hint-layer").scroll_into_view_if_needed()
    phone.touchscreen.tap(*in_layer(phone, (0.5, 0.4)))
    box = phone.locator("#swatches").bounding_box()
    assert box is not None
    assert (box["x"], round(box["width"])) == (0, 390)
    assert round(box["y"] + box["height"]) == 844
    sizes = phone.evaluate(
        "() => [...document.querySelectorAll('.swatch')].map((each) => each.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 38
    phone.locator("#swatches").get_by_role("button", name="sky", exact=True).tap()
    mark = phone.locator(".hint")
    expect(mark).to_have_count(1)
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 390
    x, y = in_layer(phone, (0.5, 0.4))
    fingers = phone.context.new_cdp_session(phone)
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(mark).to_have_count(0)


WRONG = {
    '{"hints": [{"x": 3, "y": 0.5, "color": "red"}]}': "x is 3, outside of the picture",
    '{"hints": [{"x": 0.3, "y": 0.5, "color": "redd"}]}': "'redd' is no color",
    json.dumps({"hints": [{"x": 0.5, "y": 0.5, "color": "red"}] * 10_000}): "has 10000 hints; at most 500",
    "no json": "Wrong.json is no JSON",
}


def test_a_wrong_file_of_colors_is_one_line_on_the_page(page: Page, tmp_path: Path) -> None:
    (tmp_path / "right.json").write_text('{"hints": [{"x": 0.3, "y": 0.5, "color": "teal", "radius": 0.02}]}')
    place_on(page, PHOTO)
    page.set_input_files("#hints-file", tmp_path / "right.json")
    expect(page.locator(".hint")).to_have_count(1)
    for text, message in WRONG.items():
        (tmp_path / "wrong.json").write_text(text)
        page.set_input_files("#hints-file", tmp_path / "wrong.json")
        expect(page.locator("#message")).to_contain_text(message)
        expect(page.locator("#message")).to_have_attribute("data-kind", "error")
    expect(page.locator(".hint")).to_have_count(1)


def test_a_paused_video_is_colored_again_with_a_color(page: Page, tmp_path: Path) -> None:
    place_on(page, write_video(tmp_path / "in.mp4", Video(frames=12, width=128, height=96)))
    before = page.evaluate("() => document.getElementById('download').href")
    page.mouse.click(*in_layer(page, (0.5, 0.5)))
    choose(page, "violet")
    expect(page.locator(".hint")).to_have_count(1)
    page.get_by_role("button", name="Color the video").click()
    expect(page.locator("#work")).to_be_visible()
    expect(page.locator("#work")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "got.mp4")
    assert len(read_frames(tmp_path / "got.mp4")) == 12
    assert page.evaluate("() => document.getElementById('download').href") == before


def test_a_camera_is_held_and_goes_on_with_a_color(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#screen[data-state=image]").wait_for()
    begin(page)
    expect(page.locator("#paused-badge")).to_be_visible()
    for x in (0.25, 0.5, 0.75):
        page.mouse.click(*in_layer(page, (x, 0.5)))
        choose(page, "blue")
    expect(page.locator(".hint")).to_have_count(3)
    page.get_by_role("button", name="Go on with these colors").click()
    expect(page.locator("#paused-badge")).to_be_hidden()
    page.wait_for_function(f"() => {{ const [r, , b] = ({COLOR_AT})([0.5, 0.5]); return b > r; }}")
    page.get_by_role("button", name="The model’s own colors").click()
    page.wait_for_function(f"() => {{ const [r, , b] = ({COLOR_AT})([0.5, 0.5]); return r > b; }}")
