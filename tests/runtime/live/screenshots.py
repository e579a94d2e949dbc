"""Takes the screenshots of the page and the window for the docs.

python -m tests.runtime.live.screenshots /path/to/clip.mp4 [docs/images] [/path/to/further/clips ...]
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page
from tests.paths import ROOT
from tests.runtime.live.browser import COLOR_OF_CANVAS, browser_video, chromium
from tests.runtime.live.conftest import virtual_screen, with_screen
from tests.runtime.live.serving import RUN, TIMEOUT, serving
from tests.runtime.live.window.test_window import color_in, looped, screenshot

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SIDEWAYS: dict[str, Any] = PHONE | {"viewport": {"width": 844, "height": 390}}
HINTED = ROOT / "samples" / "photos" / "astronaut.jpg"
FURTHER = (0.62, 0.1)  # a place of it: the wall
SETTLE_MS = 1500.0
WINDOW = (960, 540)
LIVE_SECONDS = 20.0  # so that the graph is filled
PATIENCE = 300.0  # seconds, with a photo on a busy machine
_ALMOST = 0.9  # of the most colorful moment, since the clip goes on meanwhile
_QUALITY = 90  # of WebP: text stays sharp and skies smooth


def main() -> None:
    """Take all screenshots."""
    clip, target = Path(sys.argv[1]), Path((*sys.argv, ROOT / "docs" / "images")[2])
    cameras = [option for path in (clip, *sys.argv[3:]) for option in ("--webcam", path)]
    with tempfile.TemporaryDirectory() as folder:
        video = browser_video(clip, Path(folder) / "camera.mjpeg")
        with serving(*cameras) as server, chromium(video) as browser:
            for name, screen, scheme in (
                ("desktop-light", DESKTOP, "light"),
                ("desktop-dark", DESKTOP, "dark"),
                ("phone-light", PHONE, "light"),
                ("phone-dark", PHONE, "dark"),
                ("sideways", SIDEWAYS, "dark"),
            ):
                take_page(browser, server.url, screen, scheme, target / f"live-{name}.webp")
            take_mosaic(browser, server.url, target / "live-mosaic.webp")
            take_hints(browser, server.url, DESKTOP, target / "live-hints-desktop.webp")
            take_hints(browser, server.url, PHONE, target / "live-hints-phone.webp")
        take_window(clip, Path(folder), target / "live-window.webp")


def take_page(browser: Browser, url: str, screen: dict[str, Any], scheme: str, target: Path) -> None:
    """Take one screenshot: a camera on a light desktop, a dark phone or one held sideways, a photo on the others."""
    context = browser.new_context(color_scheme=scheme, **screen)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(url)
    if (scheme == "light") == (screen is DESKTOP) or screen is SIDEWAYS:
        show_camera(page, "Server camera" if screen is DESKTOP else "My camera")
    else:
        page.set_input_files("#file", PHOTO)
        page.get_by_role("link", name="Download", exact=True).wait_for()
    save(Image.open(io.BytesIO(page.screenshot())), target)
    context.close()


def take_hints(browser: Browser, url: str, screen: dict[str, Any], target: Path) -> None:
    """Take a photo with placed colors, and the colors to choose from for a further place."""
    context = browser.new_context(color_scheme="light", **screen)
    page = context.new_page()
    page.set_default_timeout(1000 * TIMEOUT)
    page.goto(url)
    page.set_input_files("#file", HINTED)
    page.get_by_role("link", name="Download", exact=True).wait_for()
    page.get_by_role("button", name="Place colors").click()
    page.set_input_files("#hints-file", HINTED.with_suffix(".hints.json"))
    page.locator(".hint").nth(2).wait_for()
    page.locator("#hint-layer").scroll_into_view_if_needed()
    box = page.locator("#hint-layer").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + FURTHER[0] * box["width"], box["y"] + FURTHER[1] * box["height"])
    page.locator("#swatches").get_by_role("button", name="gray blue", exact=True).hover()
    page.wait_for_timeout(SETTLE_MS)
    save(Image.open(io.BytesIO(page.screenshot())), target)
    context.close()


def take_mosaic(browser: Browser, url: str, target: Path) -> None:
    """Take all cameras beside each other."""
    page = browser.new_page(color_scheme="light", **DESKTOP)
    page.goto(url)
    show_camera(page, "Server camera")
    page.keyboard.press("m")
    page.wait_for_timeout(1000 * LIVE_SECONDS / 2)
    save(Image.open(io.BytesIO(page.screenshot())), target)
    page.close()


def show_camera(page: Page, name: str) -> None:
    """Show a camera for a while."""
    page.get_by_role("radio", name=name).check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    until_most_color(lambda: page.evaluate(COLOR_OF_CANVAS), lambda: page.wait_for_timeout(100))


def take_window(clip: Path, folder: Path, target: Path) -> None:
    """Take the window, which fills its virtual screen."""
    command = [RUN, "--webcam", looped(clip, folder), "--as-camera", "--split", "0.4", "--threads", "1"]
    with virtual_screen(WINDOW) as screen, subprocess.Popen(command, env=with_screen(screen)) as process:
        until_most_color(lambda: color_in(screenshot(screen), (0.5, 1.0)), lambda: time.sleep(0.1))
        save(screenshot(screen), target)
        process.terminate()


def until_most_color(color: Callable[[], float], wait: Callable[[], None]) -> None:
    """Wait a while, and until the clip is at its most colorful moment."""
    end, most = time.monotonic() + LIVE_SECONDS, 0.0
    while (now := color()) < _ALMOST * most or time.monotonic() < end:
        most = max(most, now)
        wait()


def save(image: Image.Image, target: Path) -> None:
    """Save as WebP."""
    image.convert("RGB").save(target, quality=_QUALITY, method=6)
    print(target, target.stat().st_size)


if __name__ == "__main__":
    main()
