"""Planes are resized by areas; large ones are halved first, which changes next to nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data as photos

from cgan_runtime.color.planes import resized


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(2160, 3840), (1079, 1919), (1080, 1920), (500, 3000)])
def test_a_large_plane_is_about_the_mean_over_areas(bits: int, shape: tuple[int, int]) -> None:
    photo = cv2.resize(cv2.cvtColor(photos.astronaut(), cv2.COLOR_RGB2GRAY), shape[::-1])
    plane = (photo.astype(np.uint16) << 8) if bits == 16 else photo
    small = resized(plane, (192, 352)).astype(float) / (1 << (bits - 8))
    expected = cv2.resize(photo.astype(np.float32), (352, 192), interpolation=cv2.INTER_AREA)
    assert small.shape == (192, 352)
    assert np.abs(small - expected).mean() < 0.6  # levels of 255; rounding alone is 0.25


def test_flat_planes_stay_flat() -> None:
    assert (resized(np.full((2160, 3840), 77, np.uint8), (192, 352)) == 77).all()
