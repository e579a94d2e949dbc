"""How fast live is here: writes benchmarks/results/live.json, which docs/results.md shows.

python -m tests.runtime.live.measure /path/to/clip.mp4 [benchmarks/results/live.json]

A quiet machine, please: the browser, with a video as its camera, shares the cores with the server.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page
from tests.fakes import FakeBackend, warm_above_cool_below
from tests.runtime.live.browser import CAMERA, box_video, camera_video, chromium
from tests.runtime.live.serving import serving

from cgan_benchmarks.machine.describe import Others, describe_machine
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.capture.feeds import open_feed
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.temporal.filter import TemporalSettings

SECONDS = 15.0  # measured, after the first
_WARM_UP = 3.0  # seconds
_LOOK_SECONDS, _TRIES, _RESTING = 2.0, 30, 0.1
_SLOW = 0.1  # seconds that the slow back end takes for an image
_MS = 1000.0

# Each frame that the page draws, with its delay; `frame` of Figures is called for each.
_NOTED = """() => {
  window.drawn = [];
  window.addEventListener("cgan-frame", (event) => window.drawn.push([performance.now(), event.detail]));
}"""


def main() -> None:
    """Measure and write."""
    clip, target = Path(sys.argv[1]), Path((*sys.argv, "benchmarks/results/live.json")[2])
    report = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": describe_machine(2, others_now()),
        "image": "x".join(map(str, CAMERA)),
        "pages": measure_pages(clip),
        "slow": measure_slow(clip),
    }
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


def others_now() -> float | None:
    """Share of the machine that others take, once they have come to rest, or after a minute."""
    share: float | None = None
    for _ in range(_TRIES):
        others = Others()
        time.sleep(_LOOK_SECONDS)
        share = others.share()
        if share is None or share < _RESTING:
            break
    return share


def measure_pages(clip: Path) -> list[dict[str, Any]]:
    """The browser's own camera and the box's, as a page with half of its image gray shows them."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        video = camera_video(clip, Path(folder) / "camera.mjpeg")
        box = box_video(clip, Path(folder) / "camera.mkv")
        for threads in (1, 2):
            with serving("--webcam", box, "--threads", str(threads)) as server, chromium(video) as browser:
                for name in ("My camera", "Box camera"):
                    frames = _watch(browser, server.url, name)
                    rows.append({"source": name, "threads": threads, **_summary(frames)})
    return rows


def measure_slow(clip: Path) -> dict[str, Any]:
    """A camera of 30 frames/s before a back end of 10: delays of what is shown, and what was dropped."""

    def slow(lightness: Any) -> Any:
        time.sleep(_SLOW)
        return warm_above_cool_below(lightness)

    painter = Painter(Colorizer(FakeBackend(slow)), TemporalSettings("off"))
    delays: list[float] = []
    began = time.perf_counter()
    with Camera(partial(open_feed, str(clip)), endless=True) as camera:
        while time.perf_counter() - began < SECONDS:
            if (shot := camera.newest(1.0)) is not None:
                painter.paint(shot.luma)
                delays.append((time.perf_counter() - shot.captured) * _MS)
        counts = camera.counts
    thirds = np.array_split(np.array(delays), 3)
    return {
        "read": counts.read,
        "shown": len(delays),
        "dropped": counts.dropped,
        "p50_ms_of_each_third": [round(float(np.median(third)), 1) for third in thirds],
    }


def _watch(browser: Browser, url: str, name: str) -> list[tuple[float, float]]:
    """When each frame was drawn, and its delay; milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.evaluate(_NOTED)
    page.get_by_role("radio", name=name).check(force=True)
    page.get_by_role("button", name="Start the camera").click()
    _wait(page, lambda: len(page.evaluate("() => window.drawn")) > 0)
    page.wait_for_timeout(_WARM_UP * _MS)
    page.evaluate("() => { window.drawn = []; }")
    page.wait_for_timeout(SECONDS * _MS)
    drawn = [tuple(frame) for frame in page.evaluate("() => window.drawn")]
    page.close()
    return drawn


def _wait(page: Page, condition: Callable[[], bool]) -> None:
    while not condition():
        page.wait_for_timeout(100)


def _summary(frames: list[tuple[float, float]]) -> dict[str, float]:
    delays = [delay for _, delay in frames if delay > 0]
    seconds = (frames[-1][0] - frames[0][0]) / _MS
    return {
        "frames": len(frames),
        "frames_per_second": round((len(frames) - 1) / seconds, 2),
        **{f"p{percent}_ms": round(float(np.percentile(delays, percent)), 1) for percent in (50, 95)},
    }


if __name__ == "__main__":
    main()
