"""The summary of a run as an image: a panel is drawn only for figures that the log has."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cgan_train.training.curves import draw_summary

TITLE = 30  # px


def test_run_without_a_discriminator_has_no_empty_axes(tmp_path: Path) -> None:
    rows = [{"epoch": str(epoch), "loss_pixel": "0.1", "loss_G": "nan", "loss_D": "nan"} for epoch in (1, 2)]
    draw_summary(rows, tmp_path / "plain.png")
    draw_summary([row | {"loss_G": "0.7", "loss_D": "0.6"} for row in rows], tmp_path / "gan.png")
    plain, gan = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("plain", "gan"))
    height, width = plain.shape[0] // 2, plain.shape[1] // 2
    losses = [np.count_nonzero(image[TITLE : height - TITLE, width + TITLE :] < 255) for image in (plain, gan)]
    assert losses[0] == 0
    assert losses[1] > 1000
