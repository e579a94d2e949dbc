"""Takes the pictures of the page that the docs show.

python -m tests.live.screenshots /path/to/clip.mp4 [docs/images]
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page
from tests.live.browser import camera_film, chromium
from tests.live.serving import serving

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "train" / "cgan_train" / "data" / "photos" / "chelsea.jpg"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LIVE_MS = 20_000  # so that the graph has something to show


def main() -> None:
    """Take them all."""
    clip, target = Path(sys.argv[1]), Path((*sys.argv, ROOT / "docs" / "images")[2])
    with tempfile.TemporaryDirectory() as folder:
        film = camera_film(clip, Path(folder) / "camera.mjpeg")
        with serving("--webcam", clip) as server, chromium(film) as browser:
            for name, screen, scheme in (
                ("desktop-light", DESKTOP, "light"),
                ("desktop-dark", DESKTOP, "dark"),
                ("phone-light", PHONE, "light"),
                ("phone-dark", PHONE, "dark"),
            ):
                take(browser, server.url, screen, scheme, target / f"live-{name}.png")


def take(browser: Browser, url: str, screen: dict[str, Any], scheme: str, target: Path) -> None:
    """One picture: a camera by day on a desktop and by night on a phone, a photo the other way round."""
    context = browser.new_context(color_scheme=scheme, **screen)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    if (scheme == "light") == (screen is DESKTOP):
        show_camera(page, "Box camera" if screen is DESKTOP else "My camera")
    else:
        page.set_input_files("#file", PHOTO)
        page.get_by_role("link", name="Download").wait_for()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    palette = picture.quantize(256)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    context.close()


def show_camera(page: Page, name: str) -> None:
    """Let it run for a while."""
    page.get_by_role("radio", name=name).check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_timeout(LIVE_MS)


if __name__ == "__main__":
    main()
