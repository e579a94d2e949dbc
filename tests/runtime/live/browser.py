"""Headless Chromium with a video as its camera."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)  # fmt: skip
CAMERA, RATE = (640, 480), 30

# Mean distance from gray of the page's image, in RGB codes.
COLOR_OF_CANVAS = """() => {
  const copy = new OffscreenCanvas(160, 120);
  const context = copy.getContext("2d", {willReadFrequently: true});
  context.drawImage(document.getElementById("color"), 0, 0, 160, 120);
  const {data} = context.getImageData(0, 0, 160, 120);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    sum += Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
  }
  return sum / (data.length / 4);
}"""


def browser_video(clip: Path, target: Path, frames: int | None = None) -> Path:
    """Convert a clip, or its first frames, into the gray MJPEG that Chromium takes as a camera."""
    with target.open("wb") as file, av.open(str(clip)) as container:
        for frame in islice(container.decode(video=0), frames):
            gray = cv2.resize(frame.to_ndarray(format="gray"), CAMERA)
            file.write(cv2.imencode(".jpg", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))[1].tobytes())
    return target


def server_video(clip: Path, target: Path) -> Path:
    """Convert a clip into what a device of the server delivers: MJPEG, 30 frames/s."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as output:
        stream = output.add_stream("mjpeg", rate=RATE, options={"q": "3"})
        stream.width, stream.height, stream.pix_fmt = *CAMERA, "yuvj420p"
        for index, frame in enumerate(source.decode(video=0)):
            gray = frame.reformat(*CAMERA, format="gray")
            gray.pts, gray.time_base = index, Fraction(1, RATE)
            output.mux(stream.encode(gray.reformat(format="yuvj420p")))
        output.mux(stream.encode(None))
    return target


@contextmanager
def chromium(camera: Path | None, flags: Sequence[str] = FLAGS) -> Iterator[Browser]:
    """Start Chromium with this video as its camera."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed")
    arguments = [*flags, *([f"--use-file-for-fake-video-capture={camera}"] if camera else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments, headless=True)
        try:
            yield browser
        finally:
            browser.close()
