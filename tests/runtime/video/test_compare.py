"""`--compare`: the gray video on the left of the colored one, as it is shown; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, luma_of, read_frames, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.image import colorize_image
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.write.codecs import EncoderSettings

FFV1 = EncoderSettings("ffv1")
Planes = list[np.ndarray[Any, np.dtype[Any]]]


def _planes(frame: av.VideoFrame) -> Planes:
    """Y, Cb and Cr as they are stored, read without the code under test."""
    deep = np.dtype("<u2" if frame.format.components[0].bits > 8 else "u1")
    return [
        np.frombuffer(bytes(plane), np.uint8)
        .reshape(-1, plane.line_size)[: plane.height, : plane.width * deep.itemsize]
        .view(deep)
        for plane in frame.planes
    ]


def _alone_and_beside(source: Path, encoder: EncoderSettings = FFV1) -> tuple[Planes, Planes]:
    """The middle frame of a video colored alone, and with the gray one beside it."""
    found = []
    for compare in (False, True):
        target = source.with_name(f"out-{compare}.mkv")
        with Colorizer(FakeBackend()) as colorizer:
            result = colorize_video(source, target, colorizer, settings=VideoSettings(encoder, compare=compare))
        frame = read_frames(target)[1]
        assert (result.width, result.height) == Orientation.of(frame).shown_size(frame.width, frame.height)
        assert times_of(target) == times_of(source)
        found.append(_planes(frame))
    return found[0], found[1]


@pytest.mark.parametrize("size", [(64, 48), (61, 47)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gray", "yuvj420p"])
def test_gray_is_left_of_color_and_both_are_exact(pixel_format: str, size: tuple[int, int], tmp_path: Path) -> None:
    video = Video(frames=3, width=size[0], height=size[1], codec="ffv1", options={}, pixel_format=pixel_format)
    if pixel_format == "yuvj420p":
        video = Video(frames=3, width=64, height=48, codec="mjpeg", options={}, pixel_format=pixel_format,
                    color_range=2)  # fmt: skip
    source = write_video(tmp_path / "in.mkv", video)
    alone, beside = _alone_and_beside(source)
    assert np.array_equal(alone[0], luma_of(read_frames(source)[1]))
    middle = 1 << (beside[0].itemsize * 8 - 1) if beside[0].itemsize == 1 else 512
    for index, (before, after) in enumerate(zip(alone, beside, strict=True)):
        gray = before if index == 0 else np.full_like(before, middle)
        width = before.shape[1]
        assert before.shape[0] == after.shape[0]
        assert 0 <= after.shape[1] - 2 * width <= 1
        assert np.array_equal(after[:, :width], gray)
        assert np.array_equal(after[:, -width:], before)
    assert np.ptp(alone[1]) > 20


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="PyAV before 18 cannot turn a video")
@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_gray_is_on_the_left_of_a_rotated_video(rotation: int, tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=3, width=96, height=46, rotation=rotation))
    alone, beside = _alone_and_beside(source, EncoderSettings(crf=0))
    turns = rotation // 90 % 4
    for before, after in zip(alone, beside, strict=True):
        shown, both = np.rot90(before, turns), np.rot90(after, turns)
        assert both.shape == (shown.shape[0], 2 * shown.shape[1])
        assert np.array_equal(both[:, shown.shape[1] :], shown)
    gray = np.rot90(beside[1], turns)[:, : np.rot90(alone[1], turns).shape[1]]
    assert (gray == 128).all()


def test_x264_takes_an_odd_size(tmp_path: Path) -> None:
    video = Video(frames=3, width=61, height=47, codec="ffv1", options={})
    alone, beside = _alone_and_beside(write_video(tmp_path / "in.mkv", video), EncoderSettings(crf=0))
    assert beside[0].shape == (47, 122)
    assert np.array_equal(beside[2][:, 61:], alone[2])


@pytest.mark.usefixtures("short_segments")
def test_a_run_with_compare_is_resumed_only_with_compare(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=SEGMENT_FRAMES + 20))

    def stop(done: int, _: int | None) -> None:
        if done == SEGMENT_FRAMES + 5:
            raise KeyboardInterrupt

    target, whole = tmp_path / "out.mkv", tmp_path / "whole.mkv"
    with Colorizer(FakeBackend()) as colorizer:
        colorize_video(source, whole, colorizer, settings=VideoSettings(FFV1, compare=True))
        with pytest.raises(KeyboardInterrupt):
            colorize_video(source, target, colorizer, settings=VideoSettings(FFV1, compare=True), progress=stop)
        with pytest.raises(MediaError, match="its gray beside color was yes, now no"):
            colorize_video(source, target, colorizer, settings=VideoSettings(FFV1), resume=True)
        result = colorize_video(source, target, colorizer, settings=VideoSettings(FFV1, compare=True), resume=True)
    assert (result.kept_frames, result.frames) == (SEGMENT_FRAMES, SEGMENT_FRAMES + 20)
    for before, after in zip(read_frames(whole), read_frames(target), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(_planes(before), _planes(after), strict=True))


@pytest.mark.parametrize("shape", [(20, 31), (20, 31, 3), (20, 31, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_are_compared_too(shape: tuple[int, ...], dtype: type[np.generic], tmp_path: Path) -> None:
    image = np.random.default_rng(5).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)
    rgb = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    write_image(tmp_path / "in.png", rgb)
    with Colorizer(FakeBackend()) as colorizer:
        colorize_image(tmp_path / "in.png", tmp_path / "alone.png", colorizer)
        result = colorize_image(tmp_path / "in.png", tmp_path / "both.png", colorizer, compare=True)
    both, alone = read_image(tmp_path / "both.png"), read_image(tmp_path / "alone.png")
    assert (result.width, result.height) == (62, 20)
    assert np.array_equal(both[:, 31:], alone)
    gray, rounding = both[:, :31], 1 if dtype == np.uint8 else 32  # codes: float32 between
    assert np.ptp(gray[..., :3].astype(int), axis=2).max() <= rounding
    if image.ndim == 2:
        assert np.abs(gray[..., 0].astype(int) - image).max() <= rounding
    if len(shape) == 3 and shape[2] == 4:
        assert np.array_equal(gray[..., 3], image[..., 3])
