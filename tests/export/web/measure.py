"""Measures the page in the browser and writes benchmarks/results/web.json, which docs/how-to/web.md shows.

python -m tests.export.web.measure [Chromium] [Firefox]

The browser gets the page from Python's plain server and colors a photo of 12 megapixels, a camera of 640x480 at 30
frames/s, and a video of 5 seconds with sound, all in WASM. Use a quiet machine. Rows of other browsers stay.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import av
import cv2
from tests.export.web.firefox import firefox
from tests.export.web.npm import real_packages
from tests.export.web.static_server import served
from tests.export.web.visits import AnyPage, color, saved, share_as_by_the_runtime, sound_of, visit
from tests.paths import ROOT
from tests.runtime.live.browser import browser_video, chromium
from tests.videos import Video, write_video

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_export.web.command import first_visit
from cgan_export.web.site import write_site
from cgan_runtime.models import bundled_model

TARGET = ROOT / "benchmarks" / "results" / "web.json"
CLIP = ROOT / "samples" / "sample.mp4"
PHOTO, PHOTO_SIZE = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "astronaut.jpg", (4000, 3000)
VIDEO = Video(frames=125, width=480, height=270, codec="libvpx", options={"deadline": "realtime"}, audio=["libopus"])
SMALL_SIZE = (301, 200)
CAMERA_SECONDS, WARM_UP, LOAD_SECONDS = 10.0, 4.0, 2.0
_START = """() => {
  document.querySelector("input[value=camera]").click();
  document.getElementById("start").click();
}"""
_FIGURES = """() => {
  const said = (id) => document.getElementById(id).textContent, predictions = said("predictions");
  return {
    engine: said("model"), delay: parseFloat(said("delay")), shown: window.shown ?? 0,
    predictions: parseFloat(predictions) || 0, size: parseInt(predictions.match(/at (\\d+) px/)?.[1]) || 0,
  };
}"""
_COUNT = "() => { window.shown = 0; addEventListener('cgan-frame', () => { window.shown += 1; }); }"
_RUNS = f"() => ({_FIGURES})().predictions > 0"


def main() -> None:
    """Measure the named browsers, or both, and write."""
    names = sys.argv[1:] or ["Chromium", "Firefox"]
    report = json.loads(TARGET.read_text()) if TARGET.is_file() else {"browsers": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = write_site(bundled_model(), folder / "site", engine=real_packages())
        photo = cv2.resize(cv2.imread(str(PHOTO), cv2.IMREAD_GRAYSCALE), PHOTO_SIZE, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "photo.jpg"), photo)
        write_video(folder / "clip.webm", VIDEO)
        browser_video(CLIP, folder / "camera.mjpeg", 90)
        cv2.imwrite(str(folder / "small.png"), cv2.resize(photo, SMALL_SIZE, interpolation=cv2.INTER_AREA))
        load = BackgroundLoad()
        time.sleep(LOAD_SECONDS)
        machine = describe_machine(2, load.share())
        rows = [measured(browser, folder) for browser in names]
    stay = [row for row in report["browsers"] if row["browser"].split()[0] not in names]
    report = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine, "model": bundled_model().stem, "sizes": sizes, "first_visit": first_visit(sizes),
        "browsers": sorted([*stay, *rows], key=lambda row: row["browser"]),
    }  # fmt: skip
    TARGET.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report["browsers"], indent=1))


@contextmanager
def opened(browser: str, folder: Path) -> Iterator[tuple[AnyPage, str]]:
    """A page of this browser, and the browser's name with its version."""
    if browser == "Firefox":
        with firefox(folder / "profile") as page:
            version = page.evaluate("() => navigator.userAgent.match(/Firefox.(\\d+)/)[1]")
            yield page, f"Firefox {version}"
    else:
        with chromium(folder / "camera.mjpeg") as program:
            page = program.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(0)
            yield page, f"Chromium {program.version.split('.')[0]}"


def measured(browser: str, folder: Path) -> dict[str, Any]:
    """The row of a browser; it also says how equal a photo is to cgan-run's, with the server and without."""
    small = folder / "small.png"
    with opened(browser, folder) as (page, name):
        with served(folder / "site") as origin:
            visit(page, f"{origin}/?engine=wasm")
            row = {"browser": name, "isolated": page.evaluate("() => crossOriginIsolated")}
            row |= {"photo_s": timed(page, folder / "photo.jpg"), **camera(page)}
            row["video_s"] = timed(page, folder / "clip.webm")
            row |= result(saved(page, "save-video"), folder / "clip.webm") | {"as_the_runtime": equality(page, small)}
        visit(page, f"{origin}/?engine=wasm")
        return row | {"as_the_runtime_offline": equality(page, small)}


def equality(page: AnyPage, photo: Path) -> float:
    """The share of a photo's pixels that are as cgan-run makes them."""
    color(page, photo)
    return round(share_as_by_the_runtime(saved(page, "save-png"), photo), 5)


def timed(page: AnyPage, path: Path) -> float:
    """The seconds from choosing a file until it is shown in color."""
    began = time.perf_counter()
    color(page, path)
    return round(time.perf_counter() - began, 2)


def camera(page: AnyPage) -> dict[str, Any]:
    """Frames and predictions a second, and the delay, of the browser's camera."""
    page.evaluate(
        "() => { document.querySelector('input[value=camera]').click(); document.getElementById('start').click(); }"
    )
    page.wait_for_function(_RUNS)
    time.sleep(WARM_UP)
    page.evaluate(_COUNT)
    began, rates = time.perf_counter(), []
    while time.perf_counter() - began < CAMERA_SECONDS:
        time.sleep(1)
        figures = page.evaluate(_FIGURES)
        rates.append(figures["predictions"])
    seconds = time.perf_counter() - began
    return {
        "engine": figures["engine"], "size": figures["size"], "delay_ms": figures["delay"],
        "frames_per_second": round(figures["shown"] / seconds, 1),
        "predictions_per_second": round(sum(rates) / len(rates), 1), "slowest_second": min(rates),
    }  # fmt: skip


def result(content: bytes, clip: Path) -> dict[str, Any]:
    """Frames, format and sound of the colored video."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        frames, codec = sum(1 for _ in container.decode(stream)), stream.codec_context.name
    return {
        "video_frames": frames, "video_codec": codec, "sound_copied": sound_of(io.BytesIO(content)) == sound_of(clip),
    }  # fmt: skip


if __name__ == "__main__":
    main()
