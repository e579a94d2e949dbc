"""Measures the speed of live video and writes benchmarks/results/live.json, which docs/results.md shows.

python -m tests.runtime.live.measure /path/to/clip.mp4 [benchmarks/results/live.json]

Use a quiet machine: the browser, whose camera is a video, shares the cores with the server.
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
from tests.runtime.live.browser import CAMERA, browser_video, chromium, server_video
from tests.runtime.live.serving import serving

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.capture.feeds import open_feed
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.temporal.settings import TemporalSettings

SECONDS = 15.0  # measured, after the first
_WARM_UP = 3.0  # seconds
_INTERVAL, _TRIES, _IDLE = 2.0, 30, 0.1
_SLOW = 0.1  # seconds per frame of the slow back end
_MS = 1000.0

# Logs the time and delay of each frame that the page draws.
_LOG_FRAMES = """() => {
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
    """Wait up to a minute for other processes; return the fraction of the machine that they use."""
    share: float | None = None
    for _ in range(_TRIES):
        load = BackgroundLoad()
        time.sleep(_INTERVAL)
        share = load.share()
        if share is None or share < _IDLE:
            break
    return share


def measure_pages(clip: Path) -> list[dict[str, Any]]:
    """Measure the browser's and the server's camera on a page whose image is half gray."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        video = browser_video(clip, Path(folder) / "camera.mjpeg")
        mkv = server_video(clip, Path(folder) / "camera.mkv")
        for threads in (1, 2):
            with serving("--webcam", mkv, "--threads", str(threads)) as server, chromium(video) as browser:
                for name in ("My camera", "Server camera"):
                    frames = _watch(browser, server.url, name)
                    rows.append({"source": name, "threads": threads, **_summary(frames)})
    return rows


def measure_slow(clip: Path) -> dict[str, Any]:
    """Measure the delay with a camera of 30 frames/s and a back end of 10, and count dropped frames."""

    def slow(lightness: Any) -> Any:
        time.sleep(_SLOW)
        return warm_above_cool_below(lightness)

    frame_colorizer = FrameColorizer(Colorizer(FakeBackend(slow)), TemporalSettings("off"))
    delays: list[float] = []
    began = time.perf_counter()
    with Camera(partial(open_feed, str(clip)), loop=True) as camera:
        while time.perf_counter() - began < SECONDS:
            if (frame := camera.newest(1.0)) is not None:
                frame_colorizer.colorize(frame.luma)
                delays.append((time.perf_counter() - frame.captured_at) * _MS)
        counts = camera.counts
    thirds = np.array_split(np.array(delays), 3)
    return {
        "read": counts.read,
        "shown": len(delays),
        "dropped": counts.dropped,
        "p50_ms_of_each_third": [round(float(np.median(third)), 1) for third in thirds],
    }


def _watch(browser: Browser, url: str, name: str) -> list[tuple[float, float]]:
    """Return when each frame was drawn and its delay, in milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.evaluate(_LOG_FRAMES)
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
