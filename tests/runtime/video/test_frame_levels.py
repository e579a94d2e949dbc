"""Videos of thermal cameras: dim ones come out with contrast, steadily, or unchanged where that is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend, warm_above_cool_below
from tests.runtime.color.test_levels import thermal
from tests.videos import read_frames

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.lab import lightness_table
from cgan_runtime.color.levels import Levels
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.frame_layout import luma_plane
from cgan_runtime.video.frame_levels import FrameLevels
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.codecs import EncoderSettings

FRAMES = 24


@pytest.fixture(scope="module")
def dim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 16-bit video of 64 x 48 that uses 6 % of the range."""
    path = tmp_path_factory.mktemp("dim") / "thermal.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray16le"
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(thermal(number), format="gray16le")))
        container.mux(stream.encode(None))
    return path


def color(source: Path, target: Path, levels: Levels, seen: list[FloatArray] | None = None) -> list[av.VideoFrame]:
    """Color a video and return the frames of the result; `seen` takes what the network saw."""

    def predict(lightness: FloatArray) -> FloatArray:
        if seen is not None:
            seen.append(lightness.copy())
        return warm_above_cool_below(lightness)

    with Colorizer(FakeBackend(predict)) as colorizer:
        settings = VideoSettings(levels=levels, encoder=EncoderSettings(codec="ffv1"))
        colorize_video(source, target, colorizer, settings=settings)
    return read_frames(target)


def lightness_of(frame: av.VideoFrame) -> FloatArray:
    """L* of the luma of a colored frame, 0 to 100."""
    encoding = Encoding("bt709", full_range=frame.color_range == 2, bits=frame.format.components[0].bits)
    lightness: FloatArray = (lightness_table(encoding).take(luma_plane(frame)) + 1) * 50
    return lightness


def test_dim_video_comes_out_with_contrast_and_without_flicker(dim: Path, tmp_path: Path) -> None:
    frames = [lightness_of(frame) for frame in color(dim, tmp_path / "out.mkv", Levels("auto"))]
    assert len(frames) == FRAMES
    assert min(np.ptp(np.percentile(frame, (1, 99))) for frame in frames) > 50
    means = np.array([frame.mean() for frame in frames])
    assert np.abs(np.diff(means) / means[:-1]).max() < 0.01


def test_without_levels_it_stays_as_it_is(dim: Path, tmp_path: Path) -> None:
    frames = color(dim, tmp_path / "out.mkv", Levels())
    assert all((luma_plane(frame) == thermal(number)).all() for number, frame in enumerate(frames))


def test_levels_for_the_network_leave_the_luma_as_it_is(dim: Path, tmp_path: Path) -> None:
    seen: list[FloatArray] = []
    frames = color(dim, tmp_path / "out.mkv", Levels("auto", "network"), seen)
    assert all((luma_plane(frame) == thermal(number)).all() for number, frame in enumerate(frames))
    assert min(np.ptp(np.percentile(view, (1, 99))) for view in seen) > 1  # of 2
    as_it_is: list[FloatArray] = []
    color(dim, tmp_path / "plain.mkv", Levels(), as_it_is)
    assert max(np.ptp(view) for view in as_it_is) < 0.2


@pytest.mark.parametrize("convert", [lambda frame: frame.reformat(format="rgb48le"), lambda frame: frame])
def test_formats_and_time(convert: Callable[[av.VideoFrame], av.VideoFrame], dim: Path) -> None:
    with VideoReader(dim) as reader:
        frame = convert(reader.first)
    frame.pts = 7
    stretched = FrameLevels(Levels("30,36"), "ffv1").stretched(frame)
    assert (stretched.format.name, stretched.pts, stretched.color_range) == ("gray16le", 7, 2)
    assert np.ptp(luma_plane(stretched)) > 50000
