"""Encoders give the same bits each time, so that a resumed video is that of a single run."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.paths import ROOT
from tests.videos import packets_of

FRAMES = 120
WIDTH, HEIGHT = 400, 304
PROGRAM = """
import sys
from pathlib import Path
from tests.fakes import FakeBackend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
source, target, threads = sys.argv[1:]
colorize_video(Path(source), Path(target), Colorizer(FakeBackend()),
            settings=VideoSettings(EncoderSettings(codec_threads=int(threads))))
"""


@pytest.fixture(scope="module")
def grainy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that is hard to encode: motion, grain, uneven times and some cuts."""
    random = np.random.default_rng(3)
    path, time = tmp_path_factory.mktemp("grainy") / "in.mp4", 0
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 100)
        for index in range(FRAMES):
            if index % 60 == 0:
                scene = cv2.GaussianBlur(random.integers(0, 256, (HEIGHT + 80, WIDTH + 80)) * 1.0, (0, 0), 6)
                scene = cv2.normalize(scene, None, 20, 230, cv2.NORM_MINMAX)
            step = index % 60
            seen = scene[step : step + HEIGHT, step : step + WIDTH] + random.normal(0, 6, (HEIGHT, WIDTH))
            frame = av.VideoFrame.from_ndarray(seen.clip(0, 255).astype(np.uint8), format="gray").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = time, Fraction(1, 100)
            time += int(random.choice([4, 4, 4, 8, 12]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _coded(source: Path, target: Path, threads: int, memory: int) -> object:
    """The packets of the video when glibc fills new memory with a value."""
    paths = os.pathsep.join([str(ROOT), *sys.path])
    command = [sys.executable, "-c", PROGRAM, str(source), str(target), str(threads)]
    environment = os.environ | {"PYTHONPATH": paths, "MALLOC_PERTURB_": str(memory)}
    subprocess.run(command, check=True, env=environment)
    return packets_of(target, "video")


@pytest.mark.parametrize("threads", [1, 4])
def test_the_video_does_not_depend_on_uninitialized_memory(threads: int, grainy: Path, tmp_path: Path) -> None:
    first, second = (_coded(grainy, tmp_path / f"{memory}.mp4", threads, memory) for memory in (0, 85))
    assert first == second
