"""Planes to the screen's and the page's images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.runtime.live.conftest import gray_image

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture.ycc_image import Image, luma_of_jpeg
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.live.latency_meter import Meter
from cgan_runtime.temporal.filter import TemporalSettings


@pytest.mark.parametrize("size", [(48, 64), (49, 65), (1, 1)])
def test_image_keeps_its_luma_on_the_screen(size: tuple[int, int]) -> None:
    luma = gray_image(3, size)
    shape = Image.chroma_shape(luma)
    image = Image(luma, np.full(shape, 120, np.uint8), np.full(shape, 140, np.uint8))
    back = cv2.cvtColor(image.bgr(), cv2.COLOR_BGR2YCrCb)
    assert np.abs(back[:, :, 0].astype(int) - luma).max() <= 1
    assert np.abs(back[:, :, 1].astype(int) - 140).max() <= 1
    assert np.abs(back[:, :, 2].astype(int) - 120).max() <= 1


def test_left_part_is_gray() -> None:
    luma = gray_image(0)
    image = Image(luma, np.full((24, 32), 90, np.uint8), np.full((24, 32), 170, np.uint8))
    half = image.half_gray(0.5)
    assert (half.cb[:, :16] == 128).all()
    assert (half.cb[:, 16:] == 90).all()
    assert (image.cb == 90).all()
    assert image.half_gray(0) is image


def test_jpeg_there_and_back() -> None:
    luma = gray_image(0, (96, 128))
    shape = Image.chroma_shape(luma)
    data = Image(luma, np.full(shape, 110, np.uint8), np.full(shape, 150, np.uint8)).jpeg()
    assert np.abs(luma_of_jpeg(data).astype(int) - luma).mean() < 4
    with pytest.raises(MediaError, match="damaged"):
        luma_of_jpeg(b"\xff\xd8 no image")


def test_painter_colors_frame_after_frame() -> None:
    backend = FakeBackend()
    painter = Painter(Colorizer(backend), TemporalSettings("high"))
    first, second = (painter.paint(gray_image(index)) for index in range(2))
    assert backend.calls == 2
    assert first.cb.std() > 2
    assert second.cb is not first.cb
    assert second.luma.tobytes() == gray_image(1).tobytes()


def test_meter_tells_rate_and_percentiles() -> None:
    meter = Meter()
    for frame in range(100):
        meter.shown(captured=frame / 20, now=frame / 20 + (0.5 if frame % 10 == 9 else 0.1))
    now = 99 / 20 + 0.5
    assert meter.rate(now) == pytest.approx(20, rel=0.1)
    assert meter.delay_ms(50, now) == pytest.approx(100, abs=1)
    assert meter.delay_ms(95, now) == pytest.approx(500, abs=1)
    assert meter.run_delay_ms(50) == pytest.approx(100, abs=1)
    assert meter.run_delay_ms(95) == pytest.approx(500, abs=1)
    assert meter.total == 100
    assert Meter().rate(0) == Meter().run_rate() == Meter().run_delay_ms(95) == Meter().delay_ms(50, 0) == 0
