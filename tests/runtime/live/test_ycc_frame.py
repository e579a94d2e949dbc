"""Colored frames for the screen and the page, and the frame colorizer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.runtime.live.conftest import gray_image

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.ycc_frame import YccFrame, luma_of_jpeg
from cgan_runtime.temporal.settings import TemporalSettings


@pytest.mark.parametrize("size", [(48, 64), (49, 65), (1, 1)])
def test_bgr_keeps_the_luma(size: tuple[int, int]) -> None:
    luma = gray_image(3, size)
    shape = YccFrame.chroma_shape(luma)
    frame = YccFrame(luma, np.full(shape, 120, np.uint8), np.full(shape, 140, np.uint8))
    back = cv2.cvtColor(frame.bgr(), cv2.COLOR_BGR2YCrCb)
    assert np.abs(back[:, :, 0].astype(int) - luma).max() <= 1
    assert np.abs(back[:, :, 1].astype(int) - 140).max() <= 1
    assert np.abs(back[:, :, 2].astype(int) - 120).max() <= 1


def test_left_part_is_gray() -> None:
    luma = gray_image(0)
    frame = YccFrame(luma, np.full((24, 32), 90, np.uint8), np.full((24, 32), 170, np.uint8))
    half = frame.with_gray_left(0.5)
    assert (half.cb[:, :16] == 128).all()
    assert (half.cb[:, 16:] == 90).all()
    assert (frame.cb == 90).all()
    assert frame.with_gray_left(0) is frame


def test_jpeg_round_trip() -> None:
    luma = gray_image(0, (96, 128))
    shape = YccFrame.chroma_shape(luma)
    data = YccFrame(luma, np.full(shape, 110, np.uint8), np.full(shape, 150, np.uint8)).jpeg()
    assert np.abs(luma_of_jpeg(data).astype(int) - luma).mean() < 4
    with pytest.raises(MediaError, match="damaged"):
        luma_of_jpeg(b"\xff\xd8 no frame")


@pytest.mark.parametrize("size", [(48, 64), (49, 65), (1, 1)])
def test_the_jpeg_has_the_chroma_planes(size: tuple[int, int]) -> None:
    shape = YccFrame.chroma_shape(np.empty(size))
    cb = np.add.outer(np.linspace(90, 120, shape[0]), np.linspace(0, 20, shape[1])).astype(np.uint8)
    data = YccFrame(np.full(size, 128, np.uint8), cb, 255 - cb).jpeg()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    ycc = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)[::2, ::2].astype(int)
    assert image.shape[:2] == size
    assert np.abs(ycc[..., 2] - cb).max() <= 4
    assert np.abs(ycc[..., 1] - (255 - cb)).max() <= 4


def test_frame_colorizer_colors_frame_after_frame() -> None:
    backend = FakeBackend()
    frame_colorizer = FrameColorizer(Colorizer(backend), TemporalSettings("high", 1))
    first, second = (frame_colorizer.colorize(gray_image(index)) for index in range(2))
    assert backend.calls == 2
    assert first.cb.std() > 2
    assert second.cb is not first.cb
    assert second.luma.tobytes() == gray_image(1).tobytes()
