"""Fixtures of the live tests: fake cameras, a virtual screen, a running server."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.paths import SHARED
from tests.videos import Video, write_video

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture.feeds import EndOfFeed, Feed
from cgan_runtime.live.capture.picture import RawFrame

DATA = SHARED / "data" / "videos"


def gray_image(index: int, size: tuple[int, int] = (48, 64)) -> Plane:
    """A gray wedge with a moving bar."""
    wedge = np.linspace(40, 200, size[1], dtype=np.uint8)[None].repeat(size[0], 0).copy()
    place = (index * 5) % size[1]
    wedge[:, place : place + 4] = 230
    return wedge


class FakeFeed(Feed):
    """Delivers `frames` frames, each with the time that `pace` returns, then ends, or fails with `error`."""

    def __init__(
        self,
        frames: int,
        *,
        error: str | None = None,
        pace: Callable[[int], float | None] = lambda index: None,
        size: tuple[int, int] = (48, 64),
    ) -> None:
        self.description = f"{size[1]}x{size[0]}"
        self.closed = 0
        self._frames, self._error, self._pace, self._size = frames, error, pace, size
        self._delivered = 0

    def read(self) -> RawFrame:
        if self._delivered == self._frames:
            if self._error is None:
                raise EndOfFeed
            raise MediaError(self._error)
        self._delivered += 1
        index = self._delivered - 1
        return RawFrame(gray_image(index, self._size), self._pace(index))

    def close(self) -> None:
        self.closed += 1


class StepByStep:
    """The pace of a feed that delivers a frame only when the test allows it."""

    def __init__(self) -> None:
        self._allowed = threading.Semaphore(0)

    def __call__(self, index: int) -> None:
        self._allowed.acquire()

    def allow(self, frames: int) -> None:
        for _ in range(frames):
            self._allowed.release()


@contextmanager
def virtual_screen(size: tuple[int, int] = (1280, 800)) -> Iterator[str]:
    """Start a virtual screen and yield its name."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    pixels = f"{size[0]}x{size[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", pixels, "-nolisten", "tcp", "-noreset"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    number = server.stdout.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen for one test."""
    with virtual_screen() as name:
        yield name


def with_screen(screen: str) -> dict[str, str]:
    return os.environ | {"DISPLAY": screen}


@pytest.fixture
def clip() -> Path:
    """A real video, 960x540 at 29.97 frames/s."""
    path = DATA / "flower-540p-silent-audio.mp4"
    if not path.exists():
        pytest.skip(f"no clip at {path}")
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video in place of the server's camera."""
    path = tmp_path_factory.mktemp("video") / "camera.mp4"
    return write_video(path, Video(frames=100, width=160, height=120))


@pytest.fixture(scope="session")
def server(video: Path) -> Iterator[Any]:
    """A server that all tests share; only those with other options start their own."""
    from tests.runtime.live.serving import serving

    with serving("--webcam", video, "--max-viewers", "44", "--size", "64") as server:
        yield server
