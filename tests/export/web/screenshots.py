"""Takes the screenshots of the page in the browser for the docs.

python -m tests.export.web.screenshots /path/to/clip.mp4 [docs/images]
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from tests.export.web.npm import real_packages
from tests.export.web.static_server import served
from tests.export.web.test_page import visit
from tests.paths import ROOT
from tests.runtime.live.browser import COLOR_OF_CANVAS, browser_video, chromium
from tests.runtime.live.screenshots import DESKTOP, PATIENCE, PHONE, save, until_most_color

from cgan_export.web.site import write_site
from cgan_runtime.models import bundled_model

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "astronaut.jpg"


def main() -> None:
    """Take all screenshots."""
    clip, target = Path(sys.argv[1]), Path((*sys.argv, ROOT / "docs" / "images")[2])
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        write_site(bundled_model(), site, engine=real_packages())
        camera = browser_video(clip, Path(folder) / "camera.mjpeg")
        with served(site) as origin, chromium(camera) as browser:
            for name, screen, scheme, show in (
                ("desktop-light", DESKTOP, "light", show_photo),
                ("desktop-dark", DESKTOP, "dark", show_camera),
                ("phone-light", PHONE, "light", lambda page: page.wait_for_timeout(500)),
                ("phone-dark", PHONE, "dark", show_photo),
            ):
                context = browser.new_context(color_scheme=scheme, **screen)
                context.set_default_timeout(1000 * PATIENCE)
                page = context.new_page()
                visit(page, origin)
                show(page)
                save(Image.open(io.BytesIO(page.screenshot())), target / f"web-{name}.webp")
                context.close()


def show_photo(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    expect(page.get_by_role("status")).to_contain_text("is colored", timeout=1000 * PATIENCE)


def show_camera(page: Page) -> None:
    page.get_by_role("radio", name="Camera").check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    until_most_color(lambda: page.evaluate(COLOR_OF_CANVAS), lambda: page.wait_for_timeout(100))


if __name__ == "__main__":
    main()
