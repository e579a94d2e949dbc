"""All codecs and pixel formats: frames, depth and luma are kept."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, chroma_span, luma_of, read_frames, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.write.codecs import EncoderSettings

FRAMES = 4
X264 = {"preset": "ultrafast", "qp": "0"}
X265 = {"preset": "ultrafast", "x265-params": "lossless=1:log-level=none"}
VP9 = {"lossless": "1"}

# codec, options, suffix, pixel formats as encoded -> as stored, or one name where both are the same.
SOURCES: list[tuple[str, dict[str, str], str, str]] = [
    ("libx264", X264, ".mp4", "yuv420p yuvj420p>yuv420p yuv422p yuv444p gray>yuv420p nv12>yuv420p nv16>yuv422p"),
    ("libx264", X264, ".mp4", "yuv420p10le yuv422p10le yuv444p10le gray10le>yuv420p10le"),
    ("libx265", X265, ".mp4", "yuv420p yuv422p yuv444p gray>yuv420p yuv420p10le yuv422p10le yuv444p10le"),
    ("libx265", X265, ".mp4", "yuv420p12le yuv422p12le yuv444p12le gray10le>yuv420p10le gray12le>yuv420p12le"),
    ("libvpx", {}, ".webm", "yuv420p"),
    ("libvpx-vp9", VP9, ".webm", "yuv420p yuv422p yuv444p yuv440p>yuv420p"),
    ("libsvtav1", {"preset": "10"}, ".mkv", "yuv420p yuv420p10le"),
    ("mjpeg", {}, ".mkv", "yuvj420p>yuv420p yuvj422p>yuv422p yuvj444p>yuv444p"),
    ("mpeg2video", {}, ".mkv", "yuv420p yuv422p"),
    ("mpeg1video", {}, ".mpg", "yuv420p"),
    ("mpeg4", {}, ".avi", "yuv420p"),
    ("msmpeg4", {}, ".avi", "yuv420p"),
    ("flv", {}, ".flv", "yuv420p"),
    ("prores_ks", {}, ".mov", "yuv422p10le"),
    ("dnxhd", {"profile": "dnxhr_sq"}, ".mov", "yuv422p"),
    ("v210", {}, ".mov", "yuv422p10le"),
    ("png", {}, ".mov", "gray>yuv420p"),
    ("rawvideo", {}, ".mkv", "gray>yuv420p"),
    ("ffv1", {}, ".mkv", "yuv420p yuv411p>yuv420p yuva420p>yuv420p yuv420p9le yuv422p12le yuv444p16le"),
    ("ffv1", {}, ".mkv", "gray>yuv420p gray10le>yuv420p10le gray12le>yuv420p12le gray16le>yuv420p16le"),
]
CASES = [
    pytest.param(codec, options, suffix, *(pair.split(">") * 2)[:2], id=f"{codec}-{pair}")
    for codec, options, suffix, pairs in SOURCES
    for pair in pairs.split()
]
COARSE_CLOCK = frozenset({".avi", ".flv", ".mpg", ".mkv"})


@pytest.mark.parametrize(("codec", "options", "suffix", "pixel_format", "stored"), CASES)
def test_every_codec_and_pixel_format(
    codec: str, options: dict[str, str], suffix: str, pixel_format: str, stored: str, tmp_path: Path
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"PyAV has no {codec} here")
    video = Video(
        frames=FRAMES, width=256, height=144, pixel_format=pixel_format, codec=codec, options=options,
        ticks=25 if suffix in COARSE_CLOCK else 90_000,
    )  # fmt: skip
    source, target = write_video(tmp_path / f"in{suffix}", video), tmp_path / "out.mkv"
    before = read_frames(source)
    with Colorizer(FakeBackend()) as colorizer:
        result = colorize_video(source, target, colorizer, settings=VideoSettings(EncoderSettings("ffv1")))
    after = read_frames(target)
    assert result.frames == len(before) == len(after)
    assert {frame.format.name for frame in after} == {stored}
    assert chroma_span(after[0]) > 20 << (after[0].format.components[0].bits - 8)
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(luma_of(old), luma_of(new))


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format"),
    [("rawvideo", ".mov", "uyvy422"), ("rawvideo", ".mov", "rgb24"), ("ffv1", ".mkv", "bgr0"),
     ("ffv1", ".mkv", "gbrp12le"), ("qtrle", ".mov", "gray"), ("gif", ".gif", "gray")],
)  # fmt: skip
def test_packed_rgb_and_palette_sources_keep_their_luma(
    codec: str, suffix: str, pixel_format: str, tmp_path: Path
) -> None:
    ticks = 100 if suffix == ".gif" else 25
    video = Video(frames=FRAMES, width=256, height=144, pixel_format=pixel_format, codec=codec, options={}, ticks=ticks)
    source, target = write_video(tmp_path / f"in{suffix}", video), tmp_path / "out.mkv"
    with Colorizer(FakeBackend(lambda lightness: np.zeros((1, 2, *lightness.shape[2:]), np.float32))) as colorizer:
        colorize_video(source, target, colorizer, settings=VideoSettings(EncoderSettings("ffv1")))
    for old, new in zip(read_frames(source), read_frames(target), strict=True):
        difference = old.to_ndarray(format="gray").astype(int) - new.to_ndarray(format="gray").astype(int)
        assert np.abs(difference).max() <= 2


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no scheduling classes")
def test_writing_svt_av1_keeps_the_scheduling_of_the_process(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mkv", Video(codec="libsvtav1", options={"preset": "10"}))
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
