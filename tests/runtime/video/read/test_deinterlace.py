"""Deinterlacing keeps the number and times of frames, and leaves other videos unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, luma_of, read_frames, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.deinterlace import Deinterlace
from cgan_runtime.video.write.codecs import EncoderSettings

FFV1 = EncoderSettings("ffv1")
FRAMES = 12
STEP = 6  # pixels that a bar moves between two fields


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _interlaced(path: Path) -> Path:
    """A bright bar that moves from field to field, top field first."""
    options = {"preset": "ultrafast", "qp": "0", "x264-params": "interlaced=1:tff=1"}
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 160, 96, "gray"
        context.flags |= 1 << 18  # AV_CODEC_FLAG_INTERLACED_DCT
        for n in range(FRAMES):
            luma = np.full((96, 160), 60, np.uint8)
            for field in (0, 1):
                left = 4 + (2 * n + field) * STEP
                luma[field::2, left : left + 12] = 200
            frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _combs(luma: npt.NDArray[np.generic]) -> float:
    """Mean difference of each line from the mean of its neighbors."""
    lines = luma.astype(float)
    return float(np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean())


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_combing_is_removed_and_frames_and_times_stay(mode: Deinterlace, tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = _interlaced(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    assert read_frames(source)[0].interlaced_frame
    result = colorize_video(source, target, colorizer, settings=VideoSettings(FFV1, deinterlace=mode))
    assert result.frames == FRAMES
    assert times_of(target) == times_of(source)
    before, after = read_frames(source)[FRAMES // 2], read_frames(target)[FRAMES // 2]
    assert _combs(luma_of(after)) < _combs(luma_of(before)) / 4
    kept = [np.array_equal(luma_of(after)[field::2], luma_of(before)[field::2]) for field in (0, 1)]
    assert sum(kept) == 1  # one field stays exactly, the other is interpolated
    assert result.notes[-1].startswith("12 frames were deinterlaced")


def test_off_keeps_the_luma_and_notes_interlacing(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = _interlaced(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    result = colorize_video(source, target, colorizer, settings=VideoSettings(FFV1, deinterlace="off"))
    for before, after in zip(read_frames(source), read_frames(target), strict=True):
        assert np.array_equal(luma_of(before), luma_of(after))
    assert result.notes == ("the video is interlaced: whole frames are colored, and stored as progressive ones",)


def test_auto_leaves_a_progressive_video_unchanged(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video()), tmp_path / "out.mkv"
    assert colorize_video(source, target, colorizer, settings=VideoSettings(FFV1)).notes == ()
    for before, after in zip(read_frames(source), read_frames(target), strict=True):
        assert np.array_equal(luma_of(before), luma_of(after))


def test_another_stream_can_be_chosen(tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / "in.mkv"
    with av.open(source, "w") as output:
        streams = []
        for width in (64, 96):
            stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.codec_context.width, stream.codec_context.height = width, 48
            streams.append(stream)
        output.start_encoding()
        for n in range(4):
            for stream in streams:
                frame = av.VideoFrame(stream.codec_context.width, 48, "yuv420p")
                frame.pts, frame.time_base = n, Fraction(1, 25)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    assert colorize_video(source, tmp_path / "a.mkv", colorizer).width == 64
    result = colorize_video(source, tmp_path / "b.mkv", colorizer, settings=VideoSettings(stream=1))
    assert (result.width, result.frames) == (96, 4)
    with av.open(tmp_path / "b.mkv") as video:  # the other one is copied
        assert sorted(stream.width for stream in video.streams.video) == [64, 96]
    with pytest.raises(MediaError, match=r"stream 2 of .* is no video; its videos are stream 0, 1"):
        colorize_video(source, tmp_path / "c.mkv", colorizer, settings=VideoSettings(stream=2))
