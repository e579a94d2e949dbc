"""The page in real Chromium, served by Python's plain server: photo, camera, video, offline, and no foreign request."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.conftest import write_tiny_model
from tests.export.web.npm import real_packages
from tests.export.web.static_server import served
from tests.paths import ROOT
from tests.runtime.live.browser import COLOR_OF_CANVAS, chromium
from tests.videos import Video, read_frames, write_video

from cgan_export.web.site import write_site
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image

pytestmark = pytest.mark.slow

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
FRAMES = 8
SECONDS = 60  # only a failing test waits so long
COLOR_AT = """([x, y]) => {
  const canvas = document.getElementById("color"), pixel = new OffscreenCanvas(1, 1).getContext("2d");
  pixel.drawImage(canvas, Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1, 0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}"""
LEAST_EQUAL = 0.999  # share of the pixels that are within `MAX_LEVELS` of what cgan-run makes
MAX_LEVELS = 2


@pytest.fixture(scope="module")
def origin(site: Path) -> Iterator[str]:
    """The site behind a server that sends no headers of its own."""
    with served(site) as origin:
        yield origin


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    camera = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with camera.open("wb") as file:
        for index in range(10):
            wedge = np.linspace(30, 220, 640, dtype=np.uint8)[None].repeat(480, 0).copy()
            wedge[100:300, 40 * index : 40 * index + 120] = 200
            Image.fromarray(wedge).convert("RGB").save(file, "jpeg")
    with chromium(camera) as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser: Browser, origin: str) -> Iterator[BrowserContext]:
    """One visitor. A request to another machine, or an error in the console, fails the last test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(1000 * SECONDS)
    asked: set[str] = set()
    errors: list[str] = []
    context.on("request", lambda request: asked.add(request.url))
    context.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert [url for url in asked if not url.startswith((f"{origin}/", "blob:"))] == []
    assert any(url.endswith(".onnx") for url in asked)
    assert errors == []


@pytest.fixture(scope="module")
def page(context: BrowserContext, origin: str) -> Page:
    page = context.new_page()
    visit(page, origin)
    return page


def visit(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("() => document.documentElement.dataset.ready")


def saved(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def told(page: Page, text: str) -> None:
    """Wait for a message of the page."""
    expect(page.get_by_role("status")).to_contain_text(text, timeout=1000 * SECONDS)


def description_of(path: Path) -> str:
    with Image.open(path) as image:
        return str(image.getexif().get(270))


def set_strength(page: Page, value: float) -> None:
    page.locator("#strength").evaluate(
        "(input, value) => { input.value = value; for (const kind of ['input', 'change'])"
        " input.dispatchEvent(new Event(kind)); }",
        value,
    )


def test_the_engine_says_what_it_is_and_has_threads(page: Page) -> None:
    assert page.evaluate("() => crossOriginIsolated")  # by the service worker, for the server sends no headers
    expect(page.locator("#model")).to_contain_text("edge · WASM")
    expect(page.locator("#model")).to_contain_text("ms")
    assert "WebGPU" in (page.locator("#model").get_attribute("data-tip") or "")


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_photo_is_colored_as_by_the_runtime_and_keeps_its_exif(
    page: Page, model: Path, tmp_path: Path, strength: float
) -> None:
    photo = tmp_path / "boat.png"
    exif = Image.Exif()
    exif[270], exif[274] = "a boat", 1
    with Image.open(PHOTO) as image:
        image.resize((301, 200)).convert("L").convert("RGB").save(photo, exif=exif)
    page.set_input_files("#file", photo)
    told(page, "boat.png is colored")
    set_strength(page, strength)
    page.wait_for_function("() => !document.getElementById('screen').hasAttribute('data-strength')")
    got = saved(page, "Save PNG", tmp_path)
    assert got.name == "boat.color.png"
    assert description_of(got) == "a boat"
    with Colorizer.open(model, backend="onnxruntime", saturation=strength) as colorizer:
        want = colorizer.image(read_image(photo)).astype(int)
    far = np.abs(read_image(got)[..., :3].astype(int) - want).max(axis=-1)
    assert (far <= MAX_LEVELS).mean() > LEAST_EQUAL
    assert np.ptp(want, axis=2).mean() > 2
    assert description_of(saved(page, "Save JPEG", tmp_path)) == "a boat"
    set_strength(page, 1)


def test_a_placed_color_spreads_over_the_photo(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    told(page, "chelsea.jpg is colored")
    before = page.evaluate(COLOR_AT, [0.5, 0.5])
    page.get_by_role("button", name="Place colors").click()
    page.wait_for_function("() => !document.getElementById('hint-layer').hidden")
    assert page.evaluate("() => document.activeElement.id") == "hint-layer"  # before the picture is colored anew
    page.locator("#hint-layer").click()
    page.get_by_role("button", name="blue", exact=True).click()
    expect(page.locator("#hints-count")).to_contain_text("1 color placed")
    page.wait_for_function(f"(before) => ({COLOR_AT})([0.5, 0.5])[2] > before + 15", arg=before[2])
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"(before) => ({COLOR_AT})([0.5, 0.5])[2] === before", arg=before[2])
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Place colors")).to_be_focused()


def test_what_is_no_image_is_told_in_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    page.set_input_files("#file", tmp_path / "broken.jpg")
    told(page, "Give a JPEG, PNG or WebP")
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    page.set_input_files("#file", tmp_path / "broken.mp4")
    told(page, "Give an MP4, MOV, WebM or MKV")


@pytest.mark.parametrize(("name", "reason"), [("wrong.jpg", "cannot read the image"), ("wrong.mp4", "has no video")])
def test_a_wrong_file_leaves_the_colored_one(page: Page, tmp_path: Path, name: str, reason: str) -> None:
    page.set_input_files("#file", PHOTO)
    told(page, "is colored")
    wrong = tmp_path / name
    wrong.write_text("no picture and no video")
    page.set_input_files("#file", wrong)
    told(page, reason)
    assert saved(page, "Save PNG", tmp_path).stat().st_size > 10_000


def test_a_video_takes_the_place_of_a_photo(page: Page, tmp_path: Path) -> None:
    page.set_input_files("#file", PHOTO)
    told(page, "is colored")
    clip = write_video(tmp_path / "clip.webm", Video(frames=4, width=64, height=48, codec="libvpx", options={}))
    page.set_input_files("#file", clip)
    told(page, "clip.webm is colored, 4 frames")


def test_the_camera_is_shown_in_color(page: Page) -> None:
    page.get_by_role("radio", name="Camera").check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function(f"() => ({COLOR_OF_CANVAS})() > 3")
    page.wait_for_function("() => Number(rate.textContent) > 0 && delay.textContent.endsWith('ms')")
    page.wait_for_function("() => parseFloat(predictions.textContent) > 0")
    page.get_by_role("button", name="Take a photo").click()
    told(page, "camera.jpg is colored")
    assert page.evaluate("() => [color.width, color.height]") == [640, 480]


def test_a_video_is_colored_with_all_frames_and_its_sound(page: Page, tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "clip.webm",
        Video(frames=FRAMES, width=128, height=96, codec="libvpx", options={}, audio=["libopus"]),
    )
    page.set_input_files("#file", clip)
    told(page, f"clip.webm is colored, {FRAMES} frames.")
    got = saved(page, "Save video", tmp_path)
    frames = read_frames(got)
    assert len(frames) == FRAMES

    def sound(path: Path) -> list[bytes]:
        with av.open(path) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert sound(got) == sound(clip)


def test_a_video_can_be_canceled(page: Page, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "long.webm", Video(frames=200, width=64, height=48, codec="libvpx", options={}))
    page.locator("#split").focus()  # it goes away with the last image
    page.set_input_files("#file", clip)
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    told(page, "Canceled.")
    expect(page.locator("#file")).to_be_focused()


def test_a_browser_that_cannot_encode_videos_says_so(browser: Browser, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(write_tiny_model(tmp_path / "tiny.onnx"), site, engine=real_packages())
    worker = site / "painter.js"
    worker.write_text(f"delete self.VideoEncoder;\n{worker.read_text('utf-8')}", "utf-8")
    clip = write_video(tmp_path / "clip.webm", Video(frames=1, width=64, height=48, codec="libvpx", options={}))
    page = browser.new_page()
    with served(site) as origin:
        visit(page, origin)
        page.set_input_files("#file", clip)
        told(
            page, "This browser cannot color videos: it has no WebCodecs. Use a current Chrome, Edge, Firefox or Safari"
        )


def test_the_page_works_without_network(page: Page, context: BrowserContext, origin: str, tmp_path: Path) -> None:
    context.set_offline(True)
    visit(page, origin)
    page.set_input_files("#file", PHOTO)
    told(page, "chelsea.jpg is colored")
    context.set_offline(False)
    screen = np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")).astype(int)
    right = screen[:, int(0.55 * screen.shape[1]) : -20]
    assert np.ptp(right, axis=2).mean() > 8
    assert np.ptp(screen[:, 20 : int(0.45 * screen.shape[1])], axis=2).mean() < 2  # the gray part
