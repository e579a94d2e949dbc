"""The summary of a run as an image: only panels with figures are drawn, and they take the room."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cgan_train.training.curves import draw_summary


def test_panels_without_figures_leave_no_gap(tmp_path: Path) -> None:
    rows = [{"epoch": str(epoch), "loss_pixel": "0.1", "loss_G": "nan"} for epoch in (1, 2)]
    shapes = {}
    for name, more in {
        "plain": {}, "gan": {"loss_G": "0.7", "loss_D": "0.6"},
        "measured": {"ciede2000": "9", "loss_D": "0.6", "chroma_ratio": "0.5"},
    }.items():  # fmt: skip
        draw_summary([row | more for row in rows], tmp_path / f"{name}.png")
        image = cv2.imread(str(tmp_path / f"{name}.png"))
        shapes[name] = image.shape
        middle = [image[:, : image.shape[1] // 2], image[:, image.shape[1] // 2 :]]
        assert all(np.count_nonzero(part < 255) > 1000 for part in middle)
    assert shapes["plain"] == shapes["gan"]  # one line of panels
    assert shapes["measured"][0] > 1.9 * shapes["gan"][0]
