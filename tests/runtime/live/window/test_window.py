"""The window on a virtual screen: image, mouse and keys; and the error without a screen."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab
from tests.runtime.live.conftest import with_screen
from tests.runtime.live.serving import RUN, TIMEOUT
from tests.runtime.live.serving import until as wait_until
from tests.videos import chroma_span, read_frames

from cgan_runtime.image.text import draw_text
from cgan_runtime.live.window.window import draw_split, enlarge_small

until = partial(wait_until, interval=0.2)  # a screenshot is expensive
WINDOWS = 12
ONE_AFTER_THE_OTHER = f"""
import os, time
import numpy as np
from PIL import ImageGrab
from cgan_runtime.live.run import Window  # as the command imports it

def is_painted():
    end = time.monotonic() + 20
    with Window("cgan") as window:
        while time.monotonic() < end:
            window.show(np.full((360, 480, 3), 200, np.uint8))
            list(window.keys(20))
            if np.asarray(ImageGrab.grab(xdisplay=os.environ["DISPLAY"])).max() > 100:
                return True
    return False

for _ in range({WINDOWS}):
    child = os.fork()
    if not child:
        os._exit(not is_painted())
    assert os.waitpid(child, 0)[1] == 0, "the window stayed black"
"""

FULL_SCREEN = """
import os, time
import numpy as np
from PIL import ImageGrab
from cgan_runtime.live.run import Window

def wait_until_lit(low, high):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        window.show(np.full((400, 640, 3), 200, np.uint8))
        list(window.keys(20))
        share = (np.asarray(ImageGrab.grab(xdisplay=os.environ["DISPLAY"])) == 200).mean()
        if low <= share <= high:
            return
    raise SystemExit(f"{share:.0%} of the screen show the image")

with Window("cgan") as window:
    for low, high in ((0.2, 0.3), (0.99, 1), (0.2, 0.3)):
        wait_until_lit(low, high)
        window.toggle_full_screen()
"""


@contextmanager
def running(*options: str | Path, screen: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [RUN, "--webcam", *options], env=with_screen(screen), cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        sys.stderr.write(process.communicate()[1] or "")  # shown where a test fails


def looped(clip: Path, folder: Path) -> Path:
    """The clip eight times in a row, so that a test has enough time."""
    import av

    target = folder / "long.mp4"
    with av.open(str(clip)) as source, av.open(str(target), "w") as output:
        stream = source.streams.video[0]
        out = output.add_stream_from_template(stream)
        end = 0
        for _ in range(8):
            source.seek(0)
            base, last = end, end
            for packet in source.demux(stream):
                if packet.dts is None:
                    continue
                packet.pts += base
                packet.dts += base
                last = max(last, packet.pts + packet.duration)
                packet.stream = out
                output.mux(packet)
            end = last
    return target


def screenshot(screen: str) -> Image.Image:
    return ImageGrab.grab(xdisplay=screen)


def color_in(image: Image.Image, part: tuple[float, float]) -> float:
    """Mean distance from gray in a part of the width, in the middle of the height."""
    width, height = image.size
    box = (int(part[0] * width), int(0.45 * height), int(part[1] * width), int(0.9 * height))
    pixels = np.asarray(image.convert("RGB").crop(box)).astype(int)
    return float(np.ptp(pixels, axis=2).mean())


def wait_for_color(screen: str, folder: Path) -> None:
    try:
        until(lambda: color_in(screenshot(screen), (0.1, 0.6)) > 8)
    except AssertionError as error:
        image = screenshot(screen)
        image.save(folder / "screen.png")
        shown = f"values up to {np.asarray(image).max()}, {len(image.getcolors(image.width * image.height))} colors"
        raise AssertionError(f"no color on the screen: {shown}; see {folder / 'screen.png'}") from error


def test_every_window_is_painted(screen: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER], env=with_screen(screen),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_window_shows_color_and_reacts_to_mouse_and_keys(screen: str, clip: Path, tmp_path: Path) -> None:
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")
    video = looped(clip, tmp_path)

    def xdotool(*words: str) -> None:
        subprocess.run(["xdotool", *words], env=with_screen(screen), check=True)

    with running(video, "--as-camera", "--camera-size", "960x540", screen=screen, folder=tmp_path) as process:
        wait_for_color(screen, tmp_path)
        xdotool("key", "h")
        xdotool("mousemove", "200", "300", "mousedown", "1", "mousemove", "480", "300", "mouseup", "1")
        until(lambda: color_in(screenshot(screen), (0.05, 0.3)) < 1)
        assert color_in(screenshot(screen), (0.45, 0.7)) > 8
        xdotool("key", "r")  # Qt loses the first of two keys at once, so wait for each
        until(lambda: any(path.stat().st_size > 10_000 for path in tmp_path.glob("cgan-*.mp4")))
        xdotool("key", "s")
        until(lambda: bool(list(tmp_path.glob("cgan-*.png"))))
        xdotool("key", "q")
        out, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0
        assert "frames shown" in out
        assert "dropped" in out
        assert out.count(f"saved {tmp_path}/cgan-") == 2
    (recorded,) = tmp_path.glob("cgan-*.mp4")
    assert chroma_span(read_frames(recorded)[-1]) > 20


def test_ctrl_c_quits_and_the_recording_is_playable(screen: str, clip: Path, tmp_path: Path) -> None:
    video = looped(clip, tmp_path)
    with running(video, "--as-camera", "--record", "out.mp4", screen=screen, folder=tmp_path) as process:
        wait_for_color(screen, tmp_path)
        until(lambda: (tmp_path / "out.mp4").stat().st_size > 200_000)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130
    assert len(read_frames(tmp_path / "out.mp4")) > 5


@pytest.mark.parametrize("display", [None, ":4242"])
def test_without_screen_the_page_is_suggested(tmp_path: Path, display: str | None) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux may have no screen")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"DISPLAY": display} if display else {}
    done = subprocess.run(
        [RUN, "--webcam", "video one.mp4"], env=environment, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no screen for a window")
    assert line.endswith("cgan-run --webcam 'video one.mp4' --serve")


def test_full_screen_and_back(screen: str, tmp_path: Path) -> None:
    if shutil.which("openbox") is None:
        pytest.skip("openbox is not installed; a window fills the screen only where a window manager makes it")
    ready = tmp_path / "ready"  # a window that is opened while the window manager starts may stay black
    with subprocess.Popen(
        ["openbox", "--startup", f"touch '{ready}'"], env=with_screen(screen),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as manager:  # fmt: skip
        until(ready.exists)
        done = subprocess.run(
            [sys.executable, "-c", FULL_SCREEN], env=with_screen(screen), capture_output=True, text=True, check=False
        )
        manager.terminate()
    assert done.returncode == 0, done.stderr


def test_text_and_line_are_drawn() -> None:
    image = np.full((240, 320, 3), 120, np.uint8)
    draw_text(image, ["12 frames/s", "recording"])
    assert image[:60].max() > 200  # letters
    assert image[2, 2].max() < 60  # on a dark background
    assert (image[120:] == 120).all()
    draw_split(image, 0.5)
    assert (image[200, 160] > 200).all()
    before = image.copy()
    draw_split(image, 0.0)
    draw_text(image, [])
    assert (image == before).all()


def test_small_image_is_enlarged_until_text_fits() -> None:
    assert enlarge_small(np.zeros((60, 80, 3), np.uint8)).shape == (360, 480, 3)
    assert enlarge_small(np.zeros((120, 160, 3), np.uint8)).shape == (360, 480, 3)
    image = np.zeros((480, 640, 3), np.uint8)
    assert enlarge_small(image) is image


def test_long_text_is_wrapped() -> None:
    short, long = np.full((2, 360, 480, 3), 120, np.uint8)
    draw_text(short, ["trying again"])
    draw_text(long, ["no camera at 0, or another program uses it; plug it in, close the other program; trying again"])
    background = [int((image[:, 2, 0] < 60).sum()) for image in (short, long)]
    assert background[1] >= 1.5 * background[0]  # two lines
    assert (long[:, -2] == 120).all()  # none beyond the edge
