"""What is done to a camera's pictures: levels, crop, turns and flips; cameras and videos of 16 bits."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.runtime.color.test_levels import thermal
from tests.runtime.live.capture.test_feeds import FakeCapture

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.levels import Levels
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.capture.feeds import open_feed
from cgan_runtime.live.capture.picture import Picture, PictureSettings
from cgan_runtime.live.ycc_frame import JFIF

DEEP = Encoding("bt601", full_range=True, bits=16)
CORNERS = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (PictureSettings(), CORNERS.tolist()),
        (PictureSettings(rotate=90), [[4, 1], [5, 2], [6, 3]]),
        (PictureSettings(rotate=180), [[6, 5, 4], [3, 2, 1]]),
        (PictureSettings(rotate=270), [[3, 6], [2, 5], [1, 4]]),
        (PictureSettings(flip=True), [[3, 2, 1], [6, 5, 4]]),
        (PictureSettings(rotate=90, flip=True), [[1, 4], [2, 5], [3, 6]]),
        (PictureSettings(crop=(1, 0, 2, 2)), [[2, 3], [5, 6]]),
        (PictureSettings(crop=(1, 1, 2, 1), rotate=90), [[5], [6]]),
    ],
)
def test_turns_flips_and_parts(settings: PictureSettings, shown: list[list[int]]) -> None:
    frame = Picture(settings).frame(CORNERS, JFIF, None)
    assert frame.luma.tolist() == shown
    assert frame.luma.flags.c_contiguous
    assert frame.seen is None


def test_part_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="--crop 3x3\\+1\\+0 is not within the camera's picture of 3x2"):
        Picture(PictureSettings(crop=(1, 0, 3, 3))).frame(CORNERS, JFIF, None)


@pytest.mark.parametrize("whom", ["picture", "network"])
def test_levels_of_a_16_bit_picture(whom: str) -> None:
    picture = Picture(PictureSettings(Levels("auto", whom), rotate=90))  # type: ignore[arg-type]
    frame = picture.frame(thermal(0), DEEP, 0.0)
    assert frame.luma.shape == (64, 48)
    stretched = frame.luma if whom == "picture" else frame.seen
    assert stretched is not None
    assert stretched.dtype == np.uint8
    assert np.ptp(np.percentile(stretched, (1, 99))) > 200
    assert len(np.unique(stretched)) > 150  # from 16 bits, not from the 15 codes that 8 have
    assert (frame.seen is None) == (whom == "picture")
    if whom == "network":
        assert np.ptp(frame.luma) < 20


def test_16_bit_video_as_a_camera(tmp_path: Path) -> None:
    path = tmp_path / "thermal.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray16le"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(thermal(0), format="gray16le")))
        container.mux(stream.encode(None))
    feed = open_feed(str(path), picture=PictureSettings(Levels("auto")))
    assert len(np.unique(feed.read().luma)) > 150
    feed.close()
    feed = open_feed(str(path))
    assert np.ptp(feed.read().luma) < 20
    feed.close()


def test_16_bit_device_is_read_with_all_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    gray_16 = cv2.VideoWriter.fourcc(*"Y16 ")

    class Thermal(FakeCapture):
        """Delivers 16 bits once conversion is off."""

        raw = False

        def get(self, what: int) -> float:
            return gray_16 if what == cv2.CAP_PROP_FOURCC else super().get(what)

        def set(self, what: int, value: float) -> bool:
            self.raw = self.raw or (what, value) == (cv2.CAP_PROP_CONVERT_RGB, 0)
            return super().set(what, value)

        def read(self):  # type: ignore[no-untyped-def]
            return True, thermal(0) if self.raw else (thermal(0) >> 8).astype(np.uint8)

    monkeypatch.setattr(cv2, "VideoCapture", Thermal)
    feed = open_feed("0", picture=PictureSettings(Levels("auto")))
    assert len(np.unique(feed.read().luma)) > 150
