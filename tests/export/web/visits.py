"""What tests and measurements do on a page, in any browser."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image

MAX_LEVELS = 2  # of 255, that the page may be off
_KEEP_BLOBS = """() => {
  const address = URL.createObjectURL;
  URL.createObjectURL = (blob) => { window.saved = blob; return address.call(URL, blob); };
}"""
_SAVED = """async () => {
  const bytes = new Uint8Array(await window.saved.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}"""
_SAID = "() => document.getElementById('message').textContent"
_READY = "() => document.documentElement.dataset.ready || document.getElementById('message').textContent"
_FORGET = """() => {
  document.querySelector("input[value=file]").click();
  document.getElementById("message").textContent = "";
}"""


class AnyPage(Protocol):
    """What is asked of a page, of Playwright or of `tests.export.web.firefox`."""

    def goto(self, url: str, /) -> Any: ...
    def evaluate(self, expression: str, /) -> Any: ...
    def wait_for_function(self, expression: str, /) -> Any: ...
    def set_input_files(self, selector: str, files: Path, /) -> Any: ...


def visit(page: AnyPage, url: str) -> None:
    """Open the page and wait for its engine."""
    page.goto(url)
    page.wait_for_function(_READY)
    assert said(page) == ""
    page.evaluate(_KEEP_BLOBS)


def color(page: AnyPage, path: Path) -> None:
    """Choose a photo or video, and wait until it is shown in color."""
    page.evaluate(_FORGET)
    page.set_input_files("#file", path)
    page.wait_for_function(_SAID)
    assert "is colored" in said(page)


def said(page: AnyPage) -> str:
    """What the page tells its user."""
    return str(page.evaluate(_SAID))


def saved(page: AnyPage, button: str) -> bytes:
    """The file that a button saves."""
    page.evaluate(f"() => {{ window.saved = null; document.getElementById('{button}').click(); }}")
    page.wait_for_function("() => window.saved")
    return base64.b64decode(page.evaluate(_SAVED))


def share_as_by_the_runtime(png: bytes, photo: Path, model: Path | None = None) -> float:
    """The share of the pixels that are within `MAX_LEVELS` of what cgan-run makes of the photo."""
    with Colorizer.open(model, backend="onnxruntime") as colorizer:
        want = colorizer.image(read_image(photo)).astype(int)
    got = cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return float((np.abs(got - want).max(axis=-1) <= MAX_LEVELS).mean())


def sound_of(file: Path | io.BytesIO) -> list[bytes]:
    """The packets of a video's sound."""
    with av.open(file) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
